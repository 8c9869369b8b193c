"""Finds the tokens of a list that are alike a mention's: by edits, by sound, or as legal forms.

Part of the token path. Its rule: what it says is what `similarity.py` says of every token of the
list; signatures only spare comparing most of them. What it found for a token is kept, since texts
say the same names again and again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from onoma.gazetteer.arrays import Array, Arrays
from onoma.gazetteer.signatures import Bits, bigram_bits, bigrams, letter_bag, letter_bags
from onoma.gazetteer.similarity import (
    EDIT_COST,
    LEAST_JOINED,
    LEAST_LEFT_OF_PART,
    LEAST_SIMILARITY,
    allowed_edits,
    joined_edits,
    sound_keys,
    weight,
)
from onoma.gazetteer.texts import Texts
from onoma.gazetteer.words import EQUIVALENTS

LONGEST = 255
"""Letters of a token that has a signature; no name needs longer ones, and they are only equal."""
_KEPT = 1 << 14

Ids = npt.NDArray[np.int64]
EditRule = Callable[[int], int]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Near:
    """Tokens alike another, arrays of one length, sorted by id."""

    ids: Ids
    similarities: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NearJoined:
    """Tokens that may be another with a blank more or less, `edits` apart."""

    ids: Ids
    edits: Ids

    def within(self, shorter_parts: Ids | int) -> Ids:
        """Return the tokens that are near enough, by the shorter of the two that were joined."""
        kept: Ids = self.ids[self.edits <= np.maximum(0, shorter_parts - LEAST_LEFT_OF_PART)]
        return kept


class Memory(Generic[Found]):
    """What was found for a word, since texts say the same names again and again.

    A full memory is emptied, which costs less than knowing what is oldest.
    """

    def __init__(self, find: Callable[[str], Found]) -> None:
        self._find = find
        self._kept: dict[str, Found] = {}

    def __call__(self, word: str) -> Found:
        """Return what is found for `word`, now or before."""
        known = self._kept.get(word)
        if known is None:
            known = self._find(word)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[word] = known
        return known


class _ByNumber(Protocol):
    def __getitem__(self, number: int, /) -> str: ...


def spelling_arrays(texts: Texts) -> dict[str, Array]:
    """Return the arrays of words sorted by length."""
    return {
        "letters": texts.letters,
        "offsets": texts.offsets,
        "bag": letter_bags(texts),
        "bigrams": bigram_bits(texts),
        "length": np.minimum(texts.lengths(), LONGEST).astype(np.uint8),
        "first_of_length": np.searchsorted(texts.lengths(), np.arange(LONGEST + 2)).astype(
            np.int64
        ),
    }


class Spellings:
    """Words by their letters: those within some edits of another, by optimal string alignment.

    An edit loses at most one common letter, and at most three bigrams on either side.
    """

    def __init__(self, arrays: Arrays, words: _ByNumber) -> None:
        self._bag: Bits = arrays["bag"]
        self._bigrams: Bits = arrays["bigrams"]
        self._length = arrays["length"]
        self._first_of_length = arrays["first_of_length"].tolist()
        self._words = words

    def near(self, word: str, edits: EditRule) -> Near:
        """Return the words that `edits` allows by the longer length, with their similarity."""
        if not 0 < len(word) < LONGEST:
            return _NOTHING
        rows = self._scan(word, edits)
        if not len(rows):
            return _NOTHING
        lengths = self._length[rows].astype(np.int64)
        longer = np.maximum(lengths, len(word))
        allowed = _table(edits)[longer]
        distances = process.cdist(
            [word],
            [self._words[row] for row in rows.tolist()],
            scorer=OSA.distance,
            score_cutoff=int(allowed.max()),
        )[0]
        kept = distances <= allowed
        similarities = 1.0 - EDIT_COST * distances[kept] / longer[kept]
        return Near(rows[kept], similarities)

    def near_joined(self, word: str) -> NearJoined:
        """Return the words that are `word` with a blank more or less, and their edits."""
        if len(word) < LEAST_JOINED:
            return NearJoined(_NOTHING.ids, _NOTHING.ids)
        near = self.near(word, _joined_edits)
        longer = np.maximum(self._length[near.ids].astype(np.int64), len(word))
        edits = np.rint((1.0 - near.similarities) * longer / EDIT_COST).astype(np.int64)
        return NearJoined(near.ids, edits)

    def _scan(self, word: str, edits: EditRule) -> Ids:
        shortest, longest, allowed = _edit_bounds(len(word), edits)
        first, last = self._first_of_length[shortest], self._first_of_length[longest + 1]
        bag, overflow = letter_bag(word)
        needs = np.maximum(len(word), np.arange(len(allowed))) - allowed - overflow
        common = np.bitwise_count(self._bag[first:last] & np.uint64(bag))
        rows = np.flatnonzero(common >= max(0, int(needs[shortest : longest + 1].min())))
        lengths = self._length[first:last][rows]
        enough = common[rows] >= needs[lengths]
        rows, lengths = rows[enough] + first, lengths[enough]
        mine, theirs = np.array(bigrams(word), np.uint64), self._bigrams[rows]
        lost = 3 * allowed[lengths]
        gone = np.bitwise_count(mine & ~theirs).sum(axis=1)
        come = np.bitwise_count(theirs & ~mine).sum(axis=1)
        kept: Ids = rows[(gone <= lost) & (come <= lost)]
        return kept


@lru_cache(8)
def _table(edits: EditRule) -> Ids:
    return np.array([edits(longer) for longer in range(LONGEST + 1)])


@lru_cache(1024)
def _edit_bounds(length: int, edits: EditRule) -> tuple[int, int, Ids]:
    """Return the shortest and longest length within the edits, and the edits by length."""
    lengths = np.arange(LONGEST + 1)
    allowed = _table(edits)[np.maximum(lengths, length)]
    inside = np.flatnonzero((np.abs(lengths - length) <= allowed) & (lengths > 0))
    return int(inside[0]), int(min(inside[-1], LONGEST - 1)), allowed


_NOTHING = Near(np.empty(0, np.int64), np.empty(0))


def vocabulary_arrays(words: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of distinct tokens, sorted by length and then by letters."""
    sounds = sorted(
        (_hash(key), number) for number, word in enumerate(words) for key, _ in sound_keys(word)
    )
    return {
        **spelling_arrays(Texts.of(words)),
        "weight": np.array([weight(word) for word in words], np.float32),
        "sound": np.array([hashed for hashed, _ in sounds], np.uint64),
        "sounding": np.array([number for _, number in sounds], np.int32),
    }


