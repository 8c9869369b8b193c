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
from onoma.gazetteer.signatures import Bits, LetterBags, bigram_bits, bigrams, letter_bags
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
        self._bigrams: Bits = arrays["bigrams"]
        self._length = arrays["length"]
        self._bags = LetterBags(arrays["bag"], self._length, arrays["first_of_length"].tolist())
        self._words = words

    def near(self, asked: Sequence[str]) -> tuple[Ids, Ids, Similarities]:
        """Return pairs of a place in `asked` and a word within the edits, sorted, and how alike
        they are.
        """
        scanned = [self._scan(word) for word in asked]
        owners = np.repeat(np.arange(len(asked)), list(map(len, scanned)))
        ids = np.concatenate(scanned) if scanned else owners
        kept = self._within(asked, owners, ids)
        owners, ids = owners[kept], ids[kept]
        longer = np.maximum(self._length[ids], lengths_of(asked)[owners])
        edits = distances([asked[one] for one in owners.tolist()], self._words, ids)
        kept = edits <= _ALLOWED[longer]
        return owners[kept], ids[kept], 1.0 - EDIT_COST * edits[kept] / longer[kept]

    def _scan(self, word: str) -> Ids:
        """Return the words that length and letter bag leave."""
        if not 0 < len(word) < LONGEST:
            return _NONE
        return self._bags.alike(word, *_scan_bounds(len(word)))

    def _within(self, asked: Sequence[str], owners: Ids, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which pairs the bigrams leave."""
        lost = 3 * _ALLOWED[np.maximum(self._length[ids], lengths_of(asked)[owners])]
        mine = np.array([bigrams(word) for word in asked], np.uint64).reshape(-1, 2)[owners]
        theirs = self._bigrams[ids]
        gone, come = np.bitwise_count(mine & ~theirs), np.bitwise_count(theirs & ~mine)
        kept: npt.NDArray[np.bool_] = gone[:, 0] + gone[:, 1] <= lost
        kept &= come[:, 0] + come[:, 1] <= lost
        return kept


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
def _scan_bounds(length: int) -> tuple[int, int, Ids]:
    """Return the shortest and longest word within the edits, and what each length needs in common,
    shape `(256,)`.
    """
    lengths = np.arange(LONGEST + 1)
    longer = np.maximum(lengths, length)
    needs = longer - _ALLOWED[longer]
    inside = np.flatnonzero(np.abs(lengths - length)[1:LONGEST] <= _ALLOWED[longer][1:LONGEST]) + 1
    return int(inside[0]), int(inside[-1]), needs
