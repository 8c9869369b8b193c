"""Finds names whose tokens may be paired with a mention's: the third path of a match.

For what the characters can't show: a middle name left out, a title, several small differences. The
rule: no name is missed whose alignment (`scoring.py`) reaches the threshold. Two conditions follow
from the rule and leave few names to align:

- Enough full tokens met (`meetings.py`), or two neighbours are written as one token; the pairs of
  neighbours of all names are kept as words of their own.
- The alignment can't exceed what it were if every token of the name got its best partner
  (`bounds.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

from onoma.gazetteer.affixes import Affixes, affix_arrays, prefixes
from onoma.gazetteer.arrays import Array, Arrays, distinct, part
from onoma.gazetteer.asked import Asked, partners_of
from onoma.gazetteer.bounds import Bounds
from onoma.gazetteer.meetings import Meetings, Postings
from onoma.gazetteer.similarity import FULL, LEAST_JOINED
from onoma.gazetteer.spellings import Ids, length_arrays, per_word
from onoma.gazetteer.texts import Texts, offsets_of
from onoma.gazetteer.vocabulary import Memory, Vocabulary, vocabulary_arrays

Unit = TypeVar("Unit")

_FEW = 3
"""Names that are aligned sooner than it is found out that they needn't be."""


def token_arrays(names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of normalised names."""
    rows = [name.split() for name in names]
    words = sorted({token for row in rows for token in row})
    words.sort(key=len)
    numbers = {word: number for number, word in enumerate(words)}
    flat = np.fromiter((numbers[token] for row in rows for token in row), np.int32)
    offsets = offsets_of(np.fromiter(map(len, rows), np.int64, len(rows)))
    vocabulary = vocabulary_arrays(words)
    weights = vocabulary["weight"][flat]
    owners = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(offsets))
    return {
        **{f"words.{name}": array for name, array in vocabulary.items()},
        **{f"pairs.{name}": array for name, array in _pair_arrays(words, flat, owners).items()},
        "tokens": flat,
        "first_token": offsets,
        "weight": np.bincount(owners, weights, len(rows)).astype(np.float32),
        "full": _count(owners, weights == FULL, len(rows)),
        "others": _count(owners, weights != FULL, len(rows)),
        **_postings(flat, owners, len(words)),
    }


def _count(owners: Array, counted: Array, names: int) -> Array:
    """Return how many of a name's tokens are `counted`; more than 255 are as good as 255."""
    return np.minimum(np.bincount(owners, counted, names), 255).astype(np.uint8)


def _postings(units: Array, owners: Array, count: int) -> dict[str, Array]:
    """Return, for each of `count` units, the names that have it."""
    return {
        "names": owners[np.argsort(units, kind="stable")],
        "first_name": offsets_of(np.bincount(units, minlength=count)),
    }


def _pair_arrays(words: Sequence[str], flat: Array, owners: Array) -> dict[str, Array]:
    """Return the arrays of neighbours written as one word, and of the names that have them."""
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    both = lengths[flat[:-1]] + lengths[flat[1:]]
    places = np.flatnonzero((owners[:-1] == owners[1:]) & (both >= LEAST_JOINED))
    codes = flat[places].astype(np.int64) * len(words) + flat[places + 1]
    joinings, units = np.unique(codes, return_inverse=True)
    left, right = np.divmod(joinings, max(1, len(words)))
    joined = _joined_texts(Texts.of(words), left, right)
    order = np.argsort(prefixes(joined), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    joined = joined.of_order(order)
    shorter = np.minimum(lengths[left], lengths[right])[order]
    return {
        **length_arrays(joined),
        **affix_arrays(joined),
        "shorter_part": np.minimum(shorter, 255).astype(np.uint8),
        **_postings(rank[units], owners[:-1][places], len(joinings)),
    }


def _joined_texts(words: Texts, left: Ids, right: Ids) -> Texts:
    units = np.column_stack([left, right]).ravel()
    joined = words.of_order(units)
    return Texts(joined.letters, joined.offsets[::2].copy())


class Tokens:
    """The token path over the names of one segment."""

    def __init__(self, arrays: Arrays) -> None:
        self.vocabulary = Vocabulary(part(arrays, "words"))
        pairs = part(arrays, "pairs")
        texts = Texts(pairs["letters"], pairs["offsets"])
        self._pairs = Affixes(pairs, texts)
        self._near_pairs: Memory[Ids] = Memory()
        self._shorter_part = pairs["shorter_part"]
        self._pair_names = Postings(pairs["first_name"], pairs["names"])
        self._names = Postings(arrays["first_name"], arrays["names"])
        self._count = len(arrays["full"])
        self._meetings = Meetings(self._names, arrays["full"], arrays["others"])
        self._bounds = Bounds(arrays, self.vocabulary)

    def candidates(self, mentions: Sequence[str], threshold: float) -> list[Ids]:
        """Return for each mention the names that may align with it to at least `threshold`."""
        at_once = self._meetings.at_once
        if len(mentions) > 1:
            self._look_up(mentions)
        return [
            names
            for start in range(0, len(mentions), at_once)
            for names in self._candidates(mentions[start : start + at_once], threshold)
        ]

    def _look_up(self, mentions: Sequence[str]) -> None:
        """Look the tokens of all mentions up together, and have them in memory."""
        rows = [mention.split() for mention in mentions]
        words = _once([word for row in rows for word in row])
        self.vocabulary.near([word for word in words if len(word) > 1])
        self._near_pairs.of(words, self._find_pairs)
        self.vocabulary.joined(_once([two for row in rows for two in pairwise(row)]))

    def _candidates(self, mentions: Sequence[str], threshold: float) -> Iterator[Ids]:
        asked = Asked.of(mentions)
        joined = self._with_joined(asked)
        pairs = joined
        partners = partners_of(asked, self.vocabulary)
        if partners is not None:
            met = self._meetings.names(asked, partners, threshold / 100)
            pairs = distinct(np.concatenate([met, joined]))
        own, names = np.divmod(pairs, max(1, self._count))
        if partners is not None and len(pairs) > _FEW:
            hits = pairs.searchsorted(joined)
            kept = self._bounds.may_reach(threshold, asked, partners, own, names, hits)
            own, names = own[kept], names[kept]
        return (names for (names,) in per_word(len(mentions), own, names))

    def _with_joined(self, asked: Asked) -> Ids:
        """Return pairs of a mention and a name in which neighbours stand for one token, or the
        other way round; a pair once for each such hit, sorted by mention.
        """
        words = [(place, word) for place, row in enumerate(asked.rows) for word in _once(row)]
        neighbours = [(place, two) for place, row in enumerate(asked.rows) for two in pairwise(row)]
        near = self._near_pairs.of([word for _, word in words], self._find_pairs)
        joined = self.vocabulary.joined([two for _, two in neighbours])
        hits = [
            self._that_have(near, [place for place, _ in words], self._pair_names),
            self._that_have(joined, [place for place, _ in neighbours], self._names),
        ]
        return np.sort(np.concatenate(hits))

    def _that_have(self, ids: Sequence[Ids], mentions: Sequence[int], postings: Postings) -> Ids:
        """Return pairs of each of `mentions` and the names that have one of its ids."""
        counts = list(map(len, ids))
        if not any(counts):
            return _NONE
        names, each = postings.of(np.concatenate(ids))
        places = np.repeat(np.array(mentions, np.int64), counts) * self._count
        pairs: Ids = names + np.repeat(places, each)
        return pairs

    def _find_pairs(self, words: Sequence[str]) -> Iterator[Ids]:
        """Yield for each word the pairs of neighbours that it may stand for."""
        for near in self._pairs.near(words):
            yield near.within(self._shorter_part[near.ids].astype(np.int64))


def _once(row: Sequence[Unit]) -> list[Unit]:
    return list(dict.fromkeys(row))


_NONE: Ids = np.empty(0, np.int64)
