"""The documents of the mix as pieces of a checkpoint, and as windows of any size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.documents import mix
from benchmarks.results import Run
from onoma.ner.subwords import Pieces, Subwords, Tokens
from onoma.registry.bundle import window_form
from onoma.text.segmentation import segment
from onoma.training.encoder import Checkpoint


@dataclass(frozen=True, slots=True)
class Texts:
    """The pieces of documents, and the checkpoint whose tokenizer made them."""

    checkpoint: Checkpoint
    pieces: tuple[Pieces, ...]

    def windows(self, window: int = 256, overlap: int = 32) -> tuple[Tokens, ...]:
        """Return the tokens of all windows of that size, special tokens included."""
        sized = _subwords(self.checkpoint, window, overlap)
        return tuple(
            sized.rows(each, one).tokens for each in self.pieces for one in sized.windows(each)
        )

    def up_to(self, tokens: int) -> Texts:
        """Return the first documents, up to that many pieces together."""
        ends = np.cumsum([len(each.tokens) for each in self.pieces])
        return replace(self, pieces=self.pieces[: max(1, int(np.searchsorted(ends, tokens)))])

    @property
    def useful(self) -> int:
        """Return the pieces, each once."""
        return sum(len(each.tokens) for each in self.pieces)


def texts_of(checkpoint: Checkpoint, run: Run, count: int, seed: int = 0) -> Texts:
    """Return the first `count` documents of the mix of `seed`, cut as the worker cuts them."""
    cut = _subwords(checkpoint, 256, 32)
    documents = mix(count, run.data, seed=seed)
    return Texts(checkpoint, tuple(cut.pieces(segment(d.text).strings()) for d in documents))


def _subwords(checkpoint: Checkpoint, window: int, overlap: int) -> Subwords:
    form = window_form(checkpoint.subwords)
    return Subwords(
        checkpoint.tokenizer_json, replace(form, window_tokens=window, overlap_tokens=overlap)
    )
