"""Turns examples into the tensors of one step of a token classifier.

Beside `batches.py`, for the other kind. Two rules. Units are cut into pieces and windows by the
code that serves them, so a long sentence is learnt in the windows in which it will be read. What an
`O` may hide is decided here, from what the corpus of the example annotates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from onoma.evaluation.spans import OUTSIDE
from onoma.ner.subwords import Subwords, Tokens
from onoma.training.examples import Example


@dataclass(frozen=True, slots=True)
class SubwordBatch:
    """Windows as tensors.

    `tokens` and `mask` (windows, longest), the mask zero where a window has ended; for each unit
    the window it is learnt in, `windows` (units), the place of its first piece there, `places`
    (units), and the labels that its annotation allows, `allowed` (units, labels).
    """

    tokens: Tensor
    mask: Tensor
    windows: Tensor
    places: Tensor
    allowed: Tensor


class SubwordCollator:
    """Turns examples into a `SubwordBatch`."""

    def __init__(
        self,
        subwords: Subwords,
        labels: Sequence[str],
        annotates: Sequence[frozenset[str]],
        padding: int,
    ) -> None:
        self._subwords = subwords
        self._labels = len(labels)
        self._outside = labels.index(OUTSIDE)
        self._padding = padding
        self._hidden = np.array(
            [
                [label != OUTSIDE and label[2:] not in known for label in labels]
                for known in annotates
            ]
        )

    def batch(self, examples: Sequence[Example]) -> SubwordBatch:
        """Return the tensors of `examples`."""
        rows: list[Tokens] = []
        windows, places, allowed = [], [], []
        for example in examples:
            pieces = self._subwords.pieces(example.units)
            for window in self._subwords.windows(pieces):
                row = self._subwords.rows(pieces, window)
                core = slice(window.core_start - window.start, window.core_end - window.start)
                places.append(row.firsts[core])
                windows.append(np.full(window.core_end - window.core_start, len(rows)))
                rows.append(row.tokens)
            allowed.append(self._allowed(example))
        tokens = np.full((len(rows), max(map(len, rows))), self._padding, np.int64)
        mask = np.zeros(tokens.shape, np.int64)
        for number, row_tokens in enumerate(rows):
            tokens[number, : len(row_tokens)] = row_tokens
            mask[number, : len(row_tokens)] = 1
        arrays = (tokens, mask, *map(np.concatenate, (windows, places, allowed)))
        return SubwordBatch(*(torch.from_numpy(array) for array in arrays))

    def _allowed(self, example: Example) -> np.typing.NDArray[np.bool_]:
        gold = np.array(example.labels)
        allowed = np.zeros((len(gold), self._labels), bool)
        allowed[np.arange(len(gold)), gold] = True
        allowed[gold == self._outside] |= self._hidden[example.corpus]
        return allowed
