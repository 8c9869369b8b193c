"""The `wordhash` recogniser: features of units in, labelled mentions out, through one call of the
graph.

Sits between segmentation and the event. Its rule: what a document gets never depends on its
neighbours in a call. Windows are packed one after the other with a single masked row between them,
which is all that a document's edge sees when it is alone too; there is no padding and no batch
axis. What the graph computes of a word alone it computes once for each distinct word of a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from onoma.ner.decoding import Decoder
from onoma.ner.features import FeatureTable
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

SEPARATOR = ("",)
"""Stands behind each window: no unit of a text is empty, and its row is masked."""

Inputs = Mapping[str, npt.NDArray[np.generic]]
"""`hashes` `(words, 7)` and `bytes` `(words, 24)` of distinct words, `words` `(rows,)`, which of
them each row is, `mask` `(rows, 1)`, and for a graph that has the channel `gazetteer` `(rows, 7)`.
"""

Graph = Callable[[Inputs], Emissions]
"""Inputs in, emissions `(rows, labels)` out."""

Channel = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Says what lists of names have of the units of one whole document, `(units, 7)`."""


@dataclass(frozen=True, slots=True)
class WordRows:
    """The units of one window, and what the lists of names say of them `(units, 7)` for a graph
    that has the channel.
    """

    units: Sequence[str]
    gazetteer: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.units)

    def between(self, start: int, end: int) -> WordRows:
        """Return the rows of the units `[start, end)`."""
        names = None if self.gazetteer is None else self.gazetteer[start:end]
        return WordRows(self.units[start:end], names)


class WordHashRecogniser:
    """Finds mentions with a `wordhash` model; safe to call from several threads.

    `gazetteer` is for a graph that has the channel of names, and may know none; other graphs get
    no such input.
    """

    kind = "wordhash"

    def __init__(
        self,
        graph: Graph,
        *,
        labels: Sequence[str],
        decoder: Decoder,
        context_units: int,
        gazetteer: Channel | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self._graph = graph
        self._decoder = decoder
        self._context_units = context_units
        self._gazetteer = gazetteer
        self._table = FeatureTable()

    def rows(self, units: Sequence[str]) -> WordRows:
        """Return the rows of the units of one whole document."""
        names = None if self._gazetteer is None else self._gazetteer(units)
        return WordRows(units, names)

    def windows(self, units: int) -> tuple[Window, ...]:
        """Return the windows in which a document of `units` units is read."""
        return windows(units, core=WINDOW_UNITS, context=self._context_units)

    def prepare(self, units: Sequence[str]) -> Prepared[WordRows]:
        """Return the windows of a document of these units, and the rows of each."""
        windows_ = self.windows(len(units))
        rows = self.rows(units)
        return Prepared(windows_, tuple(rows.between(w.start, w.end) for w in windows_))

    def emissions(self, rows: Sequence[WordRows]) -> list[Emissions]:
        """Return the label scores `(units, labels)` of each window's units, from one call."""
        units = list(chain.from_iterable((*window.units, *SEPARATOR) for window in rows))
        numbers = {word: number for number, word in enumerate(dict.fromkeys(units))}
        words = self._table.features(list(numbers))
        ends = np.cumsum([len(window) + 1 for window in rows], dtype=np.intp)
        mask = np.ones((len(units), 1), np.float32)
        mask[ends - 1] = 0.0
        inputs: dict[str, npt.NDArray[np.generic]] = {
            "hashes": words.hashes,
            "bytes": words.bytes_,
            "words": np.fromiter(map(numbers.__getitem__, units), np.int32, len(units)),
            "mask": mask,
        }
        if self._gazetteer is not None:
            inputs["gazetteer"] = _channel(rows)
        scores = self._graph(inputs)
        return [
            scores[end - 1 - len(window) : end - 1]
            for end, window in zip(ends.tolist(), rows, strict=True)
        ]

    def work(self, window: Window, rows: WordRows) -> Work:
        """Return the rows of the graph that a window takes, its masked row counted."""
        return Work(window.core_end - window.core_start, len(rows) + 1)

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each document from the label scores of its units."""
        return mentions_of_each(documents, self._decoder, self.labels)

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        """Return the best label indices of each sentence's units, for scoring against annotated
        units.
        """
        scores = self.emissions([self.rows(sentence) for sentence in sentences])
        return best_path_of_each(scores, self._decoder)


def _channel(rows: Sequence[WordRows]) -> npt.NDArray[np.float32]:
    """Return what the lists of names say of each row of a call, nothing of the masked ones."""
    parts: list[npt.NDArray[np.float32]] = []
    for window in rows:
        if window.gazetteer is not None:
            nothing = np.zeros((1, window.gazetteer.shape[1]), np.float32)
            parts += [window.gazetteer, nothing]
    return np.concatenate(parts)
