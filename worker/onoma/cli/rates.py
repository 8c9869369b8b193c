"""Computes what happened between two scrapes of workers (`onoma top`): increases and quantiles.

Pure functions, after the rules of Prometheus: a counter that fell was set back and counts from
zero, and inside a bucket observations are taken to lie evenly. Workers are summed before anything
is divided.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onoma.cli.scraping import Labels, Scrape


@dataclass(frozen=True, slots=True)
class Stretch:
    """Two scrapes of one worker, `earlier` before `later`."""

    earlier: Scrape
    later: Scrape

    @property
    def seconds(self) -> float:
        """Return the time between the two."""
        return self.later.at - self.earlier.at


def increase(earlier: float, later: float) -> float:
    """Return by how much a counter grew; after it was set back, what it has counted since."""
    return later - earlier if later >= earlier else later


def rate(stretches: Iterable[Stretch], name: str, **labels: str) -> float | None:
    """Return how much a counter grew in a second, over all workers; None without a stretch."""
    rates = rates_by(stretches, name, None, **labels)
    return None if rates is None else sum(rates.values())


def rates_by(
    stretches: Iterable[Stretch], name: str, label: str | None, /, **labels: str
) -> dict[str, float] | None:
    """Return the rates by the value of `label`, of the series with `labels`."""
    found = [stretch for stretch in stretches if stretch.seconds > 0]
    rates: dict[str, float] = defaultdict(float)
    for stretch in found:
        before = stretch.earlier.values(name)
        for series, later in stretch.later.values(name).items():
            if labels.items() <= series:
                grown = increase(before.get(series, 0.0), later)
                rates[_value(series, label)] += grown / stretch.seconds
    return rates if found else None


def total(scrapes: Iterable[Scrape], name: str, **labels: str) -> float:
    """Return the sum of a metric over series and workers."""
    return sum(totals_by(scrapes, name, None, **labels).values())


def totals_by(
    scrapes: Iterable[Scrape], name: str, label: str | None, /, **labels: str
) -> dict[str, float]:
    """Return the sums by the value of `label`, of the series with `labels`."""
    totals: dict[str, float] = defaultdict(float)
    for scrape in scrapes:
        for series, value in scrape.values(name).items():
            if labels.items() <= series:
                totals[_value(series, label)] += value
    return totals


def _value(series: Labels, label: str | None) -> str:
    return "" if label is None else dict(series).get(label, "")


def quantiles(
    stretches: Iterable[Stretch], name: str, shares: Sequence[float]
) -> tuple[float | None, ...]:
    """Return the quantiles of what a histogram observed in the stretches, over all workers."""
    buckets: dict[float, float] = defaultdict(float)
    for stretch in stretches:
        for bound, observed in _observed(stretch, name):
            buckets[bound] += observed
    return tuple(quantile(share, buckets) for share in shares)


def _observed(stretch: Stretch, name: str) -> Iterator[tuple[float, float]]:
    """Yield the cumulative buckets of what came in between; all of the later after a restart."""
    counts = stretch.earlier.values(name, "_count"), stretch.later.values(name, "_count")
    restarted = sum(counts[1].values()) < sum(counts[0].values())
    before = {} if restarted else stretch.earlier.values(name, "_bucket")
    for series, later in stretch.later.values(name, "_bucket").items():
        yield float(dict(series)["le"]), later - before.get(series, 0.0)


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return the quantile of cumulative `buckets`: None of nothing, infinite above the last bound.

    As `histogram_quantile` of Prometheus, but that one says the last bound where this says
    infinite.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = share * buckets[bounds[-1]]
    low, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and buckets[bound] > below:
            if math.isinf(bound):
                return math.inf
            return low + (bound - low) * (rank - below) / (buckets[bound] - below)
        low, below = bound, max(below, buckets[bound])
    return math.inf
