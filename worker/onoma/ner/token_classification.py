"""The `token-classification` recogniser: subword pieces in, labelled mentions out.

Sits between segmentation and the event, beside `wordhash.py`. Its rule: what a document gets never
depends on its neighbours in a call. A range that is taken over a call would break that, so each
window is a call of the graph of its own, of its exact length: no padding, no mask, nothing to mix
with. This is what a manifest states as `batching: exact`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from onoma.ner.decoding import Decoder
from onoma.ner.recogniser import (
    Emissions,
    Prepared,
    Work,
    best_path_of_each,
    mentions_of_each,
    stitched,
)
from onoma.ner.spans import Mention
from onoma.ner.subwords import SubwordRows, Subwords, Tokens
from onoma.text.windows import Window

Graph = Callable[[Tokens], npt.NDArray[np.float32]]
"""Token numbers `(windows, tokens)` in, label scores `(windows, tokens, labels)` out."""


class TokenClassificationRecogniser:
    """Finds mentions with a fine-tuned transformer; safe to call from several threads."""

    kind = "token-classification"

    def __init__(
        self, graph: Graph, *, subwords: Subwords, labels: Sequence[str], decoder: Decoder
    ) -> None:
        self.labels = tuple(labels)
        self._graph = graph
        self._subwords = subwords
        self._decoder = decoder

    def prepare(self, units: Sequence[str]) -> Prepared[SubwordRows]:
        """Return the windows of a document of these units, and the tokens of each."""
        pieces = self._subwords.pieces(units)
        windows = self._subwords.windows(pieces)
        return Prepared(windows, tuple(self._subwords.rows(pieces, w) for w in windows))

    def emissions(self, rows: Sequence[SubwordRows]) -> list[Emissions]:
        """Return the label scores `(units, labels)` of each window: those of first pieces."""
        return [self._graph(window.tokens[None])[0][window.firsts] for window in rows]

    def work(self, window: Window, rows: SubwordRows) -> Work:
        """Return the tokens that a window takes, special ones counted."""
        return Work(self._subwords.core_pieces(rows, window), len(rows.tokens))

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each document from the label scores of its units."""
        return mentions_of_each(documents, self._decoder, self.labels)

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        """Return the best label indices of each sentence's units, for scoring against annotated
        units.
        """
        scores = []
        for sentence in sentences:
            prepared = self.prepare(sentence)
            parts = zip(prepared.windows, self.emissions(prepared.rows), strict=True)
            scores.append(stitched(list(parts), len(sentence), self.labels))
        return best_path_of_each(scores, self._decoder)
