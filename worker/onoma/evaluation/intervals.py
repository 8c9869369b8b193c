"""Counts per text, drawn again and again: how far a score would move with other texts of its kind.

A bootstrap over texts within each set. Its rule: the draws of a set follow from the seed, the name
and the size of the set alone, so that two models are compared on the same draws, and a set scores
the same whichever others stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from onoma.evaluation.judging import JudgedSet
from onoma.evaluation.spans import Counts

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
SEED = 17
COVERED = 0.95
_DRAWS_PER_STEP = 2_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Right, predicted and gold spans of each text and type: `counts` `(texts, types, 3)`."""

    name: str
    types: tuple[str, ...]
    counts: Integers

    def total(self) -> Counts:
        """Return the counts of the whole set."""
        return Counts(*self.counts.sum((0, 1)).tolist())

    def by_type(self) -> dict[str, Counts]:
        """Return the counts of each type."""
        totals = self.counts.sum(0).tolist()
        return {kind: Counts(*row) for kind, row in zip(self.types, totals, strict=True)}


def tally_of(judged: JudgedSet) -> Tally:
    """Return the counts of `judged`, text by text; annotated types only."""
    types = tuple(sorted(judged.annotates))
    place = {kind: number for number, kind in enumerate(types)}
    counts = np.zeros((len(judged.texts), len(types), 3), np.int64)
    for row, (_, gold, found) in zip(counts, judged.pairs(), strict=True):
        wanted = {(span.start, span.end, span.label) for span in gold}
        for mention in found:
            row[place[mention.label], 1] += 1
            if (mention.start, mention.end, mention.label) in wanted:
                row[place[mention.label], 0] += 1
        for _, _, label in wanted:
            row[place[label], 2] += 1
    return Tally(judged.name, types, counts)


def resampled(tally: Tally, resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """Return the counts of `resamples` sets drawn from `tally`: `(resamples, types, 3)`."""
    texts = len(tally.counts)
    flat = tally.counts.reshape(texts, -1).astype(np.float64)
    sums = np.zeros((resamples, flat.shape[1]))
    if not texts:
        return sums.reshape(resamples, -1, 3)
    chance = np.random.default_rng([seed, crc32(tally.name.encode())])
    step = max(1, _DRAWS_PER_STEP // texts)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        drawn = chance.integers(0, texts, (rows, texts)) + texts * np.arange(rows)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=rows * texts).reshape(rows, texts)
        sums[first : first + rows] = weights @ flat
    return sums.reshape(resamples, -1, 3)


def f1_of(counts: Floats) -> Floats:
    """Return the F1 `(resamples,)` of counts `(resamples, 3)`, 0 where there are no spans."""
    both = counts[:, 1] + counts[:, 2]
    return np.where(both > 0, 2 * counts[:, 0] / np.where(both > 0, both, 1), 0.0)


def interval(values: Floats) -> tuple[float, float]:
    """Return the range that holds the middle `COVERED` of `values`."""
    outside = (1 - COVERED) / 2
    low, high = np.quantile(values, (outside, 1 - outside))
    return float(low), float(high)


def summed(parts: Iterable[Floats]) -> Floats:
    """Return counts `(resamples, 3)` of sets together, from `(resamples, types, 3)` each."""
    total: Floats = np.sum([part.sum(1) for part in parts], axis=0)
    return total


def macro_of(parts: Sequence[Floats]) -> Floats:
    """Return the macro F1 `(resamples,)` of several sets, each drawn for itself."""
    means: Floats = np.mean([f1_of(part.sum(1)) for part in parts], axis=0)
    return means
