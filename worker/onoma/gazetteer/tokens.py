"""Finds names whose tokens may be paired with a mention's: the third path of a match.

For what the characters can't show: a middle name left out, a title, several small differences. The
rule: no name is missed whose alignment (`scoring.py`) reaches the threshold. Two conditions follow
from the rule and leave few names to align:

- Two full tokens met. Either two tokens of the mention have something alike in the name, or two
  neighbours are written as one token; the pairs of neighbours of all names are kept as words of
  their own. One is enough where letters, titles or legal forms stand for all the others.
- The alignment can't exceed what it were if every token of the name got its best partner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.affixes import Affixes, affix_arrays, prefixes
from onoma.gazetteer.arrays import Array, Arrays
from onoma.gazetteer.scoring import (
    CONTRADICTED_IN_MENTION,
    INITIAL_PAIR,
    UNPAIRED_IN_ENTRY,
    UNPAIRED_IN_MENTION,
)
from onoma.gazetteer.similarity import FULL, INITIAL, LEAST_JOINED, is_full, weight
from onoma.gazetteer.spellings import Ids, length_arrays
from onoma.gazetteer.texts import Texts, offsets_of, ranges
from onoma.gazetteer.vocabulary import Memory, Near, Vocabulary, vocabulary_arrays

_TINY = 1e-6
_MOST_MARKS = 255
Floats = npt.NDArray[np.float64]


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
    distinct, units = np.unique(codes, return_inverse=True)
    left, right = np.divmod(distinct, max(1, len(words)))
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
        **_postings(rank[units], owners[:-1][places], len(distinct)),
    }


def _joined_texts(words: Texts, left: Ids, right: Ids) -> Texts:
    units = np.column_stack([left, right]).ravel()
    joined = words.of_order(units)
    return Texts(joined.letters, joined.offsets[::2].copy())


@dataclass(frozen=True, slots=True)
class _Mention:
    """The tokens of a mention and what the list has like them.

    `near[i]` belongs to `words[i]`; it is nothing for single letters.
    """

    words: tuple[str, ...]
    near: tuple[Near, ...]

    def full(self) -> Iterator[Near]:
        """Yield what is like each full token."""
        return (near for word, near in zip(self.words, self.near, strict=True) if is_full(word))

    def letters(self) -> set[int]:
        """Return the single letters."""
        return {ord(word) for word in self.words if len(word) == 1 and word.isalpha()}


class Tokens:
    """The token path over the names of one segment."""

    def __init__(self, arrays: Arrays) -> None:
        self.vocabulary = Vocabulary(_part(arrays, "words"))
        pairs = _part(arrays, "pairs")
        texts = Texts(pairs["letters"], pairs["offsets"])
        self._near_pairs = Memory(Affixes(pairs, texts).near)
        self._shorter_part = pairs["shorter_part"]
        self._pair_names = _Postings(pairs["first_name"], pairs["names"])
        self._names = _Postings(arrays["first_name"], arrays["names"])
        self._tokens, self._first_token = arrays["tokens"], arrays["first_token"]
        self._weight, self._full = arrays["weight"], arrays["full"]
        self._others = arrays["others"]
        self._marks: deque[npt.NDArray[np.uint8]] = deque()

    def candidates(self, mention: str, threshold: float) -> Ids:
        """Return names that may align with `mention` to at least `threshold`, sorted."""
        found = self._look_up(mention)
        joined = self._with_joined(found.words)
        names = self._with_enough(found)
        if len(joined):
            names = np.concatenate([names, joined])
        if not len(names):
            return names
        names = np.unique(names)
        most, least = self._bounds(found, names, joined)
        kept: Ids = names[100 * most >= (threshold - _TINY) * least]
        return kept

    def _look_up(self, mention: str) -> _Mention:
        words = tuple(mention.split())
        near = iter(self.vocabulary.near([word for word in words if len(word) > 1]))
        return _Mention(words, tuple([next(near) if len(w) > 1 else _NOTHING for w in words]))

    def _with_enough(self, mention: _Mention) -> Ids:
        """Return names where enough full tokens met, each with one that it is alike."""
        lists = [self._names.of(self._full_ids(near.ids)) for near in mention.full()]
        if not lists:
            return _NONE
        # One may be enough where letters, titles or the like stand for the others of both sides.
        others = sum(not is_full(word) for word in mention.words)
        enough = [self._one_met(names, len(lists), others) for names in lists]
        if len(lists) > 1:
            enough.append(self._in_two(lists))
        return np.concatenate(enough)

    def _one_met(self, names: npt.NDArray[np.int32], full: int, others: int) -> Ids:
        """Return the names that have as many other tokens as the mention has full ones besides the
        one that met, and no more full ones besides it than the mention has `others`.
        """
        if full > 1:
            names = names[self._others[names] >= full - 1]
        return names[self._full[names] <= others + 1].astype(np.int64)

    def _full_ids(self, ids: Ids) -> Ids:
        full: Ids = ids[self.vocabulary.weights[ids] == FULL]
        return full

    def _in_two(self, lists: list[npt.NDArray[np.int32]]) -> Ids:
        """Return the names that are in two of `lists`, some of them more than once."""
        lists.sort(key=len)
        marks = self._marks.pop() if self._marks else np.zeros(len(self._full), np.uint8)
        *shorter, longest = lists  # which is often as long as all the others together
        for names in shorter[:_MOST_MARKS]:
            marks[names] += 1  # a name that stands twice in a list is counted once
        found = [longest[marks[longest] > 0], *(names[marks[names] > 1] for names in shorter[:-1])]
        for names in shorter[:_MOST_MARKS]:
            marks[names] = 0
        self._marks.append(marks)
        return np.concatenate(found).astype(np.int64)

    def _with_joined(self, words: Sequence[str]) -> Ids:
        """Return names in which neighbours stand for one token, or the other way round; a name
        once for each such hit.
        """
        hits = []
        for near in self._near_pairs(list(dict.fromkeys(words))):
            if len(near.ids):
                ids = near.within(self._shorter_part[near.ids].astype(np.int64))
                hits.append(self._pair_names.of(ids))
        for ids in self.vocabulary.joined(list(pairwise(words))):
            if len(ids):
                hits.append(self._names.of(ids))
        return np.concatenate(hits).astype(np.int64) if hits else _NONE

    def _bounds(self, mention: _Mention, names: Ids, joined: Ids) -> tuple[Floats, Floats]:
        """Return the most that can match in each name, and the least that it is divided by.

        With W the weight of the pairs, at most M of it matched, A and B the weights of the two
        names and u what an unpaired token of the mention costs, the alignment is at most
        M / (W + u max(0, A - W) + .45 max(0, B - W)), which is greatest for W = min(A, B, most W).
        Joined neighbours weigh two at most.
        """
        starts = self._first_token[names]
        counts = self._first_token[names + 1] - starts
        ids = self._tokens[ranges(starts, counts)]
        first = np.cumsum(counts) - counts
        gains, weights, slack = self._best_partners(mention, ids)
        most, paired = np.add.reduceat(gains, first), np.add.reduceat(weights, first)
        left = np.logical_or.reduceat((gains == 0) & (self.vocabulary.weights[ids] == FULL), first)
        if len(joined):
            hits = np.bincount(names.searchsorted(joined), minlength=len(names))
            most, paired, left = most + 2.0 * hits, paired + 2.0 * hits, left & (hits == 0)
        mine, theirs = sum(map(weight, mention.words)), self._weight[names].astype(np.float64)
        paired = np.minimum(np.minimum(paired, theirs), mine)
        unpaired = np.where(left, CONTRADICTED_IN_MENTION, UNPAIRED_IN_MENTION)
        least = paired + unpaired * (mine - paired) + UNPAIRED_IN_ENTRY * (theirs - paired)
        if slack is not None:
            least -= np.add.reduceat(slack, first)
        return most, least

    def _best_partners(
        self, mention: _Mention, ids: npt.NDArray[np.int32]
    ) -> tuple[Floats, Floats, Floats | None]:
        """Return for each token of names the most it may add to what matches, and to the weight of
        pairs; and how much less than its tokens a pair with a single letter weighs.
        """
        known, gains, weights = self._partners(mention)
        places = known.searchsorted(ids)
        places[places == len(known)] = 0
        met = known[places] == ids
        gained, weighed = gains[places] * met, weights[places] * met
        letters = mention.letters()
        initials = self.vocabulary.initials[ids]
        single = self.vocabulary.weights[ids] == INITIAL
        heads = {ord(word[0]) for word in mention.words}
        by_letter = (single & _one_of(initials, heads)) | _one_of(initials, letters)
        if not by_letter.any():
            return gained, weighed, None
        gained = np.where(by_letter, np.maximum(gained, INITIAL_PAIR), gained)
        weighed = np.where(by_letter, np.maximum(weighed, FULL), weighed)
        return gained, weighed, (FULL - INITIAL_PAIR) * by_letter

    def _partners(self, mention: _Mention) -> tuple[Ids, Floats, Floats]:
        """Return all tokens like one of the mention's, sorted, with what they may add at most."""
        ids = np.concatenate([near.ids for near in mention.near])
        own = np.repeat(list(map(weight, mention.words)), [len(near.ids) for near in mention.near])
        if not len(ids):
            return np.array([-1]), np.zeros(1), np.zeros(1)
        weights = np.maximum(own, self.vocabulary.weights[ids])
        gains = weights * np.concatenate([near.similarities for near in mention.near])
        order = np.argsort(ids, kind="stable")
        ids, gains, weights = ids[order], gains[order], weights[order]
        first = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        return ids[first], np.maximum.reduceat(gains, first), np.maximum.reduceat(weights, first)


def _one_of(letters: npt.NDArray[np.uint8], wanted: set[int]) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(wanted)] = True
    return table[letters]


class _Postings:
    """For each unit the names that have it."""

    def __init__(self, first: Array, names: Array) -> None:
        self._first, self._names = first, names

    def of(self, ids: Ids) -> npt.NDArray[np.int32]:
        """Return the names of all units in `ids`, one after the other."""
        starts = self._first[ids]
        found: npt.NDArray[np.int32] = self._names[ranges(starts, self._first[ids + 1] - starts)]
        return found


def _part(arrays: Arrays, name: str) -> dict[str, Array]:
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)
    }


_NONE: Ids = np.empty(0, np.int64)
_NOTHING = Near(_NONE, np.empty(0))
