"""How long nothing moved, from the times of the outcomes."""

from __future__ import annotations

from onoma.stream.chaos.account import Seen
from onoma.stream.chaos.figures import Figures, figures


def seen(partition: int, *seconds: float) -> list[Seen]:
    return [
        Seen("entities", partition, number, (partition, number), "", round(1000 * at))
        for number, at in enumerate(seconds)
    ]


def test_a_stall_is_a_time_without_any_outcome_and_recovery_ends_with_the_last_partition() -> None:
    outcomes = [*seen(0, 1, 2, 8, 9), *seen(1, 1.5, 2.5, 10.5)]

    found = figures(outcomes, 0, [3000])

    assert found == Figures(5.5, 7.5, 7.5)


def test_a_partition_without_further_documents_recovers_from_nothing() -> None:
    found = figures([*seen(0, 1, 2, 8), *seen(1, 1)], 0, [3000, 9000])

    assert found == Figures(6.0, 5.0, 5.0)


def test_a_run_without_faults_or_outcomes_has_no_recovery() -> None:
    assert figures([], 0, [3000]) == Figures(0, None, None)
