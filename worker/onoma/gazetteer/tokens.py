"""Finds names whose tokens may be paired with a mention's: the third path of a match.

For what the characters can't show: a middle name left out, a title, several small differences. The
rule: no name is missed whose alignment (`scoring.py`) reaches the threshold. Two conditions follow
from the rule and leave few names to align:

- Enough full tokens met (`meetings.py`), or two neighbours are written as one token; the pairs of
  neighbours of all names are kept as words of their own.
- The alignment can't exceed what it were if every token of the name got its best partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.affixes import Affixes, affix_arrays, prefixes
from onoma.gazetteer.arrays import Array, Arrays, distinct, is_first
from onoma.gazetteer.meetings import Meetings, Postings
from onoma.gazetteer.scoring import (
    CONTRADICTED_IN_MENTION,
    INITIAL_PAIR,
    UNPAIRED_IN_ENTRY,
    UNPAIRED_IN_MENTION,
)
from onoma.gazetteer.similarity import FULL, INITIAL, LEAST_JOINED, is_full, weight
from onoma.gazetteer.spellings import Ids, length_arrays
from onoma.gazetteer.texts import Texts, offsets_of, ranges
from onoma.gazetteer.vocabulary import Memory, Vocabulary, vocabulary_arrays

_TINY = 1e-6
_FEW = 3
"""Names that are aligned sooner than it is found out that they needn't be."""
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


@dataclass(frozen=True, slots=True)
class _Partners:
    """The tokens of a list that are like one of a mention's, sorted, each once.

    `gains` is the most that each may add to what matches, `weights` to the weight of pairs.
    `alike` is how much a full one is like a full one of the mention, 0 for all others; `met` has a
    bit for each of these of the mention.
    """

    ids: Ids
    gains: Floats
    weights: Floats
    alike: Floats
    met: npt.NDArray[np.uint64]


