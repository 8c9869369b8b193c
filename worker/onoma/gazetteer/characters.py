"""Finds every name whose letters are like a mention's: by two keys, and without missing one.

The first two paths of a match. A name's keys are its tokens sorted, and its letters without blanks
(`normalisation.py`). The rule: what comes back is what `rapidfuzz.fuzz.ratio` says over all names
at the same cut-off, not one more or less.

`ratio >= cut` means that the longest common subsequence (LCS) of the keys, of lengths n and L, is
at least need = cut / 200 * (n + L). So at most D = n - need letters of the mention are lost and at
most I = L - need come in, and each filter is a condition that follows:

1. length: need is at most min(n, L); names lie sorted by length;
2. letter bag: LCS is at most what the two bags have in common. One scan serves both keys: the
   sorted key has as many letters and b blanks more, of which min(b, B) at most are common, so
   that it wants at least `need of the joined keys - (1 - cut / 100) b` letters in common;
3. bigrams, by key: at most 2D + I of the mention's are gone, and 2I + D of the name's;
4. the ratio itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from onoma.gazetteer.arrays import Array, Arrays
from onoma.gazetteer.normalisation import joined_key, sorted_key
from onoma.gazetteer.signatures import LetterBags, bigram_bits, bigrams, letter_bags
from onoma.gazetteer.texts import Texts

LONGEST = 255
"""Letters of a joined key that has a signature; longer ones are compared one by one."""
MOST_BLANKS = 255
_FEW = 12
"""Names that are rated sooner than it is found out that they needn't be."""
_TINY = 1e-9
"""Keeps a bound from being rounded up past a whole number."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs of a mention and a name with the better ratio of their keys; arrays of one length."""

    mentions: Numbers
    names: Numbers
    ratios: npt.NDArray[np.float64]


class _Query(NamedTuple):
    """A mention's keys and their signatures."""

    sorted: str
    joined: str
    blanks: int


def character_arrays(names: Texts) -> dict[str, Array]:
    """Return the arrays of `names`, normalised and sorted by the length of their joined keys."""
    everything = names.all()
    joined = Texts.of([joined_key(name) for name in everything])
    lengths = joined.lengths()
    return {
        "bag": letter_bags(joined),
        "joined_bigrams": bigram_bits(joined),
        "sorted_bigrams": bigram_bits(Texts.of([sorted_key(name) for name in everything])),
        "length": np.minimum(lengths, LONGEST).astype(np.uint8),
        "blanks": np.minimum(names.lengths() - lengths, MOST_BLANKS).astype(np.uint8),
        "first_of_length": np.searchsorted(lengths, np.arange(LONGEST + 2)).astype(np.int64),
    }


