"""Shows how training goes: a bar on a terminal, plain lines without one.

`loop.py` reports every step here and knows nothing of terminals. The rules: the first step is shown
at once, so that nobody wonders whether training began, and then something every few seconds,
however long a step takes; what is shown is a mean over the steps since the last time, never the
last step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

SECONDS_PER_LINE = 30.0
SECONDS_PER_MOVE = 0.5
"""Processor seconds, as the loop counts them."""


class Line(NamedTuple):
    """One step: which source, its loss and units, the share of the budget, seconds, best score."""

    source: str
    loss: float
    units: int
    share: float
    seconds: float
    best: float


Progress = Callable[[Line], None]


@dataclass(slots=True)
class _Window:
    """Sums since something was shown, `since` so many seconds of training; None before."""

    since: float | None = None
    steps: int = 0
    loss: float = 0.0
    units: int = 0

    def add(self, line: Line) -> None:
        self.steps += 1
        self.loss += line.loss
        self.units += line.units

    def text(self, line: Line) -> str:
        parts = [f"loss {self.loss / self.steps:.4f}"]
        if self.since is not None and line.seconds > self.since:
            parts.append(f"{self.units / (line.seconds - self.since):,.0f} units/s")
        if line.best > 0:
            parts.append(f"best dev {line.best:.4f}")
        return "  ".join(parts)


@contextmanager
def shown(what: str, console: Console) -> Iterator[Progress]:
    """Yield a reporter for the run called `what`: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        # A console flushes after each line: a log file is as new as training.
        yield lines(what, lambda text: console.print(text, highlight=False, soft_wrap=True))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(what, total=1.0, text="")

        def move(line: Line, text: str) -> None:
            bar.update(task, completed=line.share, text=text)

        yield _every(SECONDS_PER_MOVE, move)


def lines(what: str, write: Callable[[str], None]) -> Progress:
    """Return a reporter that writes a line for the first step and then every 30 seconds."""

    def told(line: Line, text: str) -> None:
        write(f"{what}  {line.share:4.0%}  {line.seconds:,.0f} s  {text}")

    return _every(SECONDS_PER_LINE, told)


def _every(seconds: float, tell: Callable[[Line, str], None]) -> Progress:
    """Return a reporter that sums up steps and tells of them every so many seconds."""
    window = _Window()

    def report(line: Line) -> None:
        nonlocal window
        window.add(line)
        if window.since is None or line.seconds - window.since >= seconds:
            tell(line, window.text(line))
            window = _Window(since=line.seconds)

    return report
