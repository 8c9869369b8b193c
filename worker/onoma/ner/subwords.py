"""Cuts units into the subword pieces that a `token-classification` model reads.

One implementation, imported by training and serving, so that both see the same thing. Its rules:
the pieces of a unit are a function of the unit alone; every unit has at least one piece; the
tokenizer file's own truncation and padding are off, since they would drop text in silence; text
that spells a special token is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from onoma.text.windows import Window, overlapping_windows

Tokens = npt.NDArray[np.int64]

UNITS_PER_ENCODING = 4096
"""Units that are encoded at once: an encoding holds a string and offsets for each piece."""


@dataclass(frozen=True, slots=True)
class WindowForm:
    """How a model wants its windows: special tokens around a window, its size, and the piece of a
    unit for which the tokenizer has none.
    """

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    unknown: int
    window_tokens: int
    overlap_tokens: int

    @property
    def capacity(self) -> int:
        """Return the pieces of a window besides its special tokens."""
        return self.window_tokens - len(self.prefix) - len(self.suffix)


@dataclass(frozen=True, slots=True)
class SubwordRows:
    """One window: `tokens` `(tokens,)` with special tokens, `firsts` `(units,)` the place of each
    unit's first piece.
    """

    tokens: Tokens
    firsts: npt.NDArray[np.intp]

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.firsts)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of a document's units, one after the other; unit i has those from `at[i]` to
    `at[i + 1]`.
    """

    tokens: Tokens
    at: npt.NDArray[np.intp]

    def of(self, start: int, end: int) -> tuple[Tokens, npt.NDArray[np.intp]]:
        """Return the pieces of units `[start, end)` and the place of each unit's first."""
        first = self.at[start]
        return self.tokens[first : self.at[end]], self.at[start:end] - first


class Subwords:
    """Turns units into windows of token numbers; safe to call from several threads."""

    def __init__(self, tokenizer_json: str, form: WindowForm) -> None:
        self._tokenizer = tokenizer_of(tokenizer_json)
        self._form = form
        self._special = np.array(
            [n for n, added in self._tokenizer.get_added_tokens_decoder().items() if added.special],
            np.int64,
        )

    def windows(self, pieces: Pieces) -> tuple[Window, ...]:
        """Return the windows in which a document of these pieces is read."""
        return overlapping_windows(
            np.diff(pieces.at).tolist(),
            capacity=self._form.capacity,
            overlap=self._form.overlap_tokens,
        )

    def pieces(self, units: Sequence[str]) -> Pieces:
        """Return the pieces of `units`."""
        tokens: list[int] = []
        counts = np.zeros(len(units), np.intp)
        for begin in range(0, len(units), UNITS_PER_ENCODING):
            chunk = units[begin : begin + UNITS_PER_ENCODING]
            encoding = self._tokenizer.encode(
                list(chunk), is_pretokenized=True, add_special_tokens=False
            )
            of_chunk = np.bincount(np.array(encoding.word_ids, np.intp), minlength=len(chunk))
            counts[begin : begin + len(chunk)] = of_chunk
            tokens += encoding.ids
        found = np.array(tokens, np.int64)
        # The vocabulary of some holds the special tokens as pieces too.
        found[np.isin(found, self._special)] = self._form.unknown
        return _with_every_unit(found, counts, self._form.unknown)

    def rows(self, pieces: Pieces, window: Window) -> SubwordRows:
        """Return what goes into the model for one window.

        Of a unit that is longer than a window, the first pieces that fit: its label hangs on the
        very first.
        """
        prefix, suffix = self._form.prefix, self._form.suffix
        tokens, firsts = pieces.of(window.start, window.end)
        tokens = tokens[: self._form.capacity]
        around = (np.array(prefix, np.int64), tokens, np.array(suffix, np.int64))
        return SubwordRows(np.concatenate(around), firsts + len(prefix))

    def core_pieces(self, rows: SubwordRows, window: Window) -> int:
        """Return the number of pieces that the units of the window's core have in `rows`."""
        at: list[int] = [*rows.firsts.tolist(), len(rows.tokens) - len(self._form.suffix)]
        return at[window.core_end - window.start] - at[window.core_start - window.start]


def tokenizer_of(tokenizer_json: str) -> Tokenizer:
    """Return the tokenizer of the text of a `tokenizer.json`, set to drop and to add nothing."""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _with_every_unit(tokens: Tokens, counts: npt.NDArray[np.intp], unknown: int) -> Pieces:
    """Give `unknown` to units of no pieces, such as a lone control character that is normalised
    away.
    """
    empty = np.flatnonzero(counts == 0)
    at = np.concatenate(([0], np.cumsum(counts)))
    if len(empty):
        tokens = np.insert(tokens, at[empty], unknown)
        at = np.concatenate(([0], np.cumsum(np.maximum(counts, 1))))
    return Pieces(tokens, at)
