"""A worker that grows is told from one that only warms up."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.watch import Sample, _held, trend


def samples(*, mb_per_hour: float, minutes: int = 15) -> list[Sample]:
    """Return samples of a worker that takes 100 MB more in its first two minutes, and then this."""
    return [
        Sample(
            float(second),
            200 + min(second, 120) / 1.2 + mb_per_hour * max(0, second - 120) / 3600,
            40 + (second >= 600),
        )
        for second in range(0, 60 * minutes, 5)
    ]


def test_the_slope_is_that_after_the_warm_up() -> None:
    flat, growing = trend(samples(mb_per_hour=0)), trend(samples(mb_per_hour=30))

    assert abs(flat.memory_mb_per_hour) < 1e-6
    assert flat.memory_mb == (300.0, 300.0)
    assert flat.handles == (40.0, 41.0)
    assert abs(growing.memory_mb_per_hour - 30) < 1e-6
    assert growing.seconds == 775.0


def test_of_too_few_samples_nothing_is_concluded() -> None:
    assert trend([]).memory_mb_per_hour == 0.0
    assert trend(samples(mb_per_hour=900)[:2]).memory_mb_per_hour == 0.0


def test_what_a_process_holds_is_seen(tmp_path: Path) -> None:
    memory_mb, handles = _held(os.getpid())
    with (tmp_path / "file").open("w"):
        more = _held(os.getpid())[1]

    assert memory_mb > 10
    assert more == handles + 1
