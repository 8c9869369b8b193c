"""Compares two models on the same texts: differences of F1 and how likely chance alone made them.

A paired bootstrap (Koehn 2004, "Statistical significance tests for machine translation
evaluation"): both models are counted on the same draws, so that what is hard for both cancels. The
rule: texts that are not the same are never compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onoma.errors import WrongUseError
from onoma.evaluation.intervals import Floats, Tally, f1_of, interval, macro_of, resampled


@dataclass(frozen=True, slots=True)
class Difference:
    """The F1 of the first model less that of the second, its interval and two-sided p value."""

    first: float
    second: float
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        """Return first less second."""
        return self.first - self.second


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences of each set, and of the macro over those that count."""

    macro: Difference
    sets: dict[str, Difference]


def compare(first: Sequence[Tally], second: Sequence[Tally], counted: set[str]) -> Comparison:
    """Return how `first` differs from `second` on the same sets; `counted` ones make the macro."""
    if [(t.name, len(t.counts)) for t in first] != [(t.name, len(t.counts)) for t in second]:
        raise WrongUseError("the two models were not scored on the same sets")
    ours, theirs = [resampled(t) for t in first], [resampled(t) for t in second]
    sets = {
        a.name: _difference(
            a.total().f1, b.total().f1, f1_of(ours[place].sum(1)), f1_of(theirs[place].sum(1))
        )
        for place, (a, b) in enumerate(zip(first, second, strict=True))
    }
    places = [place for place, tally in enumerate(first) if tally.name in counted]
    macro = _difference(
        float(np.mean([first[place].total().f1 for place in places])),
        float(np.mean([second[place].total().f1 for place in places])),
        macro_of([ours[place] for place in places]),
        macro_of([theirs[place] for place in places]),
    )
    return Comparison(macro, sets)


def _difference(first: float, second: float, ours: Floats, theirs: Floats) -> Difference:
    apart = ours - theirs
    low, high = interval(apart)
    # One draw more than there are, so that a p value is never 0 (Davison and Hinkley 1997, 4.2.3).
    below = (1 + int((apart <= 0).sum())) / (1 + len(apart))
    above = (1 + int((apart >= 0).sum())) / (1 + len(apart))
    return Difference(first, second, low, high, min(1.0, 2 * min(below, above)))
