"""Finds the best label sequence of documents and how sure each label is: Viterbi and
forward-backward.

Step after the model call. Its rules: a path is always well-formed IOB2, and the answer for a
document is a function of its own emissions: documents are only laid side by side, every operation
is elementwise or a maximum or sum over one document's labels, and there is no matrix product whose
kernel could change with the number of neighbours.

The chain is cut into pieces of `PIECE_UNITS` that are worked on side by side, so that a hundred
thousand words take a few hundred array steps and not a hundred thousand. Both recursions are
associative, so a piece can be summed up as a (labels, labels) matrix before it is known what
precedes it (Särkkä and García-Fernández, "Temporal Parallelization of Bayesian Smoothers", 2021,
for the general form; Lafferty et al. 2001 for the linear-chain model itself).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

Scalar = TypeVar("Scalar", bound=np.generic)

PIECE_UNITS = 32
IMPOSSIBLE = -1e4
"""Score of a move that IOB2 forbids; finite, so that sums of it stay comparable."""
SMALLEST_CHANCE = 1e-60
"""Below any difference that shows in a posterior; several in a product still are numbers."""
LARGEST_EXPONENT = 100.0
FAINTEST = -300.0
"""Least log chance of a label against the likeliest of its unit: of smaller ones the products would
be zero for every label at once, and a confidence would be no number.
"""


class Decoder:
    """Scores of label sequences: `start` `(labels,)`, `transitions` `(labels, labels)` as in a
    manifest.
    """

    def __init__(
        self,
        *,
        labels: Sequence[str],
        start: Sequence[float],
        transitions: Sequence[Sequence[float]],
        temperature: float = 1.0,
    ) -> None:
        closed_start, closed_moves = closed_moves_of(labels)
        self._start = np.asarray(start, np.float64) + closed_start
        self._moves = np.asarray(transitions, np.float64) + closed_moves
        self._open_start = closed_start == 0
        self._open_moves = closed_moves == 0
        self._temperature = temperature

    def best_paths(self, emissions: npt.NDArray[np.float32], lengths: Sequence[int]) -> Labels:
        """Return the best label of every unit, `(units,)`, for documents of `lengths` laid end to
        end.

        `emissions` is `(units, labels)`, and `sum(lengths)` is its number of rows.
        """
        pieces = _Pieces.of(emissions, lengths)
        if not pieces.count:
            return np.zeros(0, np.intp)
        before = self._best_before(pieces)
        back, scores = self._back_pointers(pieces, before)
        return pieces.flat(_follow(pieces, back, scores))

    def confidences(
        self, emissions: npt.NDArray[np.float32], lengths: Sequence[int], path: Labels
    ) -> Floats:
        """Return the posterior probability of the label that `path` gives each unit, `(units,)`."""
        pieces = _Pieces.of(emissions, lengths)
        if not pieces.count:
            return np.zeros(0, np.float64)
        scores = pieces.scores / self._temperature
        chances = _chances(scores - scores.max(1, keepdims=True))
        moves = np.where(self._open_moves, _chances(self._moves / self._temperature), 0.0)
        start = np.where(self._open_start, _chances(self._start / self._temperature), 0.0)
        enter = np.where(pieces.first, start[None, :, None], moves[:, :, None])
        posteriors = _posteriors(pieces, chances, enter, moves)
        return np.take_along_axis(pieces.flat(posteriors), path[:, None], 1)[:, 0]

    def _enter(self, pieces: _Pieces) -> Floats:
        """Return the scores of the first move into each piece, `(labels, labels, pieces)`."""
        return np.where(pieces.first, self._start[None, :, None], self._moves[:, :, None])

    def _best_before(self, pieces: _Pieces) -> Floats:
        """Return the best score of each label just before each piece, `(labels, pieces)`."""
        before = np.full((pieces.labels, pieces.count), -np.inf)
        before[0, pieces.first] = 0.0
        inner = np.flatnonzero(~pieces.last)
        if not len(inner):
            return before
        scores, through = pieces.scores[:, :, inner], self._enter(pieces)[:, :, inner]
        for step in range(PIECE_UNITS):
            if step:
                through = (through[:, :, None] + self._moves[None, :, :, None]).max(1)
            through = through + scores[step]
        row_of = np.zeros(pieces.count, np.intp)
        row_of[inner] = np.arange(len(inner))
        for here in pieces.by_rank(with_successor=True):
            before[:, here + 1] = (before[:, None, here] + through[:, :, row_of[here]]).max(0)
        return before

    def _back_pointers(self, pieces: _Pieces, before: Floats) -> tuple[Labels, Floats]:
        """Return where the best way into each label came from, and the scores at the ends."""
        back = np.zeros(pieces.scores.shape, np.intp)
        ways = before[:, None] + self._enter(pieces)
        scores = np.zeros_like(before)
        for step in range(pieces.steps):
            if step:
                ways = scores[:, None] + self._moves[:, :, None]
            back[step] = ways.argmax(0)
            scores = np.where(pieces.valid[step], ways.max(0) + pieces.scores[step], scores)
        return back, scores


def closed_moves_of(labels: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the penalties `(labels,)` of starting with a label and `(labels, labels)` of moving
    between two.

    IOB2: `I-X` follows `B-X` or `I-X` and nothing else.
    """
    start = np.zeros(len(labels))
    moves = np.zeros((len(labels), len(labels)))
    for column, label in enumerate(labels):
        if not label.startswith("I-"):
            continue
        start[column] = IMPOSSIBLE
        for row, previous in enumerate(labels):
            if previous[:1] == "O" or previous[2:] != label[2:]:
                moves[row, column] = IMPOSSIBLE
    return start, moves


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Documents cut into pieces of `PIECE_UNITS`; the pieces of one document are neighbours, in
    order.

    `scores` `(PIECE_UNITS, labels, pieces)`, `valid` `(PIECE_UNITS, pieces)`. Pieces are the last
    axis, so that each array step runs along contiguous memory. `rank` is the place of a piece in
    its document.
    """

    scores: Floats
    valid: npt.NDArray[np.bool_]
    rank: npt.NDArray[np.intp]
    last: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, emissions: npt.NDArray[np.float32], lengths: Sequence[int]) -> _Pieces:
        units = np.asarray(lengths, np.intp)
        pieces = -(-units // PIECE_UNITS)
        document = np.repeat(np.arange(len(units)), pieces)
        first_piece = np.cumsum(pieces) - pieces
        rank = np.arange(len(document)) - first_piece[document]
        offset = (np.cumsum(units) - units)[document] + rank * PIECE_UNITS
        left = units[document] - rank * PIECE_UNITS
        step = np.arange(PIECE_UNITS)[:, None]
        valid = step < left
        rows = np.where(valid, offset + step, 0)
        scores = emissions[rows] if len(document) else np.zeros((PIECE_UNITS, 0, 1), np.float32)
        by_piece = np.ascontiguousarray(scores.transpose(0, 2, 1), np.float64)
        return cls(by_piece, valid, rank, rank == pieces[document] - 1)

    @property
    def count(self) -> int:
        return len(self.rank)

    @property
    def labels(self) -> int:
        return int(self.scores.shape[1])

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        first: npt.NDArray[np.bool_] = self.rank == 0
        return first

    @property
    def steps(self) -> int:
        """Return the units of the longest piece."""
        return int(np.count_nonzero(self.valid.any(1)))

    def by_rank(self, *, with_successor: bool, backwards: bool = False) -> list[Labels]:
        """Return the indices of the pieces of each rank that have a successor, or a predecessor."""
        chosen = ~self.last if with_successor else ~self.first
        ranks = np.where(chosen, self.rank, -1)
        order = np.argsort(ranks, kind="stable")
        bounds = np.searchsorted(ranks[order], np.arange(int(ranks.max()) + 2))
        groups = [order[a:b] for a, b in pairwise(bounds) if b > a]
        return groups[::-1] if backwards else groups

    def flat(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the valid units of `values` `(PIECE_UNITS, …, pieces)` in the input's order."""
        by_piece = np.moveaxis(values, -1, 0)
        return by_piece[self.valid.T]


