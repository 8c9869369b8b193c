"""Finds the best label sequence of documents and how sure each label is: Viterbi and
forward-backward.

Step after the model call. Its rules: a path is always well-formed IOB2, and the answer for a
document is a function of its own emissions: documents are only laid side by side, every operation
is elementwise or a maximum or sum over one document's labels, and there is no matrix product whose
kernel could change with the number of neighbours.

Both recursions over the linear chain (Lafferty, McCallum and Pereira, 2001) are run by
`onoma.ner.chains`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from onoma.ner import chains
from onoma.ner.chains import ALL_WAYS, BEST_WAY, Chains

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

BLOCK_UNITS = 4096
"""Units whose ways are laid out at once, labels x labels numbers for each."""
UNITS_BOTH_WAYS = 65_536
"""Up to so many units both directions run side by side, which is faster; of more one after the
other, which takes half of the memory.
"""
IMPOSSIBLE = -1e4
"""Score of a move that IOB2 forbids; finite, so that sums of it stay comparable."""
SMALLEST_CHANCE = 1e-60
"""Below any difference that shows in a posterior; several in a product still are numbers."""
LARGEST_EXPONENT = 100.0


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
        if not len(emissions):
            return np.zeros(0, np.intp)
        forwards = Chains(emissions.astype(np.float64), self._start, self._moves)
        (states,) = chains.states(BEST_WAY, [forwards], lengths)
        return _read_backwards(states, self._moves, lengths)

    def confidences(
        self, emissions: npt.NDArray[np.float32], lengths: Sequence[int], path: Labels
    ) -> Floats:
        """Return the posterior probability of the label that `path` gives each unit, `(units,)`."""
        if not len(emissions):
            return np.zeros(0, np.float64)
        scores = emissions / np.float64(self._temperature)
        chances = _chances(scores - scores.max(1, keepdims=True))
        moves = np.where(self._open_moves, _chances(self._moves / self._temperature), 0.0)
        start = np.where(self._open_start, _chances(self._start / self._temperature), 0.0)
        backwards = _mirrored(lengths)
        ways = [
            Chains(chances, start, moves),
            Chains(chances[backwards], np.ones_like(start), moves.T),
        ]
        if len(chances) <= UNITS_BOTH_WAYS:
            before, after = chains.states(ALL_WAYS, ways, lengths)
        else:
            after = chains.states(ALL_WAYS, [ways.pop()], lengths)[0]
            before = chains.states(ALL_WAYS, [ways.pop()], lengths)[0]
        # Both hold the unit's own chance, which counts once.
        both = _scaled(after[backwards] / chances)
        del after
        both *= _scaled(before)
        total = both.sum(1)
        return both[np.arange(len(path)), path] / np.where(total > 0, total, 1.0)


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


def _read_backwards(states: Floats, moves: Floats, lengths: Sequence[int]) -> Labels:
    """Return the labels `(units,)` of the best ways to the ends of the documents."""
    starts, ends = _borders(lengths)
    came_from = _came_from(states, moves)
    # A document's first unit leads on to the best end of the one before: one walk reads them all.
    best_ends = states[ends].argmax(1)
    came_from[starts[1:]] = best_ends[:-1, None]
    path = np.zeros(len(states), np.intp)
    labels, before, found = len(moves), came_from.ravel().data, path.data
    # Most units are of the first label and came from it: the walk jumps over those.
    turns = np.flatnonzero(came_from[:, 0]).tolist()
    unit, label = len(states) - 1, int(best_ends[-1])
    while label or turns:
        if label:
            found[unit] = label
        elif turns[-1] > unit:
            turns.pop()
            continue
        else:
            unit = turns.pop()
        label = before[unit * labels + label]
        unit -= 1
    return path


def _came_from(states: Floats, moves: Floats) -> npt.NDArray[np.uint16]:
    """Return which label of the unit before leads best to each label of a unit `(units, labels)`,
    the first of several; 0 for the first unit.
    """
    came_from = np.zeros(states.shape, np.uint16)
    for begin in range(1, len(states), BLOCK_UNITS):
        end = min(begin + BLOCK_UNITS, len(states))
        ways = np.ascontiguousarray(states[begin - 1 : end - 1].T)[:, None] + moves[:, :, None]
        best = ways.max(0)
        labels = np.zeros(best.shape, np.uint16)
        for label in range(len(moves) - 1, 0, -1):
            np.copyto(labels, label, where=ways[label] == best)
        labels[ways[0] == best] = 0
        came_from[begin:end] = labels.T
    return came_from


def _borders(lengths: Sequence[int]) -> tuple[Labels, Labels]:
    """Return the first and the last unit of every document that has any."""
    units = np.asarray(lengths, np.intp)
    ends = np.cumsum(units)[units > 0] - 1
    return ends + 1 - units[units > 0], ends


def _mirrored(lengths: Sequence[int]) -> Labels:
    """Return the units of every document from its last to its first, `(units,)`."""
    starts, ends = _borders(lengths)
    units = ends + 1 - starts
    return np.repeat(starts + ends, units) - np.arange(units.sum())


def _chances(scores: Floats) -> Floats:
    """Return `exp(scores)`, no less than `SMALLEST_CHANCE`: what may happen is never impossible."""
    return np.maximum(np.exp(np.minimum(scores, LARGEST_EXPONENT)), SMALLEST_CHANCE)


def _scaled(weights: Floats) -> Floats:
    """Return `weights` `(units, labels)` scaled to a maximum of one: only their ratios matter."""
    scaled: Floats = weights / weights.max(1, keepdims=True)
    return scaled
