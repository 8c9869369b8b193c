"""Finds where a text has a name of a list word for word, in whatever order its words stand.

By hashes: the sum over the tokens of each stretch of the text, against those of all names. The
rule: what is found has the very tokens of the name; a hash only spares comparing. Costs some array
operations for a text, however long the list is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.arrays import Arrays
from onoma.gazetteer.running_text import Gap, RunningText, token_sum
from onoma.gazetteer.texts import Texts

LONGEST_NAME = 24
"""Words of a name that is looked for; longer ones are titles of decrees rather than names."""
_WORDS_AT_ONCE = 4096
_MARKS_PER_NAME = 16


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words `[first, last)` of a text, and the place of the name that has the same tokens."""

    first: int
    last: int
    place: int
    in_order: bool


class ExactNames:
    """The distinct names of one segment, by the hashes of their tokens. Threads may share it."""

    def __init__(self, arrays: Arrays) -> None:
        """Take a segment's arrays, as `index_arrays` makes them."""
        self._names = Texts(arrays["letters"], arrays["offsets"])
        words = Texts(arrays["tokens.words.letters"], arrays["tokens.words.offsets"]).all()
        hashes = np.fromiter((token_sum((word,)) for word in words), np.int64, len(words))
        starts = arrays["tokens.first_token"]
        counts = np.diff(starts)
        sums = np.zeros(len(counts), np.int64)
        if len(counts):
            sums = np.add.reduceat(hashes[arrays["tokens.tokens"]], starts[:-1])
        kept = np.flatnonzero(counts <= LONGEST_NAME)
        self._places = kept[np.argsort(sums[kept], kind="stable")].astype(np.int32)
        self._sums = sums[self._places]
        self.longest = int(counts[kept].max()) if len(kept) else 0
        self._mask = np.int64((1 << max(10, (len(kept) * _MARKS_PER_NAME).bit_length())) - 1)
        self._marks = np.zeros(int(self._mask) + 1, np.bool_)
        self._marks[self._sums & self._mask] = True

    def __len__(self) -> int:
        return len(self._places)

    def find(self, text: RunningText, *, over: Gap) -> Iterator[Stretch]:
        """Yield the stretches that have the words of a name, over gaps up to `over`: by their first
        word, then by their last.
        """
        reach = text.reach(over)
        totals = np.concatenate(([0], np.cumsum(text.sums)))
        for begin in range(0, len(text), _WORDS_AT_ONCE):
            firsts = np.arange(begin, min(begin + _WORDS_AT_ONCE, len(text)))
            lasts = firsts[:, None] + np.arange(1, self.longest + 1)
            inside = lasts <= reach[firsts][:, None]
            sums = totals[np.minimum(lasts, len(text))] - totals[firsts][:, None]
            rows, columns = np.nonzero(inside & self._marks[sums & self._mask])
            asked = sums[rows, columns]
            lefts = self._sums.searchsorted(asked)
            rights = self._sums.searchsorted(asked, "right")
            for hit in np.flatnonzero(lefts < rights).tolist():
                first, last = begin + int(rows[hit]), int(lasts[rows[hit], columns[hit]])
                places = self._places[lefts[hit] : rights[hit]]
                yield from self._equal(text.tokens(first, last), places, first, last)

    def _equal(
        self, tokens: list[str], places: npt.NDArray[np.int32], first: int, last: int
    ) -> Iterator[Stretch]:
        """Yield the names at `places` that have exactly these tokens."""
        for place in sorted(places.tolist()):
            name = self._names[place].split()
            if sorted(name) == sorted(tokens):
                yield Stretch(first, last, place, name == tokens)