def _follow(pieces: _Pieces, back: Labels, scores: Floats) -> Labels:
    """Return the labels `(PIECE_UNITS, pieces)` of the best paths, read backwards from the end."""
    _, labels, count = back.shape
    # For every end label at once: which path leads to it, and which label that path has before the
    # piece.
    paths = np.zeros(back.shape, np.intp)
    current = np.broadcast_to(np.arange(labels)[:, None], (labels, count))
    for step in range(pieces.steps - 1, -1, -1):
        paths[step] = current
        came_from = np.take_along_axis(back[step], current, 0)
        current = np.where(pieces.valid[step], came_from, current)
    end = np.zeros(count, np.intp)
    end[pieces.last] = scores[:, pieces.last].argmax(0)
    for here in pieces.by_rank(with_successor=False, backwards=True):
        end[here - 1] = current[end[here], here]
    return np.take_along_axis(paths, end[None, None, :], 1)[:, 0]


def _posteriors(pieces: _Pieces, chances: Floats, enter: Floats, moves: Floats) -> Floats:
    """Return label probabilities `(PIECE_UNITS, labels, pieces)` by scaled forward-backward."""
    forward, behind = _borders(pieces, _piece_products(pieces, chances, enter, moves))
    ahead = np.zeros_like(chances)
    state = _scaled(_total(forward[:, None] * enter) * chances[0])
    for step in range(pieces.steps):
        if step:
            state = _scaled(_total(state[:, None] * moves[:, :, None]) * chances[step])
        ahead[step] = state
    for step in range(pieces.steps - 1, -1, -1):
        ahead[step] *= behind
        earlier = _scaled(_total(moves.T[:, :, None] * (chances[step] * behind)[:, None]))
        behind = np.where(pieces.valid[step], earlier, behind)
    total = _total(ahead.transpose(1, 0, 2))[:, None]
    return ahead / np.where(total > 0, total, 1.0)


