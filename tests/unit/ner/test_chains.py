"""States are those of one unit after the other, bit for bit, however the chains are cut."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.ner import chains
from onoma.ner.chains import ALL_WAYS, BEST_WAY, Algebra, Chains, Floats

ALGEBRAS = (BEST_WAY, ALL_WAYS)


def _plain(algebra: Algebra, given: Chains, lengths: Sequence[int]) -> Floats:
    """Return the states, one unit after the other."""
    states = np.empty_like(given.scores)
    for start, end in itertools.pairwise(itertools.accumulate(lengths, initial=0)):
        into = given.start
        for unit in range(start, end):
            ways = algebra.times(into, given.scores[unit])
            states[unit] = algebra.over(ways, ways[0])
            reached = algebra.times(states[unit][:, None], given.moves)
            into = reached[0]
            for way in reached[1:]:
                into = algebra.plus(into, way)
    return states


def _random_chains(seed: int, units: int, labels: int, spread: float) -> Chains:
    chance = np.random.default_rng(seed)
    return Chains(
        chance.uniform(1e-6, 1, (units, labels)) ** spread,
        chance.uniform(0.1, 1, labels),
        chance.uniform(1e-3, 1, (labels, labels)),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ALGEBRAS),
    st.lists(st.integers(0, 90), min_size=1, max_size=6).filter(any),
    st.sampled_from([1, 2, 3, 7, 40]),
    st.sampled_from([1, 2, 3, 9]),
    st.integers(0, 1000),
)
def test_the_states_are_those_of_a_plain_loop_bit_for_bit(
    algebra: Algebra, lengths: list[int], piece: int, labels: int, seed: int
) -> None:
    given = [_random_chains(seed + i, sum(lengths), labels, 1.0 + i) for i in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "piece_units", lambda _: piece)
        found = chains.states(algebra, given, lengths)

    for one, states in zip(given, found, strict=True):
        assert states.tobytes() == _plain(algebra, one, lengths).tobytes()


@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_labels_that_never_forget_where_they_came_from_get_the_same_states(
    algebra: Algebra,
) -> None:
    chance = np.random.default_rng(0)
    closed = -1e9 if algebra is BEST_WAY else 0.0
    given = Chains(
        chance.uniform(0.4, 0.6, (400, 3)),
        chance.uniform(0.1, 1, 3),
        np.where(np.eye(3, dtype=bool), 1.0, closed),
    )

    (found,) = chains.states(algebra, [given], [300, 100])

    assert found.tobytes() == _plain(algebra, given, [300, 100]).tobytes()


class Counted:
    """An operation that notes how many numbers it is asked for."""

    def __init__(self, operation: np.ufunc) -> None:
        self.numbers = 0
        self._operation = operation

    def __call__(self, one: Floats, other: Floats) -> Floats:
        found: Floats = self._operation(one, other)
        self.numbers += found.size
        return found


@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_the_work_on_labels_that_never_forget_grows_as_the_units_do(algebra: Algebra) -> None:
    chance = np.random.default_rng(0)
    closed = -1e9 if algebra is BEST_WAY else 0.0
    moves = np.where(np.eye(3, dtype=bool), 1.0, closed)

    def numbers(units: int) -> float:
        given = Chains(chance.uniform(0.4, 0.6, (units, 3)), chance.uniform(0.1, 1, 3), moves)
        times = Counted(algebra.times)
        counted = dataclasses.replace(algebra, times=times)  # type: ignore[arg-type]  # stands in
        chains.states(counted, [given], [units])
        return times.numbers / units

    assert numbers(16_000) < 1.5 * numbers(1_000)
