"""Finds the words that are another with a blank more or less, by how they begin, go on and end.

Part of the token path: neighbours written as one token. A list has millions of neighbours, and few
are alike, so that they are looked up instead of scanned. The rule: every word within the edits of
`joined_edits` is found, by optimal string alignment. For an edit changes one place, or two that
are neighbours:

- One edit leaves the beginning of the asked word, or its end after a gap of one letter.
- Two edits leave the beginning, or the end; or the first edit is before and the second behind what
  lies between them, gaps left out. That then stands in the other word, moved by the first edit, and
  covers its three middle letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from onoma.gazetteer.arrays import Array, Arrays, distinct
from onoma.gazetteer.signatures import letter_bag
from onoma.gazetteer.similarity import (
    LEAST_JOINED,
    LEAST_LEFT_OF_PART,
    MOST_JOINED_EDITS,
    joined_edits,
)
from onoma.gazetteer.spellings import LONGEST, ByNumber, Ids, distances, lengths_of, per_word
from onoma.gazetteer.texts import Texts, ranges

_LETTERS = 7
"""Letters of a beginning or an end that are kept: with the length they fill 64 bits."""
_MIDDLE = 3


@dataclass(frozen=True, slots=True)
class NearJoined:
    """Words that may be another with a blank more or less, `edits` apart."""

    ids: Ids
    edits: Ids

    def within(self, shorter_parts: Ids | int) -> Ids:
        """Return the words that are near enough, by the shorter of the two that were joined."""
        if not len(self.ids):
            return self.ids
        kept: Ids = self.ids[self.edits <= np.maximum(0, shorter_parts - LEAST_LEFT_OF_PART)]
        return kept


def affix_arrays(words: Texts) -> dict[str, Array]:
    """Return the arrays of words sorted by length, and then by their first letters at least."""
    suffix = _keys(words, words.offsets[1:] - 1, -np.arange(_LETTERS))
    middles = words.offsets[:-1] + (words.lengths() - _MIDDLE) // 2
    middle = _keys(words, middles, np.arange(_MIDDLE))
    by_suffix, by_middle = (np.argsort(keys, kind="stable") for keys in (suffix, middle))
    return {
        "prefix": prefixes(words),
        "suffix": suffix[by_suffix],
        "suffix_word": by_suffix.astype(np.int32),
        "middle": middle[by_middle],
        "middle_word": by_middle.astype(np.int32),
    }


def prefixes(words: Texts) -> Array:
    """Return the length and the first letters of each word as a number."""
    return _keys(words, words.offsets[:-1], np.arange(_LETTERS))


def _keys(words: Texts, starts: Ids, steps: Ids) -> Array:
    """Return the length and the letters at `starts` and some steps on of each word as a number."""
    bits = 8 * (len(steps) + 1)
    size = np.uint32 if bits == 32 else np.uint64
    keys: Array = np.minimum(words.lengths(), LONGEST).astype(size)
    padded = np.append(words.letters, np.uint8(0))
    for step in steps.tolist():
        places = starts + step
        outside = (places < words.offsets[:-1]) | (places >= words.offsets[1:])
        places[outside] = -1
        keys = np.left_shift(keys, size(8)) | padded[places]
    return keys


class Affixes:
    """Words that are looked up by their parts."""

    def __init__(self, arrays: Arrays, words: ByNumber) -> None:
        self._bag, self._length = arrays["bag"], arrays["length"]
        self._beginnings = _Shelf(arrays["prefix"], None)
        self._ends = _Shelf(arrays["suffix"], arrays["suffix_word"])
        self._middles = _Shelf(arrays["middle"], arrays["middle_word"])
        self._words = words

    def near(self, asked: Sequence[str]) -> list[NearJoined]:
        """Return for each word those that are the same with a blank more or less."""
        found = [_NOTHING] * len(asked)
        able = [place for place, word in enumerate(asked) if LEAST_JOINED <= len(word) < LONGEST]
        if able:
            for place, near in zip(able, self._near([asked[p] for p in able]), strict=True):
                found[place] = near
        return found

    def _near(self, words: Sequence[str]) -> Iterator[NearJoined]:
        owners, ids = self._sharing(words)
        longer = np.maximum(self._length[ids], lengths_of(words)[owners])
        bags, overflows = zip(*map(letter_bag, words), strict=True)
        common = np.bitwise_count(self._bag[ids] & np.array(bags, np.uint64)[owners])
        alike = common + np.array(overflows)[owners] >= longer - _EDITS[longer]
        # Words that share two parts are there twice.
        codes = distinct(owners[alike] * len(self._length) + ids[alike])
        owners, ids = np.divmod(codes, max(1, len(self._length)))
        edits = distances([words[one] for one in owners.tolist()], self._words, ids)
        longer = np.maximum(self._length[ids], lengths_of(words)[owners])
        kept = edits <= _EDITS[longer]
        parts = per_word(len(words), owners[kept], ids[kept], edits[kept])
        return (NearJoined(*each) for each in parts)

    def _sharing(self, words: Sequence[str]) -> tuple[Ids, Ids]:
        """Return pairs of a place in `words` and of a word that shares a part with that one."""
        parts = [_parts(len(word)) for word in words]
        letters = [word.encode("ascii") for word in words]
        found = [
            self._beginnings.of(*_asked(letters, [part.beginnings for part in parts])),
            self._ends.of(*_asked([one[::-1] for one in letters], [part.ends for part in parts])),
            self._middles.of(*_asked_middles(words, [part.middles for part in parts])),
        ]
        return np.concatenate([one for one, _ in found]), np.concatenate([ids for _, ids in found])


def _asked(letters: Sequence[bytes], parts: Sequence[Array]) -> tuple[Ids, Array, Array]:
    """Return who asks, and for which keys: from the second number to before the third."""
    owners = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    lengths, kept, sizes = np.concatenate(parts, axis=1)
    keys = [int.from_bytes(one[:_LETTERS].ljust(_LETTERS, b"\0")) for one in letters]
    lows = lengths | (np.array(keys, np.uint64)[owners] & kept)
    return owners, lows, lows + sizes


def _asked_middles(words: Sequence[str], parts: Sequence[Array]) -> tuple[Ids, Array, Array]:
    owners = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    lengths, starts = np.concatenate(parts, axis=1)
    texts = Texts.of(words)
    places = texts.offsets[owners] + starts
    keys = lengths.astype(np.uint32)
    for step in range(_MIDDLE):
        keys = np.left_shift(keys, np.uint32(8)) | texts.letters[places + step]
    return owners, keys, keys + np.uint32(1)


class _Shelf:
    """Words by the keys of one part, sorted."""

    def __init__(self, keys: Array, words: Array | None) -> None:
        self._keys, self._words = keys, words

    def of(self, owners: Ids, lows: Array, highs: Array) -> tuple[Ids, Ids]:
        """Return pairs of who asks and a word that has one of the keys from `lows` to before
        `highs`, which are of the type of the keys: others would have all of these converted.
        """
        first = self._keys.searchsorted(lows)
        counts = self._keys.searchsorted(highs) - first
        places = ranges(first, counts)
        ids = places if self._words is None else self._words[places].astype(np.int64)
        return np.repeat(owners, counts), ids


_EDITS = np.array(
    [joined_edits(longer, LONGEST) if longer >= LEAST_JOINED else 0 for longer in range(256)]
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a word that another may share, a column for each, by the other's length.

    `beginnings` and `ends` have the shape (3, parts): the length as it stands in a key, the bits
    of the letters that are shared, and how many keys share them. `middles` have the shape
    (2, parts): the length, and the first letter in the asked word.
    """

    beginnings: Array
    ends: Array
    middles: Array


