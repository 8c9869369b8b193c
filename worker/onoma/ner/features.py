"""Turns a unit into the numbers the `wordhash` model reads: seven hashes and up to 24 bytes.

One implementation, imported by training and serving, so that both see the same thing. Its rule: the
features of a unit are a function of the unit alone (no neighbour, no case table of the machine,
never `hash()`), which is what lets a table of known words stand in for computing them. Lookups use
the NFC form; the text itself stays as received.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal
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
    24)`.
    """

    hashes: npt.NDArray[np.int32]
    bytes_: npt.NDArray[np.int32]


def hashes_of(unit: str) -> tuple[int, ...]:
    """Return the seven buckets of `unit`: whole form, without marks, prefixes, suffixes, shape."""
    return tuple([checksum % HASH_BUCKETS for checksum in _checksums(unit)])


def _checksums(unit: str) -> list[int]:
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
    try:
        return [crc32(name.encode()) for name in named]
    except UnicodeEncodeError:  # half a surrogate pair; asking for it each time takes twice as long
        return [crc32(name.encode("utf-8", "surrogatepass")) for name in named]


def bytes_of(unit: str) -> tuple[int, ...]:
    """Return the 24 byte values of `unit` plus one, 0 as padding; of a longer one its first and
    last twelve.
    """
    return tuple(_plus_one(_padded_bytes(unit)).tolist())


def _padded_bytes(unit: str) -> bytes:
    data = unicodedata.normalize("NFC", unit).encode("utf-8", "surrogatepass")
    if len(data) > BYTES_PER_UNIT:
        return data[: BYTES_PER_UNIT // 2] + data[-BYTES_PER_UNIT // 2 :]
    return data.ljust(BYTES_PER_UNIT, _NO_BYTE)


_NO_BYTE = b"\xff"
"""Is in no UTF-8, and plus one it is 0 again."""


def _plus_one(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8) + np.uint8(1)


def shape_of(word: str) -> str:
    """Return the outline of `word`: X upper, x other letter, d digit, runs cut to two, eight
    characters.
    """
    if word.islower() and word.isalpha():  # most are
        return "xx"[: len(word)]
    return _run_longer_than_two().sub("", "".join(map(_kind_of, word)))[:8]


@lru_cache(maxsize=4096)
def _kind_of(character: str) -> str:
    if character.isupper():
        return "X"
    if character.isalpha():
        return "x"
    return "d" if character.isdigit() else character


@cache
def _run_longer_than_two() -> re.Pattern[str]:
    """Return what matches a character before two like it."""
    return re.compile(r"(.)(?=\1\1)", re.DOTALL)


def strip_marks(word: str) -> str:
    """Return `word` without the diacritics of Latin, Greek and Cyrillic letters; `word` if nothing
    is left.
    """
    if word.isascii():
        return word
    kept: list[str] = []
    alphabetic = False
    for character in unicodedata.normalize("NFD", word):
        role = _role_of(character)
        if role != "mark":
            alphabetic = role == "alphabetic"
            kept.append(character)
        elif not alphabetic:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)) or word


@lru_cache(maxsize=4096)
def _role_of(character: str) -> Literal["mark", "alphabetic", "other"]:
    if unicodedata.category(character) == "Mn":
        return "mark"
    name = unicodedata.name(character, "")
    return "alphabetic" if name.startswith(MARKED_SCRIPTS) else "other"


class FeatureTable:
    """Features of units seen before, so that a repeated word costs one dictionary look-up.

    Bounded: when `capacity` words are known, the table starts again. A word's features never
    change, so the answers do not depend on what the table holds. Safe to use from several threads:
    only learning words takes turns.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._known = _Known()
        self._learning = threading.Lock()

    def features(self, units: Sequence[str]) -> UnitFeatures:
        """Return the features of `units`, in order."""
        known = self._known
        try:
            return known.features(units)
        except KeyError:
            with self._learning:
                return self._learned(units).features(units)

    def _learned(self, units: Sequence[str]) -> _Known:
        unknown = set(units).difference(self._known.rows)
        if len(self._known.rows) + len(unknown) > self._capacity:
            # Another one, so that whoever is reading this one goes on undisturbed.
            self._known, unknown = _Known(), set(units)
        # Sorted, so that the table is filled alike in every process.
        self._known.learn(sorted(unknown))
        return self._known


class _Known:
    """Features by word. A row is written before its word is entered, and never changes again."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self._hashes = np.zeros((1024, HASHES_PER_UNIT), np.int32)
        self._bytes = np.zeros((1024, BYTES_PER_UNIT), np.uint8)

    def features(self, units: Sequence[str]) -> UnitFeatures:
        """Return the features of `units`. Raises KeyError if one is not known."""
        rows = np.fromiter(map(self.rows.__getitem__, units), np.intp, len(units))
        return UnitFeatures(self._hashes[rows], self._bytes[rows].astype(np.int32))

    def learn(self, units: Sequence[str]) -> None:
        """Take in `units`, none of which is known."""
        first, end = len(self.rows), len(self.rows) + len(units)
        self._make_room(end)
        checksums = [checksum for unit in units for checksum in _checksums(unit)]
        hashes = np.array(checksums, np.int64).reshape(-1, HASHES_PER_UNIT) % HASH_BUCKETS
        self._hashes[first:end] = hashes
        data = _plus_one(b"".join(map(_padded_bytes, units)))
        self._bytes[first:end] = data.reshape(-1, BYTES_PER_UNIT)
        self.rows.update(zip(units, range(first, end), strict=True))

    def _make_room(self, rows: int) -> None:
        while rows > len(self._hashes):
            self._hashes = np.concatenate((self._hashes, np.zeros_like(self._hashes)))
            self._bytes = np.concatenate((self._bytes, np.zeros_like(self._bytes)))
