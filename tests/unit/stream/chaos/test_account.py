"""The account finds whatever went wrong, and nothing where nothing did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.stream.chaos.account import (
    Account,
    Place,
    Seen,
    account,
    seen_dead_letter,
    seen_event,
)

INPUTS: frozenset[Place] = frozenset(
    (partition, offset) for partition in range(3) for offset in range(10)
)
COMMITTED = {0: 10, 1: 10, 2: 10}


def clean() -> list[Seen]:
    """Return an event for each input; offsets have gaps, as markers of transactions leave them."""
    return [
        Seen("entities", partition, 2 * offset, (partition, offset), f"{partition}:{offset}", 0)
        for partition, offset in sorted(INPUTS)
    ]


def accounted(
    seen: Sequence[Seen], committed: dict[int, int] | None = None, *, repeats: bool = False
) -> Account:
    return account(
        INPUTS, seen, COMMITTED if committed is None else committed, repeats_allowed=repeats
    )


@given(st.permutations(range(30)), st.sets(st.integers(0, 29)))
def test_one_outcome_for_each_input_is_faultless_however_it_was_read(
    order: list[int], letters: set[int]
) -> None:
    seen = clean()
    for number in letters:
        seen[number] = replace(seen[number], destination="dead_letters")

    found = accounted([seen[number] for number in order])

    assert found.faultless
    assert (found.events, found.dead_letters) == (30 - len(letters), len(letters))


@given(st.integers(0, 29))
def test_a_missing_outcome_is_lost(missing: int) -> None:
    seen = clean()
    del seen[missing]

    assert accounted(seen).lost == 1
    assert not accounted(seen).faultless


@given(st.integers(0, 29))
def test_the_same_event_again_is_twice_but_where_repeats_are_allowed(number: int) -> None:
    seen = clean()
    again = replace(seen[number], offset=100)

    exactly = accounted([*seen, again])
    at_least = accounted([*seen, again], repeats=True)

    assert exactly.twice == 1
    assert (at_least.twice, at_least.repeated) == (0, 1)
    assert at_least.faultless


@pytest.mark.parametrize(
    "other", [{"identity": "another id"}, {"destination": "dead_letters"}], ids=str
)
def test_another_outcome_of_the_same_input_is_twice_in_every_mode(other: dict[str, str]) -> None:
    seen = clean()
    again = replace(seen[4], offset=100, **other)  # type: ignore[arg-type]  # one field of many

    assert accounted([*seen, again], repeats=True).twice == 1


def test_outcomes_that_changed_places_are_out_of_order() -> None:
    seen = clean()
    seen[3], seen[4] = replace(seen[3], offset=8), replace(seen[4], offset=6)

    assert accounted(seen).out_of_order == 1


def test_a_repetition_is_no_disorder() -> None:
    seen = clean()
    again = [replace(each, offset=100 + each.offset) for each in seen if each.partition == 1]

    assert accounted([*seen, *again], repeats=True).faultless


def test_an_outcome_of_no_input_or_on_a_foreign_partition_is_misplaced() -> None:
    stranger = Seen("entities", 0, 100, (0, 77), "0:77", 0)
    seen = clean()
    seen[12] = replace(seen[12], partition=0, offset=90)

    assert accounted([*clean(), stranger]).misplaced == 1
    assert accounted(seen).misplaced == 1


@pytest.mark.parametrize("committed", [{0: 10, 1: 9, 2: 10}, {0: 10, 2: 10}], ids=str)
def test_an_offset_that_is_not_behind_the_last_input_is_wrong(committed: dict[int, int]) -> None:
    assert accounted(clean(), committed).wrong_offsets == 1


def test_sources_stand_in_events_and_in_the_headers_of_dead_letters() -> None:
    event = {"event_id": "e", "text": 1, "evidence": {"source": {"partition": 2, "offset": 5}}}
    headers = (("onoma-source-partition", b"1"), ("onoma-source-offset", b"0"))

    assert seen_event(2, 7, json.dumps(event).encode(), 9).source == (2, 5)
    assert seen_dead_letter(1, 7, headers, 9).source == (1, 0)
