from __future__ import annotations

import pytest

from onoma.errors import WrongUseError
from onoma.evaluation.learning import Point, convergence_of, points_of, read_points


def test_convergence_is_the_first_point_near_the_end() -> None:
    points = points_of([(100, 0.2), (200, 0.77), (400, 0.8)], units=4000, seconds=40.0)
    near = convergence_of(points)

    assert (near.step, near.units, near.seconds) == (200, 2000, 20.0)
    assert near.final_f1 == 0.8
    assert near.mean_f1 == pytest.approx((100 * 0.2 + 100 * 0.77 + 200 * 0.8) / 400)


def test_a_log_is_read_in_the_order_of_its_steps() -> None:
    lines = ['{"step": 20, "f1": 0.5, "units": 7, "seconds": 1.5}', "", '{"step": 10, "f1": 0.25}']

    assert read_points(lines) == (Point(10, 0, 0.0, 0.25), Point(20, 7, 1.5, 0.5))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "a.jsonl:1: found no score"),
        (["{"], "a.jsonl:1: is no object with step and f1"),
        (['{"step": 1, "f1": 0.1}', "[]"], "a.jsonl:2: is no object with step and f1"),
        (['{"f1": 0.1}'], "a.jsonl:1: is no object with step and f1"),
    ],
)
def test_a_broken_log_is_refused_with_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(WrongUseError, match=message):
        read_points(lines, "a.jsonl")