def _piece_products(pieces: _Pieces, chances: Floats, enter: Floats, moves: Floats) -> Floats:
    """Return each piece as one matrix `(labels, labels, pieces)`, scaled to a maximum of one.

    Only pieces of documents with several are filled: nobody asks for the others.
    """
    products = np.zeros_like(enter)
    several = np.flatnonzero(~(pieces.first & pieces.last))
    if not len(several):
        return products
    weights, valid = chances[:, :, several], pieces.valid[:, several]
    product = enter[:, :, several] * weights[0]
    for step in range(1, PIECE_UNITS):
        moved = (
            _total(product.transpose(1, 0, 2)[:, :, None] * moves[:, None, :, None]) * weights[step]
        )
        product = np.where(valid[step], moved, product)
        product = product / product.max((0, 1))
    products[:, :, several] = product
    return products


def _borders(pieces: _Pieces, products: Floats) -> tuple[Floats, Floats]:
    """Return what precedes and what follows each piece, as weights of labels `(labels, pieces)`."""
    forward = np.zeros((pieces.labels, pieces.count))
    forward[0, pieces.first] = 1.0
    for here in pieces.by_rank(with_successor=True):
        forward[:, here + 1] = _scaled(_total(forward[:, None, here] * products[:, :, here]))
    backward = np.ones((pieces.labels, pieces.count))
    for here in pieces.by_rank(with_successor=False, backwards=True):
        backward[:, here - 1] = _scaled(
            _total((products[:, :, here] * backward[:, here]).transpose(1, 0, 2))
        )
    return forward, backward


def _chances(scores: Floats) -> Floats:
    """Return `exp(scores)`, no less than `SMALLEST_CHANCE`: what may happen is never impossible."""
    return np.maximum(np.exp(np.minimum(scores, LARGEST_EXPONENT)), SMALLEST_CHANCE)


def _total(terms: Floats) -> Floats:
    """Return the sum of `terms` over its first axis, the labels, always from first to last.

    numpy's own sum takes another order where there is a single piece, and so other last bits.
    """
    total: Floats = terms[0].copy()
    for term in terms[1:]:
        total += term
    return total


def _scaled(weights: Floats) -> Floats:
    """Return `weights` `(labels, pieces)` scaled to a maximum of one: only their ratios matter."""
    scaled: Floats = weights / weights.max(0)
    return scaled
