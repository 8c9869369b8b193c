"""Mentions that the token path looks up together, and the tokens of a list that are like theirs.

What NumPy takes for a call is more than what it takes for the few names of a mention, so that the
path goes over several mentions at once. The rule: nothing of a mention depends on another; a pair
of a mention and a token, or a name, is one number (`place of the mention * size + id`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.arrays import is_first
from onoma.gazetteer.similarity import FULL, is_full, weight
from onoma.gazetteer.spellings import Ids
from onoma.gazetteer.vocabulary import Vocabulary

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """Mentions as their tokens. Arrays have the shape `(mentions,)`: what the tokens weigh, how
    many are full, and how many are not.
    """

    rows: tuple[tuple[str, ...], ...]
    weight: Floats
    full: Ids
    others: Ids

    @classmethod
    def of(cls, mentions: Sequence[str]) -> Asked:
        """Take normalised mentions."""
        rows = tuple([tuple(mention.split()) for mention in mentions])
        full = np.array([sum(map(is_full, row)) for row in rows], np.int64)
        lengths = np.array(list(map(len, rows)), np.int64)
        weights = np.array([sum(map(weight, row)) for row in rows], np.float64)
        return cls(rows, weights, full, lengths - full)

    def letters(self) -> npt.NDArray[np.bool_] | None:
        """Return which mentions have which single letters, `(mentions, 256)`, None if none has."""
        found = [
            (place, ord(word))
            for place, row in enumerate(self.rows)
            for word in row
            if len(word) == 1 and word.isalpha()
        ]
        return _table(len(self.rows), found) if found else None

    def heads(self) -> npt.NDArray[np.bool_]:
        """Return which mentions have tokens that begin with which letter, `(mentions, 256)`."""
        found = [(place, ord(word[0])) for place, row in enumerate(self.rows) for word in row]
        return _table(len(self.rows), found)


def _table(count: int, found: Sequence[tuple[int, int]]) -> npt.NDArray[np.bool_]:
    table = np.zeros((count, 256), np.bool_)
    table[tuple(np.array(found).T)] = True
    return table


@dataclass(frozen=True, slots=True)
class Partners:
    """Pairs of a mention and a token of the list that is like one of its tokens; each once, sorted
    by their `codes`.

    `gains` is the most that the token may add to what matches, `weights` to the weight of pairs.
    `alike` is how much a full one is like a full one of the mention, 0 for all others; `met` has a
    bit for each of these of the mention.
    """

    codes: Ids
    mentions: Ids
    ids: Ids
    gains: Floats
    weights: Floats
    alike: Floats
    met: npt.NDArray[np.uint64]


def partners_of(asked: Asked, vocabulary: Vocabulary) -> Partners | None:
    """Return all tokens that are like one of the mentions', None if there are none."""
    rows = [[word for word in row if len(word) > 1] for row in asked.rows]
    spelt = [word for row in rows for word in row]
    near = vocabulary.near(spelt)
    counts = [len(each.ids) for each in near]
    if not any(counts):
        return None
    words = np.repeat(np.arange(len(spelt)), counts)
    mentions = np.repeat(np.arange(len(rows)), list(map(len, rows)))[words]
    ids = np.concatenate([each.ids for each in near])
    codes = mentions * len(vocabulary.words) + ids
    order = codes.argsort(kind="stable")
    codes, words, mentions, ids = codes[order], words[order], mentions[order], ids[order]
    similarities = np.concatenate([each.similarities for each in near])[order]
    own, theirs = np.array(list(map(weight, spelt)))[words], vocabulary.weights[ids]
    weights = np.maximum(own, theirs)
    full = (own == FULL) & (theirs == FULL)
    bits = np.concatenate([_bits(len(row)) for row in rows])[words]
    first = is_first(codes).nonzero()[0]
    return Partners(
        codes[first],
        mentions[first],
        ids[first],
        np.maximum.reduceat(weights * similarities, first),
        np.maximum.reduceat(weights, first),
        np.maximum.reduceat(similarities * full, first),
        np.bitwise_or.reduceat(bits * full, first),
    )


@lru_cache(1024)
def _bits(count: int) -> npt.NDArray[np.uint64]:
    """Return a bit for each of `count` tokens; those beyond 62 have two, which no bound minds."""
    bits = np.full(count, 3 << 62, np.uint64)
    bits[:62] = np.uint64(1) << np.arange(min(count, 62), dtype=np.uint64)
    return bits
