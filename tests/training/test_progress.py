from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from onoma.training.progress import SECONDS_PER_LINE, Line, lines, shown


def _line(seconds: float, *, loss: float = 1.0, best: float = 0.0) -> Line:
    return Line("names", loss, 10, seconds / 1000, seconds, best)


def _written(*steps: Line) -> list[str]:
    written: list[str] = []
    report = lines("names", written.append)
    for line in steps:
        report(line)
    return written


def test_the_first_step_is_told_at_once() -> None:
    (first,) = _written(_line(0.2, loss=4.5))

    assert first == "names    0%  0 s  loss 4.5000"


def test_then_there_is_a_line_every_thirty_seconds_however_long_a_step_takes() -> None:
    quick = _written(*(_line(number * 0.1) for number in range(1000)))
    slow = _written(*(_line(number * 2 * SECONDS_PER_LINE) for number in range(5)))

    assert len(quick) == 1 + 99.9 // SECONDS_PER_LINE
    assert len(slow) == 5


def test_a_line_shows_loss_and_speed_since_the_last_one_and_the_best_score() -> None:
    quick = [_line(number * 0.01, loss=number % 2) for number in range(3001)]
    slow = [_line(30 + number * 0.1, loss=5.0, best=0.5) for number in range(1, 301)]

    first, second, third = _written(*quick, *slow)

    assert "units/s" not in first
    assert second.endswith("loss 0.5000  1,000 units/s")
    assert third.endswith("loss 5.0000  100 units/s  best dev 0.5000")


@pytest.mark.parametrize("before", [0.0, 5000.0])
def test_a_resumed_run_counts_its_speed_from_where_it_goes_on(before: float) -> None:
    *_, last = _written(*(_line(before + number * 0.01) for number in range(3001)))

    assert "1,000 units/s" in last


def test_without_a_terminal_a_line_is_in_the_file_before_training_ends(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    with path.open("w", encoding="utf-8") as file, shown("names", Console(file=file)) as progress:
        progress(_line(0.2))

        assert path.read_text(encoding="utf-8").startswith("names")


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with shown("names", console) as progress:
        for number in range(20):
            progress(_line(number * 1.0))

    assert isinstance(console.file, io.StringIO)
    assert "units/s" in console.file.getvalue()
