from __future__ import annotations

import io

import pytest
from rich.console import Console

from onoma.training.progress import STEPS_PER_LINE, Line, lines, shown


def _line(step: int, best: float = 0.0) -> Line:
    return Line("names", float(step % 2), 10, step / 1000, step * 0.01, best)


def test_without_a_terminal_there_is_a_line_now_and_then() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=40)
    with shown("names", console) as progress:
        for step in range(2 * STEPS_PER_LINE):
            progress(_line(step, best=0.5))

    assert isinstance(console.file, io.StringIO)
    first, second = console.file.getvalue().splitlines()
    assert first.startswith("names")
    assert "loss 0.5000" in first
    assert "best dev 0.5000" in second


def test_a_line_shows_the_speed_since_the_last_one() -> None:
    written: list[str] = []
    report = lines("names", written.append)
    for step in range(2 * STEPS_PER_LINE):
        slow = 1.0 if step < STEPS_PER_LINE else 10.0
        report(Line("names", 1.0, 10, 0.5, step * 0.01 * slow, 0.0))

    speeds = [int(text.split(" units/s")[0].split()[-1].replace(",", "")) for text in written]
    assert speeds[0] == pytest.approx(1000, rel=0.01)
    assert speeds[1] < 200
    assert "best" not in written[0]


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown("names", console) as progress:
        for step in range(20):
            progress(_line(step))

    assert isinstance(console.file, io.StringIO)
    assert "units/s" in console.file.getvalue()
