"""The `wordhash` recogniser: features of units in, labelled mentions out, through one call of the
graph.

Sits between segmentation and the event. Its rule: what a document gets never depends on its
neighbours in a call. Windows are packed one after the other with a single masked row between them,
which is all that a document's edge sees when it is alone too; there is no padding and no batch
axis.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from onoma.ner.decoding import Decoder
from onoma.ner.features import BYTES_PER_UNIT, HASHES_PER_UNIT, FeatureTable, UnitFeatures
from onoma.ner.spans import Mention, mentions
from onoma.text.windows import Window, windows

Emissions = npt.NDArray[np.float32]

WINDOW_UNITS = 512
"""Units of a window's core: long enough that its context costs under 2 %, short enough to share a
call fairly.
"""


Graph = Callable[[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32]], Emissions]
"""Hashes `(rows, 7)`, bytes `(rows, 24)` and mask `(rows, 1)` in, emissions `(rows, labels)` out.
"""


class WordHashRecogniser:
    """Finds mentions with a `wordhash` model; safe to call from several threads."""

    kind = "wordhash"

    def __init__(
        self, graph: Graph, *, labels: Sequence[str], decoder: Decoder, context_units: int
    ) -> None:
        self.labels = tuple(labels)
        self._graph = graph
        self._decoder = decoder
        self._context_units = context_units
        self._table = FeatureTable()
        self._table_lock = threading.Lock()

    def features(self, units: Sequence[str]) -> UnitFeatures:
        """Return the features of the units of one document."""
        with self._table_lock:
            return self._table.features(units)

    def windows(self, units: int) -> tuple[Window, ...]:
        """Return the windows in which a document of `units` units is read."""
        return windows(units, core=WINDOW_UNITS, context=self._context_units)

    def emissions(self, rows: Sequence[UnitFeatures]) -> list[Emissions]:
        """Return the label scores `(units, labels)` of each window's units, from one call."""
        lengths = [len(window) for window in rows]
        starts = np.cumsum([0, *(length + 1 for length in lengths)])
        total = int(starts[-1])
        hashes = np.zeros((total, HASHES_PER_UNIT), np.int32)
        data = np.zeros((total, BYTES_PER_UNIT), np.int32)
        mask = np.zeros((total, 1), np.float32)
        for start, length, window in zip(starts.tolist(), lengths, rows, strict=False):
            hashes[start : start + length] = window.hashes
            data[start : start + length] = window.bytes_
            mask[start : start + length] = 1.0
        scores = self._graph(hashes, data, mask)
        return [
            scores[start : start + length]
            for start, length in zip(starts.tolist(), lengths, strict=False)
        ]

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each document from the label scores `(units, labels)` of its
        units.

        Several at once cost little more than one; what each gets does not depend on the others.
        """
        lengths = [len(emissions) for emissions in documents]
        emissions = np.concatenate(documents)
        path = self._decoder.best_paths(emissions, lengths)
        confidences = self._decoder.confidences(emissions, lengths, path)
        ends = np.cumsum(lengths).tolist()
        return [
            mentions(path[end - length : end], confidences[end - length : end], self.labels)
            for end, length in zip(ends, lengths, strict=True)
        ]

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        """Return the best label indices of each sentence's units, for scoring against annotated
        units.
        """
        scores = self.emissions([self.features(sentence) for sentence in sentences])
        lengths = [len(sentence) for sentence in sentences]
        flat = np.concatenate(scores) if scores else np.zeros((0, len(self.labels)), np.float32)
        path = self._decoder.best_paths(flat, lengths).tolist()
        ends = np.cumsum(lengths).tolist()
        return [tuple(path[end - n : end]) for end, n in zip(ends, lengths, strict=True)]