class Tokens:
    """The token path over the names of one segment."""

    def __init__(self, arrays: Arrays) -> None:
        self.vocabulary = Vocabulary(_part(arrays, "words"))
        pairs = _part(arrays, "pairs")
        texts = Texts(pairs["letters"], pairs["offsets"])
        self._near_pairs = Memory(Affixes(pairs, texts).near)
        self._shorter_part = pairs["shorter_part"]
        self._pair_names = Postings(pairs["first_name"], pairs["names"])
        self._names = Postings(arrays["first_name"], arrays["names"])
        self._meetings = Meetings(self._names, arrays["full"], arrays["others"])
        self._tokens, self._first_token = arrays["tokens"], arrays["first_token"]
        self._weight = arrays["weight"]

    def look_up(self, mentions: Sequence[str]) -> None:
        """Look the tokens of all `mentions` up together, which costs less than one mention's at a
        time; `candidates` finds them in memory.
        """
        rows = [mention.split() for mention in mentions]
        words = list(dict.fromkeys(word for row in rows for word in row))
        self.vocabulary.near([word for word in words if len(word) > 1])
        self._near_pairs(words)
        self.vocabulary.joined(list(dict.fromkeys(pair for row in rows for pair in pairwise(row))))

    def candidates(self, mention: str, threshold: float) -> Ids:
        """Return names that may align with `mention` to at least `threshold`."""
        words = mention.split()
        joined = self._with_joined(words)
        partners = self._partners(words)
        if partners is None:
            return joined
        full = partners.alike > 0
        names = self._meetings.names(
            words, partners.ids[full], partners.alike[full], threshold / 100
        )
        if len(joined):
            names = np.concatenate([names, joined])
        if len(names) <= _FEW:
            return names
        names = distinct(names)
        most, least = self._bounds(words, partners, names, joined)
        kept: Ids = names[100 * most >= (threshold - _TINY) * least]
        return kept

    def _partners(self, words: Sequence[str]) -> _Partners | None:
        """Return all tokens that are like one of `words`, None if there are none."""
        spelt = [word for word in words if len(word) > 1]
        near = self.vocabulary.near(spelt)
        if not any(len(each.ids) for each in near):
            return None
        ids = np.concatenate([each.ids for each in near])
        similarities = np.concatenate([each.similarities for each in near])
        order = ids.argsort(kind="stable")
        ids, similarities = ids[order], similarities[order]
        owners = np.repeat(np.arange(len(spelt)), [len(each.ids) for each in near])[order]
        own = np.array(list(map(weight, spelt)))[owners]
        theirs = self.vocabulary.weights[ids]
        weights = np.maximum(own, theirs)
        full = (own == FULL) & (theirs == FULL)
        first = is_first(ids).nonzero()[0]
        return _Partners(
            ids[first],
            np.maximum.reduceat(weights * similarities, first),
            np.maximum.reduceat(weights, first),
            np.maximum.reduceat(similarities * full, first),
            np.bitwise_or.reduceat(_bits(len(spelt))[owners] * full, first),
        )

    def _with_joined(self, words: Sequence[str]) -> Ids:
        """Return names in which neighbours stand for one token, or the other way round; a name
        once for each such hit.
        """
        hits = []
        for near in self._near_pairs(list(dict.fromkeys(words))):
            if len(near.ids):
                ids = near.within(self._shorter_part[near.ids].astype(np.int64))
                hits.append(self._pair_names.of(ids)[0])
        for ids in self.vocabulary.joined(list(pairwise(words))):
            if len(ids):
                hits.append(self._names.of(ids)[0])
        return np.concatenate(hits) if hits else _NONE

    def _bounds(
        self, words: Sequence[str], partners: _Partners, names: Ids, joined: Ids
    ) -> tuple[Floats, Floats]:
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
        theirs = self.vocabulary.weights[ids]
        gains, weights, met, slack = self._best_partners(words, partners, ids, theirs)
        most, paired = np.add.reduceat(gains, first), np.add.reduceat(weights, first)
        left = np.logical_or.reduceat((gains == 0) & (theirs == FULL), first)
        # Where one full token met and another found none, the rule's cap is below all thresholds.
        both = np.bitwise_count(np.bitwise_or.reduceat(met, first))
        besides = np.add.reduceat((gains > 0) & (theirs != FULL), first, dtype=np.int64)
        capped = np.minimum(both, np.add.reduceat(met > 0, first, dtype=np.int64)) < 2
        capped &= left | (both + besides < sum(map(is_full, words)))
        if len(joined):
            hits = np.bincount(names.searchsorted(joined), minlength=len(names))
            most, paired, left = most + 2.0 * hits, paired + 2.0 * hits, left & (hits == 0)
            capped &= hits == 0
        most[capped] = 0.0
        mine, weigh = sum(map(weight, words)), self._weight[names].astype(np.float64)
        paired = np.minimum(np.minimum(paired, weigh), mine)
        unpaired = np.where(left, CONTRADICTED_IN_MENTION, UNPAIRED_IN_MENTION)
        least = paired + unpaired * (mine - paired) + UNPAIRED_IN_ENTRY * (weigh - paired)
        if slack is not None:
            least -= np.add.reduceat(slack, first)
        return most, least

    def _best_partners(
        self, words: Sequence[str], partners: _Partners, ids: Array, theirs: Array
    ) -> tuple[Floats, Floats, npt.NDArray[np.uint64], Floats | None]:
        """Return for each token of names, which weigh `theirs`, the most it may add to what
        matches, and to the weight of pairs; which full tokens it may have met as one; and how much
        less than its tokens a pair with a single letter weighs.
        """
        places = partners.ids.searchsorted(ids)
        places[places == len(partners.ids)] = 0
        known = partners.ids[places] == ids
        gained, weighed = partners.gains[places] * known, partners.weights[places] * known
        met = partners.met[places] * known
        letters = {ord(word) for word in words if len(word) == 1 and word.isalpha()}
        single = theirs == INITIAL
        if not (letters or single.any()):
            return gained, weighed, met, None
        initials = self.vocabulary.initials[ids]
        heads = {ord(word[0]) for word in words}
        by_letter = (single & _one_of(initials, heads)) | _one_of(initials, letters)
        gained = np.where(by_letter, np.maximum(gained, INITIAL_PAIR), gained)
        weighed = np.where(by_letter, np.maximum(weighed, FULL), weighed)
        return gained, weighed, met, (FULL - INITIAL_PAIR) * by_letter


@lru_cache(1024)
def _bits(count: int) -> npt.NDArray[np.uint64]:
    """Return a bit for each of `count` tokens; those beyond 63 have two, which no bound minds."""
    bits = np.full(count, 3 << 62, np.uint64)
    bits[:62] = np.uint64(1) << np.arange(min(count, 62), dtype=np.uint64)
    return bits


def _one_of(letters: npt.NDArray[np.uint8], wanted: set[int]) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(wanted)] = True
    return table[letters]


def _part(arrays: Arrays, name: str) -> dict[str, Array]:
    prefix = f"{name}."
    return {
        key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)
    }


_NONE: Ids = np.empty(0, np.int64)
