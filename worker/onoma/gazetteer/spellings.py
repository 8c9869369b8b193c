"""Finds the words that are few edits from another, by signatures that rule out most of them.

Part of the token path, under `vocabulary.py`. Its rule: what is within the edits that
`similarity.py` allows is found, by optimal string alignment. An edit loses at most one common
letter, and at most three bigrams on either side. Words are asked for together, as those of a
mention are: what NumPy takes for a call is more than what it takes for a few words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from onoma.gazetteer.arrays import Array, Arrays
from onoma.gazetteer.signatures import Bits, bigram_bits, bigrams, letter_bag, letter_bags
from onoma.gazetteer.similarity import EDIT_COST, allowed_edits
from onoma.gazetteer.texts import Texts

LONGEST = 255
"""Letters of a token that has a signature; no name needs longer ones, and they are only equal."""

Ids = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.float64]


class ByNumber(Protocol):
    """Words by their numbers: a list of them, or texts."""

    def __getitem__(self, number: int, /) -> str: ...


def length_arrays(words: Texts) -> dict[str, Array]:
    """Return what lookups and scans share, of words sorted by length."""
    return {
        "letters": words.letters,
        "offsets": words.offsets,
        "bag": letter_bags(words),
        "length": np.minimum(words.lengths(), LONGEST).astype(np.uint8),
    }


def spelling_arrays(words: Texts) -> dict[str, Array]:
    """Return the arrays of words sorted by length, to be scanned."""
    lengths = words.lengths()
    return {
        **length_arrays(words),
        "bigrams": bigram_bits(words),
        "first_of_length": np.searchsorted(lengths, np.arange(LONGEST + 2)).astype(np.int64),
    }


class Spellings:
    """Words by their letters."""

    def __init__(self, arrays: Arrays, words: ByNumber) -> None:
        self._bag: Bits = arrays["bag"]
        self._bigrams: Bits = arrays["bigrams"]
        self._length = arrays["length"]
        self._first_of_length = arrays["first_of_length"].tolist()
        self._words = words

    def near(self, asked: Sequence[str]) -> tuple[Ids, Ids, Similarities]:
        """Return pairs of a place in `asked` and a word within the edits, sorted, and how alike
        they are.
        """
        scanned = [self._scan(word) for word in asked]
        owners = np.repeat(np.arange(len(asked)), list(map(len, scanned)))
        ids = np.concatenate(scanned) if scanned else owners
        owners, ids = self._within(asked, owners, ids)
        longer = np.maximum(self._length[ids], lengths_of(asked)[owners])
        edits = distances([asked[one] for one in owners.tolist()], self._words, ids)
        kept = edits <= _ALLOWED[longer]
        return owners[kept], ids[kept], 1.0 - EDIT_COST * edits[kept] / longer[kept]

    def _scan(self, word: str) -> Ids:
        """Return the words that length and letter bag leave, by the least that any length needs."""
        if not 0 < len(word) < LONGEST:
            return _NONE
        shortest, longest, least = _scan_bounds(len(word))
        first, last = self._first_of_length[shortest], self._first_of_length[longest + 1]
        bag, overflow = letter_bag(word)
        common = np.bitwise_count(self._bag[first:last] & np.uint64(bag))
        rows = np.flatnonzero(common >= max(0, least - overflow))
        rows += first
        return rows

    def _within(self, asked: Sequence[str], owners: Ids, ids: Ids) -> tuple[Ids, Ids]:
        """Return the pairs that letter bag and bigrams leave, by what each length needs."""
        bags, overflows = _own_bags(asked)
        longer = np.maximum(self._length[ids], lengths_of(asked)[owners])
        allowed = _ALLOWED[longer]
        common = np.bitwise_count(self._bag[ids] & bags[owners])
        enough = common + overflows[owners] >= longer - allowed
        owners, ids, lost = owners[enough], ids[enough], 3 * allowed[enough]
        mine = np.array([bigrams(word) for word in asked], np.uint64).reshape(-1, 2)[owners]
        theirs = self._bigrams[ids]
        gone, come = np.bitwise_count(mine & ~theirs), np.bitwise_count(theirs & ~mine)
        enough = (gone[:, 0] + gone[:, 1] <= lost) & (come[:, 0] + come[:, 1] <= lost)
        return owners[enough], ids[enough]


def _own_bags(words: Sequence[str]) -> tuple[Bits, Ids]:
    found = [letter_bag(word) for word in words]
    return np.array([bag for bag, _ in found], np.uint64), np.array(
        [over for _, over in found], int
    )


def lengths_of(words: Sequence[str]) -> Ids:
    """Return how many letters each word has."""
    return np.fromiter(map(len, words), np.int64, len(words))


def distances(asked: Sequence[str], words: ByNumber, ids: Ids) -> Ids:
    """Return the edits between each of `asked` and the word with the id in its place; one more
    than the most that any word may have, where they are further apart.
    """
    if not len(ids):
        return _NONE
    found: Ids = process.cpdist(
        asked,
        [words[number] for number in ids.tolist()],
        scorer=OSA.distance,
        score_cutoff=_MOST_EDITS,
        dtype=np.int64,
    )
    return found


def per_word(count: int, owners: Ids, *arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Yield for each of `count` words its part of the arrays, that of the word in `owners`."""
    bounds = owners.searchsorted(np.arange(count + 1)).tolist()
    for place in range(count):
        part = slice(bounds[place], bounds[place + 1])
        yield tuple(array[part] for array in arrays)


_NONE: Ids = np.empty(0, np.int64)
_ALLOWED = np.array([allowed_edits(longer) for longer in range(LONGEST + 1)])
_MOST_EDITS = int(_ALLOWED.max())


@lru_cache(1024)
def _scan_bounds(length: int) -> tuple[int, int, int]:
    """Return the shortest and longest word within the edits, and the least that any of them needs
    in common.
    """
    lengths = np.arange(1, LONGEST)
    longer = np.maximum(lengths, length)
    inside = np.abs(lengths - length) <= _ALLOWED[longer]
    needs = (longer - _ALLOWED[longer])[inside]
    return int(lengths[inside][0]), int(lengths[inside][-1]), int(needs.min())
