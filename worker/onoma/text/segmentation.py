"""Cuts a text into units, the words and punctuation marks that a model reads.

First step after decoding, the same code in training and serving. Its rule: no character is dropped.
Every character that is not blank lies in exactly one unit, and no unit is longer than
`MAX_UNIT_CHARACTERS`, so that a clause without blanks (Thai, Chinese) or a ten-thousand-letter word
is read in pieces instead of being skipped.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

MAX_UNIT_CHARACTERS = 16
"""Longest unit, in code points."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of one text: half-open code-point offsets `starts` and `ends`, both of shape
    `(units,)`.
    """

    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    text: str

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.starts)

    def strings(self) -> list[str]:
        """Return the text of every unit, in order."""
        text = self.text
        return [text[a:b] for a, b in zip(self.starts.tolist(), self.ends.tolist(), strict=True)]

    def owned_characters(self) -> npt.NDArray[np.int32]:
        """Return, per unit, the characters it accounts for: itself and the blanks up to the next
        unit.

        Blanks before the first unit belong to it, so that the sum over all units is the length of
        the text.
        """
        if not len(self):
            return np.zeros(0, np.int32)
        edges = np.concatenate(([0], self.starts[1:], [len(self.text)])).astype(np.int32)
        return np.diff(edges)


def segment(text: str) -> Units:
    """Cut `text` into words and single punctuation marks, long words into pieces."""
    starts: list[int] = []
    ends: list[int] = []
    for match in _unit_pattern().finditer(text):
        start, end = match.span()
        while end - start > MAX_UNIT_CHARACTERS:
            cut = _cut_before_base(text, start, start + MAX_UNIT_CHARACTERS)
            starts.append(start)
            ends.append(cut)
            start = cut
        starts.append(start)
        ends.append(end)
    return Units(np.array(starts, np.int32), np.array(ends, np.int32), text)


def _cut_before_base(text: str, start: int, limit: int) -> int:
    """Return the last place in `(start, limit]` where a cut parts no mark from its letter, else
    `limit`.
    """
    for cut in range(limit, start, -1):
        if not unicodedata.category(text[cut]).startswith("M"):
            return cut
    return limit


@cache
def _unit_pattern() -> re.Pattern[str]:
    r"""Return the pattern of a unit: a word, or one character that is neither letter nor blank.

    Python's `\w` has no combining marks: alone it would cut Devanagari, Bengali, Tamil and
    tone-marked Yoruba words to pieces. Made on first use, because it asks for the category of every
    character.
    """
    marks = "".join(
        re.escape(chr(code))
        for plane in (range(0x20000), range(0xE0000, 0xE1000))
        for code in plane
        if unicodedata.category(chr(code)).startswith("M")
    )
    letter = rf"[\w{marks}\u200c\u200d]"
    return re.compile(rf"{letter}+(?:['’ʼ\-]{letter}+)*|[^\s]")
