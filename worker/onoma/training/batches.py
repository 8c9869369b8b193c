"""Turns examples into the tensors of one training step.

Between `examples.py` and `network.py`. Its rule: what an `O` may hide is decided here, from what
the corpus of the example annotates, so that neither examples nor network know about corpora.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from onoma.evaluation.spans import OUTSIDE
from onoma.gazetteer.channel import NUMBERS_PER_UNIT, Gazetteer
from onoma.ner.features import FeatureTable
from onoma.training.examples import Example
from onoma.training.network import Batch, rows_of


class Collator:
    """Turns examples into a `Batch`; keeps the features of words it has seen.

    `gazetteer` fills the channel of a network that has one; an example is a document to it.
    """

    def __init__(
        self,
        labels: Sequence[str],
        annotates: Sequence[frozenset[str]],
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self._labels = len(labels)
        self._outside = labels.index(OUTSIDE)
        self._table = FeatureTable(capacity=600_000)
        self._gazetteer = gazetteer
        # What an O may hide: the labels of the types that a corpus does not annotate.
        self._hidden = np.array(
            [
                [label != OUTSIDE and label[2:] not in known for label in labels]
                for known in annotates
            ]
        )

    def batch(self, examples: Sequence[Example]) -> Batch:
        """Return the tensors of `examples`."""
        numbers: dict[str, int] = {}
        lengths = [len(example.units) for example in examples]
        firsts = rows_of(lengths)
        words = np.zeros(firsts[-1] + lengths[-1], np.int64)
        mask = np.zeros((len(words), 1), np.float32)
        rows = np.zeros((len(examples), max(lengths)), np.int64)
        inside = np.zeros(rows.shape, bool)
        allowed = np.zeros((*rows.shape, self._labels), bool)
        for i, (example, first, length) in enumerate(zip(examples, firsts, lengths, strict=True)):
            end = first + length
            words[first:end] = [numbers.setdefault(unit, len(numbers)) for unit in example.units]
            mask[first:end] = 1.0
            rows[i, :length] = np.arange(first, end)
            inside[i, :length] = True
            gold = np.array(example.labels)
            allowed[i, np.arange(length), gold] = True
            allowed[i, :length][gold == self._outside] |= self._hidden[example.corpus]
        features = self._table.features(list(numbers))
        arrays = (features.hashes, features.bytes_, words, mask, rows, inside, allowed)
        batch = Batch(*(torch.from_numpy(array) for array in arrays))
        return replace(batch, gazetteer=self._channel(examples, firsts, len(words)))

    def _channel(
        self, examples: Sequence[Example], firsts: Sequence[int], rows: int
    ) -> torch.Tensor | None:
        if self._gazetteer is None:
            return None
        channel = np.zeros((rows, NUMBERS_PER_UNIT), np.float32)
        for example, first in zip(examples, firsts, strict=True):
            channel[first : first + len(example.units)] = self._gazetteer.channel(example.units)
        return torch.from_numpy(channel)
