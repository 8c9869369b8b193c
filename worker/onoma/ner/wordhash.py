"""The `wordhash` recogniser: features of units in, labelled mentions out, through one call of the
graph.

Sits between segmentation and the event. Its rule: what a document gets never depends on its
neighbours in a call. Windows are packed one after the other with a single masked row between them,
which is all that a document's edge sees when it is alone too; there is no padding and no batch
axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from onoma.ner.decoding import Decoder
from onoma.ner.features import BYTES_PER_UNIT, HASHES_PER_UNIT, FeatureTable, UnitFeatures
from onoma.ner.gazetteer import NUMBERS_PER_UNIT, Gazetteer
from onoma.ner.recogniser import (
    Emissions,
    Prepared,
    Work,
    best_path_of_each,
    mentions_of_each,
)
from onoma.ner.spans import Mention
from onoma.text.windows import Window, windows

WINDOW_UNITS = 512
"""Units of a window's core: long enough that its context costs under 2 %, short enough to share a
call fairly.
"""


Inputs = Mapping[str, npt.NDArray[np.generic]]
"""`hashes` `(rows, 7)`, `bytes` `(rows, 24)`, `mask` `(rows, 1)`, and for a graph that has the
channel `gazetteer` `(rows, 5)`.
"""

Graph = Callable[[Inputs], Emissions]
"""Inputs in, emissions `(rows, labels)` out."""


class WordHashRecogniser:
    """Finds mentions with a `wordhash` model; safe to call from several threads.

    `gazetteer` is for a graph that has the channel, and may be empty; other graphs get none.
    """

    kind = "wordhash"

    def __init__(
        self,
        graph: Graph,
        *,
        labels: Sequence[str],
        decoder: Decoder,
        context_units: int,
        gazetteer: Gazetteer | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self._graph = graph
        self._decoder = decoder
        self._context_units = context_units
        self._gazetteer = gazetteer
        self._table = FeatureTable()

    def features(self, units: Sequence[str]) -> UnitFeatures:
        """Return the features of the units of one whole document."""
        features = self._table.features(units)
        if self._gazetteer is None:
            return features
        return replace(features, gazetteer=self._gazetteer.channel(units))

    def windows(self, units: int) -> tuple[Window, ...]:
        """Return the windows in which a document of `units` units is read."""
        return windows(units, core=WINDOW_UNITS, context=self._context_units)

    def prepare(self, units: Sequence[str]) -> Prepared[UnitFeatures]:
        """Return the windows of a document of these units, and the features of each."""
        windows_ = self.windows(len(units))
        rows = self.features(units)
        return Prepared(windows_, tuple(rows.between(w.start, w.end) for w in windows_))

    def emissions(self, rows: Sequence[UnitFeatures]) -> list[Emissions]:
        """Return the label scores `(units, labels)` of each window's units, from one call."""
        lengths = [len(window) for window in rows]
        starts = np.cumsum([0, *(length + 1 for length in lengths)])
        total = int(starts[-1])
        hashes = np.zeros((total, HASHES_PER_UNIT), np.int32)
        data = np.zeros((total, BYTES_PER_UNIT), np.int32)
        mask = np.zeros((total, 1), np.float32)
        inputs: Inputs = {"hashes": hashes, "bytes": data, "mask": mask}
        names = None
        if self._gazetteer is not None:
            names = np.zeros((total, NUMBERS_PER_UNIT), np.float32)
            inputs = {**inputs, "gazetteer": names}
        for start, length, window in zip(starts.tolist(), lengths, rows, strict=False):
            hashes[start : start + length] = window.hashes
            data[start : start + length] = window.bytes_
            mask[start : start + length] = 1.0
            if names is not None:
                names[start : start + length] = window.gazetteer
        scores = self._graph(inputs)
        return [
            scores[start : start + length]
            for start, length in zip(starts.tolist(), lengths, strict=False)
        ]

    def work(self, window: Window, rows: UnitFeatures) -> Work:
        """Return the rows of the graph that a window takes, its masked row counted."""
        return Work(window.core_end - window.core_start, len(rows) + 1)

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each document from the label scores of its units."""
        return mentions_of_each(documents, self._decoder, self.labels)

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        """Return the best label indices of each sentence's units, for scoring against annotated
        units.
        """
        scores = self.emissions([self.features(sentence) for sentence in sentences])
        return best_path_of_each(scores, self._decoder)
