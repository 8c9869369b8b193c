"""Runs a recursion along many chains of units side by side, with the bits of one unit after the
other.

What decoding is made of. Its rule: a state is a function of the state before it and of its unit's
scores, so neither the neighbours of a document nor the length of the pieces it is cut into can show
in the bits.

Chains are cut into pieces that are worked on at the same time. Every piece starts from a guess; a
piece whose guess was not what the piece before it came to runs again, until its states meet the old
ones bit for bit. What stays satisfies every step of the plain recursion. Labels soon forget where
they came from, the best ways after ten units and the sums of all ways after forty, so little is run
twice. (Maleki, Musuvathi and Mytkowicz, "Parallelizing Dynamic Programming through Rank
Convergence", 2014, for best ways.) Some never do, as where one word stands a million times: each
round would settle one more piece, in the square root of a document's length times its length. After
a few rounds what is left is therefore run piece after piece, and each unit once more at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

SHORTEST_PIECE = 32
"""Units; most of a shorter one would be run twice."""
STEPS_BETWEEN_LOOKS = 4
"""Steps of a second run between two looks at whether it has met the first."""
ROUNDS = 8
"""Runs of the pieces side by side before the rest is run one after the other."""
COPIED_SHARE = 0.5
"""Up to this share of the lanes, those that run again are copied out; of more the others run along,
and come to what they were.
"""


@dataclass(frozen=True, slots=True)
class Algebra:
    """What a recursion does with scores: `times` along a way, `plus` over ways, and `over` to state
    them relative to the first label's, which keeps them within bounds.
    """

    times: np.ufunc
    plus: np.ufunc
    over: np.ufunc


BEST_WAY = Algebra(np.add, np.maximum, np.subtract)
"""Scores are logarithms; a state is the best score of a way to each label."""
ALL_WAYS = Algebra(np.multiply, np.add, np.divide)
"""Scores are chances; a state is the sum over all ways to each label."""


@dataclass(frozen=True, slots=True)
class Chains:
    """Documents laid end to end: `scores` of their units `(units, labels)`, of starting with a
    label `(labels,)`, of moving from one to another `(labels, labels)`.
    """

    scores: Floats
    start: Floats
    moves: Floats


def states(algebra: Algebra, chains: Sequence[Chains], lengths: Sequence[int]) -> list[Floats]:
    """Return the states `(units, labels)` of each of `chains`, all of documents of `lengths`.

    A unit's state is what the ways from the document's start to each label there come to.
    """
    lanes = _Lanes.of([*lengths] * len(chains), piece_units(sum(lengths)))
    chain = lanes.document // len(lengths)
    scores = [one.scores for one in chains]
    whole = scores[0] if len(scores) == 1 else np.concatenate(scores)
    recursion = _Recursion(
        algebra,
        lanes,
        # Nobody holds what is only passed on: of a document of a million units that counts.
        np.ascontiguousarray(whole[lanes.rows].transpose(0, 2, 1)),
        np.ascontiguousarray(np.stack([one.start for one in chains], -1)[:, chain]),
        np.ascontiguousarray(np.stack([one.moves for one in chains], -1)[:, :, chain]),
    )
    found = recursion.states()
    del recursion, whole
    return np.split(lanes.by_unit(found), len(chains))


def piece_units(units: int) -> int:
    """Return the longest piece for documents of `units` together: as many steps as lanes."""
    return max(SHORTEST_PIECE, isqrt(units))


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Documents cut into pieces, each a lane of its own, the longest first.

    `rows` `(steps, lanes)` says which unit a lane has at a step and `lengths` how many it has;
    `previous` is the lane of the piece before, -1 where a document begins; `rank` counts the pieces
    of a document.
    """

    rows: Indices
    lengths: Indices
    previous: Indices
    document: Indices
    rank: Indices

    @classmethod
    def of(cls, units_of: Sequence[int], longest: int) -> _Lanes:
        units = np.asarray(units_of, np.intp)
        pieces = -(-units // longest)
        document = np.repeat(np.arange(len(units)), pieces)
        rank = np.arange(len(document)) - (np.cumsum(pieces) - pieces)[document]
        # The pieces of a document differ by one unit at most.
        begin = units[document] * rank // pieces[document]
        length = units[document] * (rank + 1) // pieces[document] - begin
        begin += (np.cumsum(units) - units)[document]
        order = np.argsort(-length, kind="stable")
        lane_of = np.empty_like(order)
        lane_of[order] = np.arange(len(order))
        previous = np.where(rank > 0, lane_of[np.arange(len(order)) - 1], -1)[order]
        lengths = length[order]
        steps = np.arange(lengths.max(initial=0))[:, None]
        rows = begin[order] + np.minimum(steps, lengths - 1)
        return cls(rows, lengths, previous, document[order], rank[order])

    def by_unit(self, values: Floats) -> Floats:
        """Return `values` `(steps, labels, lanes)` in the order of the units, `(units, labels)`."""
        within = np.arange(len(values))[:, None] < self.lengths
        place = np.empty(np.count_nonzero(within), np.intp)
        place[self.rows[within]] = np.flatnonzero(within)
        by_place = values.transpose(0, 2, 1).reshape(-1, values.shape[1])
        by_unit: Floats = by_place[place]
        return by_unit


@dataclass(frozen=True, slots=True)
class _Recursion:
    """One recursion over all lanes: `scores` `(steps, labels, lanes)`, `start` `(labels, lanes)`,
    `moves` `(labels, labels, lanes)`.
    """

    algebra: Algebra
    lanes: _Lanes
    scores: Floats
    start: Floats
    moves: Floats

    def states(self) -> Floats:
        """Return the states `(steps, labels, lanes)` that satisfy every step of the recursion."""
        previous = self.lanes.previous
        inner = previous >= 0
        found = np.empty_like(self.scores)
        into = np.where(inner, self.algebra.plus.reduce(self.moves, 0), self.start)
        self._run(into, found, slice(None), meet=False)
        ends, again = self._ends(found), inner
        for _ in range(ROUNDS):
            if not again.any():
                return found
            into = np.where(inner, self._into(ends[:, previous], self.moves), self.start)
            chosen = slice(None) if again.mean() > COPIED_SHARE else np.flatnonzero(again)
            self._run(into[:, chosen], found, chosen, meet=True)
            old, ends = ends, self._ends(found)
            again = inner & (ends != old).any(0)[previous]
        self._run_in_order(found, again)
        return found

    def _run_in_order(self, found: Floats, again: npt.NDArray[np.bool_]) -> None:
        """Settle the lanes `again` and those that follow from them, piece after piece: `found` of
        the piece before is final when its turn comes.
        """
        lanes, previous = self.lanes, self.lanes.previous
        by_rank = np.argsort(lanes.rank, kind="stable")
        turns = np.flatnonzero(np.diff(lanes.rank[by_rank])) + 1
        for chosen in np.split(by_rank, turns)[1:]:
            run = np.sort(chosen[again[chosen]])
            if not len(run):
                continue
            before = found[lanes.lengths[previous[run]] - 1, :, previous[run]].T
            old = found[lanes.lengths[run] - 1, :, run]
            self._run(self._into(before, self.moves[:, :, run]), found, run, meet=True)
            changed = (found[lanes.lengths[run] - 1, :, run] != old).any(1)
            again |= np.isin(previous, run[changed])

    def _ends(self, found: Floats) -> Floats:
        return found[self.lanes.lengths - 1, :, np.arange(found.shape[2])].T

    def _into(self, before: Floats, moves: Floats) -> Floats:
        """Return what the ways through the states `before` come to, before the unit's own score."""
        into: Floats = self.algebra.plus.reduce(self.algebra.times(before[:, None], moves), 0)
        return into

    def _run(self, into: Floats, found: Floats, chosen: Indices | slice, *, meet: bool) -> None:
        """Fill the `chosen` lanes of `found`, if `meet` only until it holds the states already."""
        times, over = self.algebra.times, self.algebra.over
        # In C order: numpy may lay out what it picks in another, which is slower by a quarter.
        moves = np.ascontiguousarray(self.moves[:, :, chosen])
        lengths = self.lanes.lengths[chosen]
        active = np.searchsorted(-lengths, -np.arange(len(found))).tolist()
        state = into
        for step, count in enumerate(active):
            if step:
                into = self._into(state[:, :count], moves[:, :, :count])
            here = slice(count) if isinstance(chosen, slice) else chosen[:count]
            ways = times(into, self.scores[step][:, here])
            state = over(ways, ways[0])
            look = meet and (step + 1) % STEPS_BETWEEN_LOOKS == 0
            if look and (state == found[step][:, here]).all():
                return
            found[step][:, here] = state
