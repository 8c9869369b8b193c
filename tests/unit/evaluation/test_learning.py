from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.errors import WrongUseError
from onoma.evaluation.learning import (
    NEARLY,
    Score,
    convergence_of,
    curve_of,
    learning_record,
    log_of,
    read_log,
    rows_of,
)

CURVE = (Score(100, 0.2, 900, 7.5), Score(200, 0.77, 2100, 31.25), Score(400, 0.8, 3900, 40.0))
SCORES = st.builds(
    Score,
    st.integers(1, 10**6),
    st.floats(0, 1).map(lambda f1: round(f1, 4)),
    st.integers(0, 10**9),
    st.floats(0, 10**6).map(lambda seconds: round(seconds, 3)),
)
CURVES = st.lists(SCORES, min_size=1, max_size=8, unique_by=lambda score: score.step).map(
    lambda scores: tuple(sorted(scores, key=lambda score: score.step))
)


def test_convergence_is_the_first_score_near_the_end_as_it_was_measured() -> None:
    found = convergence_of(CURVE)

    assert found.near == (200, 0.77, 2100, 31.25)
    assert found.final_f1 == 0.8
    assert found.mean_f1 == pytest.approx((100 * 0.2 + 100 * 0.77 + 200 * 0.8) / 400)


@given(CURVES)
def test_a_score_before_convergence_is_never_near_the_last(curve: tuple[Score, ...]) -> None:
    near = convergence_of(curve).near

    assert near in curve
    assert near.f1 >= NEARLY * curve[-1].f1
    assert all(score.f1 < NEARLY * curve[-1].f1 for score in curve if score.step < near.step)


@given(CURVES)
def test_a_log_and_a_manifest_give_the_same_curve_again(curve: tuple[Score, ...]) -> None:
    assert read_log(log_of(curve).splitlines()) == curve
    assert curve_of(rows_of(curve), "manifest") == curve


def test_a_record_states_the_scores_and_where_they_were_near_the_last() -> None:
    record = learning_record(CURVE)

    assert curve_of(record["scores"], "record") == CURVE
    assert record["near"] == {"step": 200, "f1": 0.77, "units": 2100, "seconds": 31.25}
    assert (record["nearly"], record["final_f1"], record["mean_f1"]) == (0.95, 0.8, 0.6425)


def test_a_log_is_read_in_the_order_of_its_steps_and_what_is_missing_is_zero() -> None:
    lines = ['{"step": 20, "f1": 0.5, "units": 7, "seconds": 1.5}', "", '{"step": 10, "f1": 0.25}']

    assert read_log(lines) == (Score(10, 0.25, 0, 0.0), Score(20, 0.5, 7, 1.5))


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
        read_log(lines, "a.jsonl")


def test_a_broken_row_of_a_manifest_is_refused_with_its_place() -> None:
    with pytest.raises(WrongUseError, match=r"own 2: training.learning:2: is no object with step"):
        curve_of([{"step": 1, "f1": 0.1}, {}], "own 2: training.learning")
