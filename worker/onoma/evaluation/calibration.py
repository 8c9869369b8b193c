"""Says whether a confidence of 0.8 is right in eight of ten cases, and which temperature makes it.

Pooled over all mentions of all sets: the confidence of a mention is the smallest posterior of its
units, as in `ner/spans.py`. A temperature is always fitted on one half of the texts and measured on
the other; the rule is that no figure comes from the texts that made it good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onoma.evaluation.judging import JudgedSet
from onoma.ner.recogniser import Emissions
from onoma.ner.spans import Mention

Floats = npt.NDArray[np.float64]
MentionsAt = Callable[[Sequence[Emissions], float], list[tuple[Mention, ...]]]
"""The mentions of each text from the scores of its units, at a temperature."""

BINS = 10
TEMPERATURES = tuple(round(0.6 + 0.05 * step, 2) for step in range(37))
TEXTS_PER_STEP = 256
_FAINTEST = 1e-9


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure each mention was, and whether it was right, both `(mentions,)`; `half` is 0 or 1."""

    confidence: Floats
    right: npt.NDArray[np.bool_]
    half: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bin:
    """Mentions of one tenth of confidence: how many, how sure on average, what share is right."""

    mentions: int
    confidence: float
    precision: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Expected calibration error as served; and with a temperature fitted on the other half.

    `fitted` are the two temperatures, `fitted_ece` is measured crosswise over all mentions.
    """

    temperature: float
    ece: float
    nll: float
    bins: tuple[Bin, ...]
    fitted: tuple[float, float]
    fitted_ece: float


def sureness_of(judged: Sequence[JudgedSet], mentions: Sequence[Sequence[Mention]]) -> Sureness:
    """Return confidence and truth of `mentions`, one row of them for each text of all sets."""
    confidence, right, half = [], [], []
    rows = iter(mentions)
    for judged_set in judged:
        for number, text in enumerate(judged_set.texts):
            gold = set(text.gold)
            for mention in next(rows):
                if mention.label in judged_set.annotates:
                    confidence.append(mention.confidence)
                    right.append((mention.start, mention.end, mention.label) in gold)
                    half.append(number % 2)
    return Sureness(np.array(confidence), np.array(right, np.bool_), np.array(half, np.bool_))


def calibration_of(
    judged: Sequence[JudgedSet], mentions_at: MentionsAt, temperature: float
) -> Calibration:
    """Return how well the confidences of `judged` fit, served with `temperature`."""
    served = sureness_of(judged, [found for one in judged for found in one.found])
    at = _Temperatures(judged, mentions_at)
    fitted = at.best(half=False), at.best(half=True)
    # Mentions of one half as the other half's temperature would make them.
    crossed = np.where(served.half, at[fitted[0]].confidence, at[fitted[1]].confidence)
    return Calibration(
        temperature,
        ece(served.confidence, served.right),
        nll(served, np.ones_like(served.right)),
        bins_of(served.confidence, served.right),
        fitted,
        ece(crossed, served.right),
    )


def best_temperature(judged: Sequence[JudgedSet], mentions_at: MentionsAt) -> float:
    """Return the temperature at which the confidences of all mentions are likeliest."""
    return _Temperatures(judged, mentions_at).best(half=None)


class _Temperatures:
    """The sureness of the same mentions at each temperature, worked out when it is asked for."""

    def __init__(self, judged: Sequence[JudgedSet], mentions_at: MentionsAt) -> None:
        self._judged = judged
        self._mentions_at = mentions_at
        self._emissions = [
            emissions
            for one in judged
            for emissions, found in zip(one.emissions, one.found, strict=True)
            if found
        ]
        self._known: dict[float, Sureness] = {}

    def __getitem__(self, temperature: float) -> Sureness:
        if temperature not in self._known:
            self._known[temperature] = sureness_of(self._judged, self._mentions(temperature))
        return self._known[temperature]

    def best(self, *, half: bool | None) -> float:
        """Return the temperature of the least loss on a half or on all; there is one valley.

        Without any mention to fit it on, 1.
        """
        if not self._emissions:
            return 1.0
        low, high = 0, len(TEMPERATURES) - 1
        while low < high:
            middle = (low + high) // 2
            if self._loss(middle, half) <= self._loss(middle + 1, half):
                high = middle
            else:
                low = middle + 1
        return TEMPERATURES[low]

    def _loss(self, place: int, half: bool | None) -> float:
        sureness = self[TEMPERATURES[place]]
        everything = np.ones_like(sureness.half)
        return nll(sureness, everything if half is None else sureness.half == half)

    def _mentions(self, temperature: float) -> list[tuple[Mention, ...]]:
        mentions: list[tuple[Mention, ...]] = []
        for first in range(0, len(self._emissions), TEXTS_PER_STEP):
            chunk = self._emissions[first : first + TEXTS_PER_STEP]
            mentions += self._mentions_at(chunk, temperature)
        rows = iter(mentions)
        # The path, and so which texts have mentions, does not depend on the temperature.
        return [next(rows) if found else () for one in self._judged for found in one.found]


def bins_of(confidence: Floats, right: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Return the mentions by tenths of confidence."""
    place = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    bins = []
    for number in range(BINS):
        here = place == number
        mentions = int(here.sum())
        bins.append(
            Bin(mentions, float(confidence[here].mean()), float(right[here].mean()))
            if mentions
            else Bin(0, 0.0, 0.0)
        )
    return tuple(bins)


def ece(confidence: Floats, right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error (Guo et al. 2017): the mean gap between confidence and
    precision, weighted by mentions.
    """
    bins = bins_of(confidence, right)
    total = sum(one.mentions for one in bins)
    gaps = sum(one.mentions * abs(one.confidence - one.precision) for one in bins)
    return gaps / total if total else 0.0


def nll(sureness: Sureness, chosen: npt.NDArray[np.bool_]) -> float:
    """Return the mean negative log likelihood of right and wrong among the `chosen` mentions."""
    confidence = np.clip(sureness.confidence[chosen], _FAINTEST, 1 - _FAINTEST)
    right = sureness.right[chosen]
    if not len(right):
        return 0.0
    return float(-np.log(np.where(right, confidence, 1 - confidence)).mean())
