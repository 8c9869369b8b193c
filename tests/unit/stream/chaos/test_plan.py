"""A seed is a plan: the same one each time, with faults that give the group time to recover."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onoma.stream.chaos.plan import draw, worker_faults

SESSION_SECONDS = 6.0
FAULTS = worker_faults(SESSION_SECONDS)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 30), targets=st.integers(1, 5))
def test_faults_are_spaced_wider_than_the_session_time_and_shared_out(
    seed: int, count: int, targets: int
) -> None:
    steps = draw(seed, FAULTS, count=count, targets=targets, session_seconds=SESSION_SECONDS)
    again = draw(seed, FAULTS, count=count, targets=targets, session_seconds=SESSION_SECONDS)

    assert steps == again
    assert len(steps) == count
    assert all(0 <= step.target < targets for step in steps)
    for before, after in pairwise(steps):
        assert after.at_seconds - before.at_seconds - before.lasts_seconds > SESSION_SECONDS
    counts = [sum(step.fault == fault.name for step in steps) for fault in FAULTS]
    assert max(counts) - min(counts) <= 1
    assert all(s.lasts_seconds > SESSION_SECONDS for s in steps if s.fault == "freeze")


def test_another_seed_is_another_plan() -> None:
    first, second = (
        draw(seed, FAULTS, count=10, targets=3, session_seconds=SESSION_SECONDS) for seed in (1, 2)
    )

    assert first != second
