"""Converts offsets between code points (ours), UTF-16 units (browsers, Java) and UTF-8 bytes.

Every import from an annotation tool declares its unit and passes through here. The rule: an offset
that does not fall on a character boundary of its own unit is refused, never rounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Literal

OffsetUnit = Literal["unicode_code_point", "utf16_code_unit", "utf8_byte"]

_WIDTHS: dict[OffsetUnit, Callable[[str], int]] = {
    "unicode_code_point": lambda character: 1,
    "utf16_code_unit": lambda character: 2 if ord(character) > 0xFFFF else 1,
    "utf8_byte": lambda character: len(character.encode("utf-8", "surrogatepass")),
}


def convert(
    text: str, offsets: Iterable[int], *, source: OffsetUnit, target: OffsetUnit
) -> list[int]:
    """Return `offsets` of `text`, counted in `source` units, counted in `target` units instead.

    Raises ValueError for an offset outside the text or inside a character.
    """
    positions = _positions(text, source)
    wanted = _positions(text, target)
    return [wanted[_character_index(positions, offset, source)] for offset in offsets]


def _positions(text: str, unit: OffsetUnit) -> Sequence[int]:
    """Return the offset of every character in `unit`, and of the end of the text: `len(text) + 1`
    numbers.
    """
    if unit == "unicode_code_point":
        return range(len(text) + 1)
    return list(accumulate(map(_WIDTHS[unit], text), initial=0))


def _character_index(positions: Sequence[int], offset: int, unit: OffsetUnit) -> int:
    index = bisect_left(positions, offset)
    if index == len(positions) or positions[index] != offset:
        raise ValueError(
            f"offset {offset} is no character boundary: the text has {positions[-1]} of unit {unit}"
        )
    return index
