"""What both kinds of recogniser promise, and what they share: stitching windows, decoding.

The pipeline and the scheduler know a recogniser by this protocol only. Its rules: the windows of a
document are a function of its units alone; what `emissions` returns for a window does not depend on
the others in the call; rows go back to the recogniser that prepared them, and nobody else looks
inside.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from onoma.ner.decoding import Decoder
from onoma.ner.spans import Mention, mentions
from onoma.text.windows import Window

Emissions = npt.NDArray[np.float32]
"""Scores `(units, labels)`, not normalised."""

Rows = TypeVar("Rows", bound=Sized)
"""What goes into the model for one window; its length is the window's units, the scheduler's cost.
"""

UNREAD = -1e4
"""Score of every label but `O` for a unit that no call returned: what was not read holds no name.
"""


@dataclass(frozen=True, slots=True)
class Prepared(Generic[Rows]):
    """A document ready for the model: `rows[i]` is what goes in for `windows[i]`."""

    windows: tuple[Window, ...]
    rows: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """Rows of the graph that one window takes: `useful` are those of its core, each word or piece
    of the text once; `computed` are all, with context, special tokens and separators.
    """

    useful: int
    computed: int


class Recogniser(Protocol[Rows]):
    """Finds mentions; safe to call from several threads."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the IOB2 labels, `O` first."""
        ...

    def prepare(self, units: Sequence[str]) -> Prepared[Rows]:
        """Return the windows of a document of these units, and the rows of each."""
        ...

    def emissions(self, rows: Sequence[Rows]) -> list[Emissions]:
        """Return the label scores `(units, labels)` of each window's units."""
        ...

    def work(self, window: Window, rows: Rows) -> Work:
        """Return the rows of the graph that `rows` of `window` take, for the metrics."""
        ...

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each document from the label scores of its units."""
        ...

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        """Return the best label indices of each sentence's units, for scoring."""
        ...


AnyRecogniser = Recogniser[Any]
"""A recogniser whose rows the caller only hands back to it."""


def stitched(
    parts: Sequence[tuple[Window, Emissions]], units: int, labels: Sequence[str]
) -> Emissions:
    """Return the scores `(units, labels)` of a document: the core of each window, put together."""
    whole = np.full((units, len(labels)), UNREAD, np.float32)
    whole[:, labels.index("O")] = 0.0
    for window, emissions in parts:
        core = slice(window.core_start - window.start, window.core_end - window.start)
        whole[window.core_start : window.core_end] = emissions[core]
    return whole


def mentions_of_each(
    documents: Sequence[Emissions], decoder: Decoder, labels: Sequence[str]
) -> list[tuple[Mention, ...]]:
    """Return the mentions of each document from the scores of its units.

    Several at once cost little more than one; what each gets does not depend on the others.
    """
    lengths = [len(emissions) for emissions in documents]
    emissions = np.concatenate(documents)
    path = decoder.best_paths(emissions, lengths)
    confidences = decoder.confidences(emissions, lengths, path)
    return mentions(path, confidences, lengths, labels)


def best_path_of_each(documents: Sequence[Emissions], decoder: Decoder) -> list[tuple[int, ...]]:
    """Return the best label indices of each document's units from their scores."""
    if not documents:
        return []
    lengths = [len(emissions) for emissions in documents]
    path = decoder.best_paths(np.concatenate(documents), lengths).tolist()
    ends = np.cumsum(lengths).tolist()
    return [tuple(path[end - n : end]) for end, n in zip(ends, lengths, strict=True)]