class Vocabulary:
    """The distinct tokens of a list."""

    def __init__(self, arrays: Arrays) -> None:
        self.words = Texts(arrays["letters"], arrays["offsets"]).all()
        self.weights = arrays["weight"]
        self.initials = arrays["letters"][arrays["offsets"][:-1]]
        self.spellings = Spellings(arrays, self.words)
        self._sound, self._sounding = arrays["sound"], arrays["sounding"]
        self._first_of_length = arrays["first_of_length"].tolist()
        self._near: Memory[Near] = Memory(self._find_near)
        self._joined = Memory(self.spellings.near_joined)

    def near(self, token: str) -> Near:
        """Return all tokens of more than a letter that have a similarity with `token`, of more
        than a letter too.
        """
        return self._near(token)

    def joined(self, one: str, other: str) -> Ids:
        """Return all tokens that two neighbours, written as one, may stand for."""
        return self._joined(one + other).within(min(len(one), len(other)))

    def _find_near(self, token: str) -> Near:
        if token.isdigit():
            return self._equal([token])
        spelt = self.spellings.near(token, allowed_edits)
        ids, similarities = spelt.ids, spelt.similarities
        alike = (similarities >= LEAST_SIMILARITY) & self._comparable(ids)
        parts = [Near(ids[alike], similarities[alike])]
        parts += [self._sharing(key, similarity) for key, similarity in sound_keys(token)]
        if group := EQUIVALENTS.get(token):
            parts.append(self._equal([form for form, of in EQUIVALENTS.items() if of == group]))
        elif len(token) >= LONGEST:
            parts.append(self._equal([token]))
        return _best_of(parts)

    def _comparable(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which are words of more than a letter, and no numbers."""
        # Only a token of digits alone begins and ends with one and is compared as a number; those
        # that begin with one are few.
        maybe = self.initials[ids] < ord("a")
        known = ~maybe
        for place in np.flatnonzero(maybe).tolist():
            known[place] = not self.words[ids[place]].isdigit()
        return known

    def _sharing(self, key: str, similarity: float) -> Near:
        """Return the tokens that have `key` among their forms by sound.

        Two keys of one hash would add a token that is not alike, and the rule would say so.
        """
        hashed = np.uint64(_hash(key))
        first, last = self._sound.searchsorted(hashed), self._sound.searchsorted(hashed, "right")
        ids = self._sounding[first:last].astype(np.int64)
        return Near(ids, np.full(len(ids), similarity))

    def _equal(self, tokens: Sequence[str]) -> Near:
        found = [number for token in tokens if (number := self.number(token)) is not None]
        return Near(np.array(sorted(found), np.int64), np.ones(len(found)))

    def number(self, token: str) -> int | None:
        """Return the place of `token`."""
        length = min(len(token), LONGEST)
        first, last = self._first_of_length[length], len(self.words)
        if length < LONGEST:
            last = self._first_of_length[length + 1]
        place = bisect_left(self.words, token, first, last)
        return place if place < last and self.words[place] == token else None


def _joined_edits(longer: int) -> int:
    return joined_edits(longer, LONGEST) if longer >= LEAST_JOINED else 0


def _best_of(parts: Sequence[Near]) -> Near:
    """Return every id of `parts` once, with its greatest similarity."""
    ids = np.concatenate([part.ids for part in parts])
    similarities = np.concatenate([part.similarities for part in parts])
    order = np.lexsort((-similarities, ids))
    ids, similarities = ids[order], similarities[order]
    first = np.ones(len(ids), np.bool_)
    first[1:] = ids[1:] != ids[:-1]
    return Near(ids[first], similarities[first])


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
