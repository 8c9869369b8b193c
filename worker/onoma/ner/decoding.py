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

PIECE_UNITS = 64
IMPOSSIBLE = -1e4
"""Score of a move that IOB2 forbids; finite, so that sums of it stay comparable."""


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
        labels = _follow(pieces, back, scores)
        return pieces.flat(labels)

    def confidences(
        self, emissions: npt.NDArray[np.float32], lengths: Sequence[int], path: Labels
    ) -> Floats:
        """Return the posterior probability of the label that `path` gives each unit, `(units,)`."""
        pieces = _Pieces.of(emissions, lengths)
        if not pieces.count:
            return np.zeros(0, np.float64)
        scores = pieces.scores / self._temperature
        chances = np.exp(scores - scores.max(2, keepdims=True))
        posteriors = _posteriors(
            pieces,
            chances,
            enter=np.exp(self._start / self._temperature),
            moves=np.exp(self._moves / self._temperature),
        )
        return np.take_along_axis(pieces.flat(posteriors), path[:, None], 1)[:, 0]

    def _enter(self, pieces: _Pieces) -> Floats:
        """Return the scores of the first move into each piece, `(pieces, labels, labels)`."""
        return np.where(pieces.first[:, None, None], self._start[None, None, :], self._moves)

    def _best_before(self, pieces: _Pieces) -> Floats:
        """Return the best score of each label just before each piece, `(pieces, labels)`."""
        inner = np.flatnonzero(~pieces.last)
        scores, through = pieces.scores[inner], self._enter(pieces)[inner]
        for step in range(PIECE_UNITS):
            if step:
                through = (through[:, :, :, None] + self._moves).max(2)
            through = through + scores[:, step, None, :]
        before = np.full((pieces.count, scores.shape[2]), -np.inf)
        before[pieces.first, 0] = 0.0
        row_of = np.zeros(pieces.count, np.intp)
        row_of[inner] = np.arange(len(inner))
        for here in pieces.by_rank(with_successor=True):
            before[here + 1] = (before[here][:, :, None] + through[row_of[here]]).max(1)
        return before

    def _back_pointers(self, pieces: _Pieces, before: Floats) -> tuple[Labels, Floats]:
        """Return where the best way into each label came from, and the scores at the end of each
        piece.
        """
        back = np.zeros(pieces.scores.shape, np.intp)
        ways = before[:, :, None] + self._enter(pieces)
        scores = np.zeros_like(before)
        for step in range(pieces.steps):
            if step:
                ways = scores[:, :, None] + self._moves
            back[:, step] = ways.argmax(1)
            reached = ways.max(1) + pieces.scores[:, step]
            scores = np.where(pieces.valid[:, step, None], reached, scores)
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

    `scores` `(pieces, PIECE_UNITS, labels)`; `valid` `(pieces, PIECE_UNITS)`; `rank` is the place
    of a piece in its document.
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
        valid = np.arange(PIECE_UNITS)[None, :] < left[:, None]
        rows = np.where(valid, offset[:, None] + np.arange(PIECE_UNITS)[None, :], 0)
        scores = emissions[rows].astype(np.float64) if len(rows) else np.zeros((0, PIECE_UNITS, 1))
        return cls(scores, valid, rank, rank == pieces[document] - 1)

    @property
    def count(self) -> int:
        return len(self.rank)

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        first: npt.NDArray[np.bool_] = self.rank == 0
        return first

    @property
    def steps(self) -> int:
        """Return the units of the longest piece."""
        return int(self.valid.sum(1).max())

    def by_rank(self, *, with_successor: bool, backwards: bool = False) -> list[Labels]:
        """Return the indices of the pieces of each rank, those with a following piece or with a
        preceding one.
        """
        chosen = ~self.last if with_successor else ~self.first
        ranks = np.where(chosen, self.rank, -1)
        order = np.argsort(ranks, kind="stable")
        bounds = np.searchsorted(ranks[order], np.arange(int(ranks.max()) + 2))
        groups = [order[a:b] for a, b in pairwise(bounds) if b > a]
        return groups[::-1] if backwards else groups

    def flat(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return `values` `(pieces, PIECE_UNITS, …)` of the valid units only, in the order of the
        input.
        """
        return values[self.valid]


def _follow(pieces: _Pieces, back: Labels, scores: Floats) -> Labels:
    """Return the labels `(pieces, PIECE_UNITS)` of the best paths, read backwards from each
    document's end.
    """
    count, _, labels = back.shape
    # For every end label at once: which path leads to it, and which label that path has before the
    # piece.
    paths = np.zeros(back.shape, np.intp)
    current = np.broadcast_to(np.arange(labels), (count, labels))
    for step in range(pieces.steps - 1, -1, -1):
        paths[:, step] = current
        came_from = np.take_along_axis(back[:, step], current, 1)
        current = np.where(pieces.valid[:, step, None], came_from, current)
    end = np.zeros(count, np.intp)
    end[pieces.last] = scores[pieces.last].argmax(1)
    for here in pieces.by_rank(with_successor=False, backwards=True):
        end[here - 1] = current[here, end[here]]
    return np.take_along_axis(paths, end[:, None, None], 2)[:, :, 0]


def _posteriors(pieces: _Pieces, chances: Floats, *, enter: Floats, moves: Floats) -> Floats:
    """Return label probabilities `(pieces, PIECE_UNITS, labels)` by forward-backward in scaled
    probabilities.
    """
    first_moves = np.where(pieces.first[:, None, None], enter[None, None, :], moves)
    products = _piece_products(pieces, chances, first_moves, moves)
    forward, backward = _borders(pieces, products)
    steps = pieces.steps
    ahead = np.zeros_like(chances)
    state = _scaled((forward[:, :, None] * first_moves).sum(1) * chances[:, 0])
    for step in range(steps):
        if step:
            state = _scaled((state[:, :, None] * moves).sum(1) * chances[:, step])
        ahead[:, step] = state
    behind = backward
    for step in range(steps - 1, -1, -1):
        ahead[:, step] *= behind
        earlier = _scaled((moves[None] * (chances[:, step] * behind)[:, None, :]).sum(2))
        behind = np.where(pieces.valid[:, step, None], earlier, behind)
    total = ahead.sum(2, keepdims=True)
    return ahead / np.where(total > 0, total, 1.0)


def _piece_products(pieces: _Pieces, chances: Floats, first_moves: Floats, moves: Floats) -> Floats:
    """Return each piece as one matrix `(pieces, labels, labels)`, scaled to a maximum of one.

    Only pieces of documents with several are filled: nobody asks for the others.
    """
    products = np.zeros_like(first_moves)
    several = np.flatnonzero(~(pieces.first & pieces.last))
    product = first_moves[several] * chances[several, 0, None, :]
    for step in range(1, PIECE_UNITS):
        moved = (product[:, :, :, None] * moves).sum(2) * chances[several, step, None, :]
        product = np.where(pieces.valid[several, step, None, None], moved, product)
        product = product / product.max((1, 2), keepdims=True)
    products[several] = product
    return products


def _borders(pieces: _Pieces, products: Floats) -> tuple[Floats, Floats]:
    """Return what precedes and what follows each piece, as weights of labels, both `(pieces,
    labels)`.
    """
    labels = products.shape[2]
    forward = np.zeros((pieces.count, labels))
    forward[pieces.first, 0] = 1.0
    for here in pieces.by_rank(with_successor=True):
        forward[here + 1] = _scaled((forward[here][:, :, None] * products[here]).sum(1))
    backward = np.ones((pieces.count, labels))
    for here in pieces.by_rank(with_successor=False, backwards=True):
        backward[here - 1] = _scaled((products[here] * backward[here][:, None, :]).sum(2))
    return forward, backward


def _scaled(weights: Floats) -> Floats:
    """Return `weights` `(pieces, labels)` scaled to a maximum of one: only their ratios matter."""
    scaled: Floats = weights / weights.max(1, keepdims=True)
    return scaled
