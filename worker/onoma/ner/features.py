"""Turns a unit into the numbers the `wordhash` model reads: seven hashes and up to 24 bytes.

One implementation, imported by training and serving, so that both see the same thing. Its rule: the
features of a unit are a function of the unit alone (no neighbour, no case table of the machine,
never `hash()`), which is what lets a table of known words stand in for computing them. Lookups use
the NFC form; the text itself stays as received.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

HASHES_PER_UNIT = 7
HASH_BUCKETS = 20_000
BYTES_PER_UNIT = 24
"""Fixed, never the width of a batch: a maximum over positions must see the same padding for every
neighbour.
"""

MARKED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
"""Scripts whose combining marks are diacritics; elsewhere a mark is a vowel and stays."""


@dataclass(frozen=True, slots=True)
class UnitFeatures:
    """Features of a sequence of units: `hashes` of shape `(units, 7)`, `bytes_` of shape `(units,
    24)`, and for a model that has the channel `gazetteer` of shape `(units, 5)`.
    """

    hashes: npt.NDArray[np.int32]
    bytes_: npt.NDArray[np.int32]
    gazetteer: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.hashes)

    def between(self, start: int, end: int) -> UnitFeatures:
        """Return the features of the units `[start, end)`."""
        names = None if self.gazetteer is None else self.gazetteer[start:end]
        return UnitFeatures(self.hashes[start:end], self.bytes_[start:end], names)


def hashes_of(unit: str) -> tuple[int, ...]:
    """Return the seven buckets of `unit`: whole form, without marks, prefixes, suffixes, shape."""
    word = unicodedata.normalize("NFC", unit)
    lower = word.lower()
    named = (
        "w" + lower,
        "W" + strip_marks(lower) + "#",
        "p" + lower[:3],
        "s" + lower[-3:],
        "P" + lower[:5],
        "S" + lower[-2:],
        "h" + shape_of(word),
    )
    return tuple(crc32(name.encode("utf-8", "surrogatepass")) % HASH_BUCKETS for name in named)


def bytes_of(unit: str) -> tuple[int, ...]:
    """Return the 24 byte values of `unit` plus one, 0 as padding; of a longer one its first and
    last twelve.
    """
    data = unicodedata.normalize("NFC", unit).encode("utf-8", "surrogatepass")
    if len(data) > BYTES_PER_UNIT:
        data = data[: BYTES_PER_UNIT // 2] + data[-BYTES_PER_UNIT // 2 :]
    return tuple(byte + 1 for byte in data) + (0,) * (BYTES_PER_UNIT - len(data))


def shape_of(word: str) -> str:
    """Return the outline of `word`: X upper, x other letter, d digit, runs cut to two, eight
    characters.
    """
    shape: list[str] = []
    for character in word:
        if character.isupper():
            kind = "X"
        elif character.isalpha():
            kind = "x"
        else:
            kind = "d" if character.isdigit() else character
        if shape[-2:] != [kind, kind]:
            shape.append(kind)
    return "".join(shape)[:8]


def strip_marks(word: str) -> str:
    """Return `word` without the diacritics of Latin, Greek and Cyrillic letters; `word` if nothing
    is left.
    """
    kept: list[str] = []
    alphabetic = False
    for character in unicodedata.normalize("NFD", word):
        if unicodedata.category(character) != "Mn":
            alphabetic = unicodedata.name(character, "").startswith(MARKED_SCRIPTS)
            kept.append(character)
        elif not alphabetic:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)) or word


class FeatureTable:
    """Features of units seen before, so that a repeated word costs one dictionary look-up.

    Bounded: when `capacity` words are known, the table starts again. A word's features never
    change, so the answers do not depend on what the table holds. Not for use by several threads at
    once.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._rows: dict[str, int] = {}
        self._hashes = np.zeros((1024, HASHES_PER_UNIT), np.int32)
        self._bytes = np.zeros((1024, BYTES_PER_UNIT), np.int32)

    def features(self, units: Sequence[str]) -> UnitFeatures:
        """Return the features of `units`, in order."""
        unknown = set(units).difference(self._rows)
        if len(self._rows) + len(unknown) > self._capacity:
            self._rows.clear()
            unknown = set(units)
        # Sorted, so that the table is filled alike in every process.
        self._learn(sorted(unknown))
        rows = np.fromiter(map(self._rows.__getitem__, units), np.intp, len(units))
        return UnitFeatures(self._hashes[rows], self._bytes[rows])

    def _learn(self, units: Iterable[str]) -> None:
        for unit in units:
            row = len(self._rows)
            if row == len(self._hashes):
                self._hashes = np.concatenate((self._hashes, np.zeros_like(self._hashes)))
                self._bytes = np.concatenate((self._bytes, np.zeros_like(self._bytes)))
            self._hashes[row] = hashes_of(unit)
            self._bytes[row] = bytes_of(unit)
            self._rows[unit] = row