@lru_cache(1024)
def _parts(length: int) -> _Parts:
    """Return the parts of a word of `length` letters, one of which is there in any that is near."""
    beginnings, ends, middles = [], [], []
    for other in range(max(1, length - MOST_JOINED_EDITS), min(LONGEST, length + 3)):
        edits = int(_EDITS[max(length, other)])
        if abs(other - length) > edits:
            continue
        first, last = length, 0
        if edits == 1:
            first = length // 2
            last = length - first - 1
        elif edits == 2:
            # The first edit moves the middle by `moved`, the second by what is left.
            least, most = max(-1, other - length - 1), min(1, other - length + 1)
            middle = (other - _MIDDLE) // 2
            starts = [middle - moved for moved in range(least, most + 1)]
            middles += [(other, start) for start in starts]
            first, last = starts[-1] - 1, length - (starts[0] + _MIDDLE + 1)
        beginnings.append(_shared(other, first))
        if last:
            ends.append(_shared(other, last))
    return _Parts(
        np.array(beginnings, np.uint64).reshape(-1, 3).T,
        np.array(ends, np.uint64).reshape(-1, 3).T,
        np.array(middles, np.int64).reshape(-1, 2).T,
    )


def _shared(length: int, letters: int) -> tuple[int, int, int]:
    size = 1 << 8 * (_LETTERS - min(letters, _LETTERS))
    return length << 8 * _LETTERS, (1 << 8 * _LETTERS) - size, size


_NOTHING = NearJoined(np.empty(0, np.int64), np.empty(0, np.int64))
