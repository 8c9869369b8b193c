"""Cuts a text into units, the words and punctuation marks that a model reads.

First step after decoding, the same code in training and serving. Its rule: no character is dropped.
Every character that is not blank lies in exactly one unit, and no unit is longer than
`MAX_UNIT_CHARACTERS`, so that a clause without blanks (Thai, Chinese) or a ten-thousand-letter word
is read in pieces instead of being skipped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

MAX_UNIT_CHARACTERS = 16
"""Longest unit, in code points."""

_BLANK, _OTHER, _LETTER, _JOINER = range(4)
_JOINERS = "'’-"
"""They hold a word together between two of its letters."""
_CODE_POINTS = 0x110000
_PLANES_WITH_MARKS = (range(0x20000), range(0xE0000, 0xE1000))


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
        return np.diff(self.borders())

    def borders(self) -> npt.NDArray[np.int32]:
        """Return where what each unit accounts for begins, and the end of the last, `(units + 1,)`;
        nothing but zero without any unit.
        """
        borders = np.append(self.starts, np.int32(len(self.text) if len(self) else 0))
        borders[0] = 0
        return borders


def segment(text: str) -> Units:
    """Cut `text` into words and single punctuation marks, long words into pieces."""
    # With a blank before and after the text.
    kinds = np.full(len(text) + 2, _BLANK, np.uint8)
    kinds[1:-1] = _kind_of_characters()[_code_points(text)]
    letter = kinds == _LETTER
    (joiners,) = (kinds == _JOINER).nonzero()
    letter[joiners[letter[joiners - 1] & letter[joiners + 1]]] = True
    in_unit = kinds[1:-1] != _BLANK
    same_unit = letter[:-1] & letter[1:]
    (starts,) = (in_unit & ~same_unit[:-1]).nonzero()
    (ends,) = (in_unit & ~same_unit[1:]).nonzero()
    ends += 1
    (long,) = (ends - starts > MAX_UNIT_CHARACTERS).nonzero()
    if len(long):
        # A cut is the end of one piece and the start of the next.
        edges_of_long = zip(starts[long].tolist(), ends[long].tolist(), strict=True)
        cuts = [cut for start, end in edges_of_long for cut in _cuts(text, start, end)]
        # Stable, because two sorted runs are merged in one pass; and some emulators of a processor
        # get numpy's vectorised sort wrong.
        starts = np.sort(np.append(starts, cuts), kind="stable")
        ends = np.sort(np.append(ends, cuts), kind="stable")
    return Units(starts.astype(np.int32), ends.astype(np.int32), text)


def _cuts(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the places where the unit `[start, end)` is cut into pieces."""
    while end - start > MAX_UNIT_CHARACTERS:
        start = _cut_before_base(text, start, start + MAX_UNIT_CHARACTERS)
        yield start


def _cut_before_base(text: str, start: int, limit: int) -> int:
    """Return the last place in `(start, limit]` where a cut parts no mark from its letter, else
    `limit`.
    """
    for cut in range(limit, start, -1):
        if not _is_mark(text[cut]):
            return cut
    return limit


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@cache
def _kind_of_characters() -> npt.NDArray[np.uint8]:
    r"""Return what every code point is to a word, `(0x110000,)`.

    Letters are `\w`, the combining marks that it lacks (without them Devanagari, Bengali, Tamil and
    tone-marked Yoruba words would fall to pieces), and the two joiners without width. Made on first
    use, because it asks about every character; a regular expression over the same classes takes
    twenty times as long for a text.
    """
    every = "".join(map(chr, range(_CODE_POINTS)))
    kinds = np.full(_CODE_POINTS, _BLANK, np.uint8)
    for pattern, kind in ((r"\S+", _OTHER), (r"[\w\u200c\u200d]+", _LETTER)):
        for match in re.finditer(pattern, every):
            kinds[slice(*match.span())] = kind
    marks = (code for plane in _PLANES_WITH_MARKS for code in plane if _is_mark(chr(code)))
    kinds[np.fromiter(marks, np.intp)] = _LETTER
    kinds[_code_points(_JOINERS)] = _JOINER
    return kinds