class Characters:
    """The character paths over the names of one segment."""

    def __init__(self, names: Texts, arrays: Arrays) -> None:
        self._names = names
        self._bigrams = (arrays["sorted_bigrams"], arrays["joined_bigrams"])
        self._length, self._blanks = arrays["length"], arrays["blanks"]
        self._first_of_length = arrays["first_of_length"].tolist()
        self._bags = LetterBags(arrays["bag"], self._length, self._first_of_length)

    def search(self, mentions: Sequence[str], cut: float) -> Found:
        """Return every pair of which a key has a ratio of at least `cut`."""
        queries = [_Query(sorted_key(m), joined_key(m), m.count(" ")) for m in mentions]
        rows = [self._alike(query, cut) for query in queries]
        numbers = np.repeat(np.arange(len(rows)), list(map(len, rows)))
        flat = np.concatenate(rows) if rows else np.empty(0, np.int64)
        if not len(flat):
            return Found(numbers, flat, np.empty(0))
        if len(flat) > _FEW:
            kept = self._within_bigrams(queries, numbers, flat, cut)
            numbers, flat = numbers[kept], flat[kept]
        return self._rated(queries, numbers, flat, cut)

    def _alike(self, query: _Query, cut: float) -> Numbers:
        """Return the names that length and letter bag leave."""
        length = len(query.joined)
        if not length:
            return np.empty(0, np.int64)
        shortest, longest, needs = _scan_bounds(length, query.blanks, cut)
        if length > LONGEST:
            return np.arange(self._first_of_length[min(shortest, LONGEST + 1)], len(self._names))
        last = min(longest, LONGEST)
        rows = self._bags.alike(query.joined, shortest, last, needs)
        if longest > LONGEST:
            rows = np.append(rows, np.arange(self._first_of_length[last + 1], len(self._names)))
        return rows

    def _within_bigrams(
        self, queries: Sequence[_Query], numbers: Numbers, rows: Numbers, cut: float
    ) -> npt.NDArray[np.bool_]:
        """Return which pairs may have a key whose bigrams are alike enough."""
        lengths = self._length[rows].astype(np.int64)
        blanks = self._blanks[rows].astype(np.int64)
        own_blanks = np.array([query.blanks for query in queries])[numbers]
        own_lengths = np.array([len(query.joined) for query in queries])[numbers]
        unknown = (lengths == LONGEST) | (own_lengths > LONGEST) | (blanks == MOST_BLANKS)
        bits = [[bigrams(q.sorted), bigrams(q.joined)] for q in queries]
        own = np.array(bits, np.uint64).reshape(-1, 2, 2)
        kept: npt.NDArray[np.bool_] = unknown
        for key, (mine, theirs) in enumerate(
            ((own_lengths + own_blanks, lengths + blanks), (own_lengths, lengths))
        ):
            one, other = own[numbers, key], self._bigrams[key][rows]
            need = np.ceil(cut / 200 * (mine + theirs) - _TINY).astype(np.int64)
            lost, new = mine - need, theirs - need
            gone = np.bitwise_count(one & ~other).sum(axis=1, dtype=np.int64)
            come = np.bitwise_count(other & ~one).sum(axis=1, dtype=np.int64)
            kept = kept | ((gone <= 2 * lost + new) & (come <= 2 * new + lost))
        return kept

    def _rated(
        self, queries: Sequence[_Query], numbers: Numbers, rows: Numbers, cut: float
    ) -> Found:
        names = [self._names[row] for row in rows.tolist()]
        asked = numbers.tolist()
        ratios = np.maximum(
            ratio_of_pairs([queries[n].sorted for n in asked], [sorted_key(n) for n in names], cut),
            ratio_of_pairs([queries[n].joined for n in asked], [joined_key(n) for n in names], cut),
        )
        kept = ratios >= cut
        return Found(numbers[kept], rows[kept], ratios[kept])


def ratio_of_pairs(
    ones: Sequence[str], others: Sequence[str], cut: float
) -> npt.NDArray[np.float64]:
    """Return the ratio of each pair, 0 where it is below `cut`."""
    if not ones:
        return np.empty(0)
    found: npt.NDArray[np.float64] = process.cpdist(
        ones, others, scorer=fuzz.ratio, score_cutoff=cut, dtype=np.float64
    )
    return found


@lru_cache(1 << 12)
def _scan_bounds(length: int, blanks: int, cut: float) -> tuple[int, int, npt.NDArray[np.int64]]:
    """Return the shortest and longest joined key that may be alike, and what each length needs in
    common by the better of the two keys, more for a longer one.
    """
    share = cut / 100
    spare = (1 - share) * blanks
    lengths = np.arange(_longest_alike(length, share, spare) + 2)
    needs = np.ceil(share * (length + lengths) / 2 - spare - _TINY).astype(np.int64)
    inside = np.flatnonzero((needs <= np.minimum(length, lengths)) & (lengths > 0))
    shortest, longest = int(inside[0]), int(inside[-1])
    table = np.maximum(needs, 0)
    table = np.pad(table, (0, max(0, LONGEST + 1 - len(table))), constant_values=LONGEST + 1)
    return shortest, longest, table


def _longest_alike(length: int, share: float, spare: float) -> int:
    """Return a length above which no joined key can be alike: need would be over `length`."""
    return int(2 * (length + spare) / share - length) + 1
