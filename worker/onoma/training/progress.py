"""Shows how training goes: a bar on a terminal, plain lines without one.

`loop.py` reports every step here and knows nothing of terminals. The rule: what is shown is a mean
over the steps since the last time, never the last step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

STEPS_PER_LINE = 500
STEPS_PER_MOVE = 10


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
    """Sums since the last time something was shown."""

    steps: int = 0
    loss: float = 0.0
    units: int = 0
    since: float | None = None

    def add(self, line: Line) -> None:
        self.steps += 1
        self.loss += line.loss
        self.units += line.units
        if self.since is None:
            self.since = line.seconds

    def text(self, line: Line) -> str:
        seconds = max(line.seconds - (self.since or 0.0), 1e-9)
        best = f"  best dev {line.best:.4f}" if line.best > 0 else ""
        return f"loss {self.loss / self.steps:.4f}  {self.units / seconds:,.0f} units/s{best}"


@contextmanager
def shown(what: str, console: Console) -> Iterator[Progress]:
    """Yield a reporter for the run called `what`: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
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
        window = _Window()

        def move(line: Line) -> None:
            nonlocal window
            window.add(line)
            if window.steps == STEPS_PER_MOVE:
                bar.update(task, completed=line.share, text=window.text(line))
                window = _Window(since=line.seconds)

        yield move


def lines(what: str, write: Callable[[str], None]) -> Progress:
    """Return a reporter that writes a line every 500 steps."""
    window = _Window()
    step = 0

    def report(line: Line) -> None:
        nonlocal window, step
        step += 1
        window.add(line)
        if window.steps == STEPS_PER_LINE:
            write(f"{what}  {line.share:4.0%}  {line.seconds:,.0f} s  {window.text(line)}")
            window = _Window(since=line.seconds)

    return report
