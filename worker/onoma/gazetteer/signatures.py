"""Bits of a text that show in a few instructions that two texts can't be alike.

Two signatures, both with one promise: what they rule out is out by definition, so that a scan over
them loses nothing.

- The letter bag, 64 bits: how often each letter occurs, counted in fields of a few bits. The
  longest common subsequence of two texts is no longer than what their bags have in common.
- The bigrams, 128 bits: which pairs of neighbours occur, hashed. A deletion destroys at most two
  bigrams, an insertion at most one, a transposition three. Bigrams that share a bit only hide
  differences.

One text goes through plain Python, a list through arrays; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.texts import Texts

Bits = npt.NDArray[np.uint64]

_ALPHABET = "\0abcdefghijklmnopqrstuvwxyz0123456789 "
_FIELDS = {
    "a": 5, "e": 4, "i": 4, "o": 3, "n": 3, "r": 3, "s": 3, "l": 3, "m": 3, "u": 3, "h": 3, "d": 3,
    "t": 3, "k": 2, "y": 2, "b": 2, "g": 2, "c": 2, "z": 1, "v": 1, "j": 1, "p": 1, "f": 1, "w": 1,
    "x": 1, "q": 1, "0": 3,
}  # fmt: skip
"""Bits for each letter, by how often names have it; all digits count as `0`, blanks not at all."""
_FIRST_BITS = dict(zip(_FIELDS, np.cumsum([0, *_FIELDS.values()]).tolist(), strict=False))
_BITS = {letter: ((1 << width) - 1) << _FIRST_BITS[letter] for letter, width in _FIELDS.items()}
_DIGITS = dict.fromkeys(map(ord, "123456789"), "0") | {ord(" "): None}
_MULTIPLIER, _MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1
_BLOCK = 8_192
"""Texts that are counted at once, so that the table of counts stays in the cache of a core."""
_SCANNED_AT_ONCE = 1 << 15
"""Bags that are scanned at once, so that what is made of them stays there, too."""

_SYMBOLS = np.zeros(256, np.uint8)
_SYMBOLS[[ord(letter) for letter in _ALPHABET]] = np.arange(len(_ALPHABET))
_PAIR_BITS = {
    one + other: 1 << (((i * len(_ALPHABET) + j) * _MULTIPLIER & _MASK) >> 57)
    for i, one in enumerate(_ALPHABET)
    for j, other in enumerate(_ALPHABET)
}


@lru_cache(1 << 14)
def letter_bag(text: str) -> tuple[int, int]:
    """Return the bag of `text`, and how many of its letters found no room in their fields."""
    bag = overflow = 0
    for letter in text.translate(_DIGITS):
        free = _BITS[letter] & ~bag
        if free:
            bag |= free & -free
        else:
            overflow += 1
    return bag, overflow


@lru_cache(1 << 14)
def bigrams(text: str) -> tuple[int, int]:
    """Return the bigrams of `text` with a border on both sides: the lower and upper 64 bits."""
    found = 0
    previous = "\0"
    for letter in text:
        found |= _PAIR_BITS[previous + letter]
        previous = letter
    found |= _PAIR_BITS[previous + "\0"]
    return found & _MASK, found >> 64


def letter_bags(texts: Texts) -> Bits:
    """Return the bag of each text, shape `(texts,)`."""
    bags = np.zeros(len(texts), np.uint64)
    symbols = _SYMBOLS[texts.letters]
    for start in range(0, len(texts), _BLOCK):
        end = min(len(texts), start + _BLOCK)
        offsets = texts.offsets[start : end + 1]
        owners = np.repeat(np.arange(end - start), np.diff(offsets))
        keys = owners * len(_ALPHABET) + symbols[offsets[0] : offsets[-1]]
        size = (end - start) * len(_ALPHABET)
        counts = np.bincount(keys, minlength=size).reshape(-1, len(_ALPHABET))
        _fill(bags[start:end], counts)
    return bags


def _fill(bags: Bits, counts: npt.NDArray[np.int64]) -> None:
    digits = _ALPHABET.index("0")
    counts[:, digits] += counts[:, digits + 1 : digits + 10].sum(axis=1)
    for letter, width in _FIELDS.items():
        unary = np.minimum(counts[:, _ALPHABET.index(letter)], width).astype(np.uint64)
        bags |= ((np.uint64(1) << unary) - np.uint64(1)) << np.uint64(_FIRST_BITS[letter])


class LetterBags:
    """The bags of texts that are sorted by length. `lengths` has the shape `(texts,)`, and
    `first_of_length[n]` is the place of the first text of n letters or more.
    """

    def __init__(
        self, bags: Bits, lengths: npt.NDArray[np.uint8], first_of_length: Sequence[int]
    ) -> None:
        self._bags, self._lengths, self._first_of_length = bags, lengths, first_of_length

    def alike(
        self, text: str, shortest: int, longest: int, needs: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Return the texts of `shortest` to `longest` letters whose bag has enough in common with
        that of `text`: `needs[length]` letters, never fewer for more length.
        """
        bag, overflow = letter_bag(text)
        wanted = needs - overflow
        found = []
        length, first = shortest, self._first_of_length[shortest]
        for after in range(shortest + 1, longest + 2):
            last = self._first_of_length[after]
            if last - first < _SCANNED_AT_ONCE and after <= longest:
                continue
            common = np.bitwise_count(self._bags[first:last] & np.uint64(bag))
            # A number of NumPy's would have all of them converted, at ten times the cost.
            rows = (common >= int(wanted[length])).nonzero()[0]
            if after - length > 1:
                rows = rows[common[rows] >= wanted[self._lengths[first:last][rows]]]
            rows += first
            found.append(rows)
            length, first = after, last
        return found[0] if len(found) == 1 else np.concatenate(found)


def bigram_bits(texts: Texts) -> Bits:
    """Return the bigrams of each text, shape `(texts, 2)`."""
    count = len(texts)
    bits = np.zeros((count, 2), np.uint64)
    for start in range(0, count, _BLOCK):
        end = min(count, start + _BLOCK)
        offsets = texts.offsets[start : end + 1]
        bordered = _bordered(_SYMBOLS[texts.letters[offsets[0] : offsets[-1]]], offsets)
        pairs = bordered[:-1].astype(np.uint16) * len(_ALPHABET) + bordered[1:]
        firsts = offsets[:-1] - offsets[0] + np.arange(end - start)
        for half in (0, 1):
            bits[start:end, half] = np.bitwise_or.reduceat(_PAIR_TABLE[half][pairs], firsts)
    return bits


def _bordered(
    symbols: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Return the symbols with a border before each text and after the last."""
    bordered = np.insert(symbols, offsets[:-1] - offsets[0], 0)
    return np.append(bordered, np.uint8(0))


_PAIR_TABLE = tuple(
    np.array([(bit >> shift) & _MASK for bit in _PAIR_BITS.values()], np.uint64)
    for shift in (0, 64)
)
"""By half of the bits, the bit of each pair of symbols."""
