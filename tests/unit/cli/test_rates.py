"""What happened between two scrapes is what the workers counted in between, restarts and all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.cli.rates import Stretch, increase, quantile, quantiles, rate, rates_by, total
from onoma.cli.scraping import Scrape
from onoma.metrics import LATENCIES
from tests.unit.cli.endpoints import new_metrics, scrape

LATENCY = "end_to_end_latency_seconds"
seconds = st.floats(0.001, 100.0)


@pytest.mark.parametrize(
    ("earlier", "later", "grown"), [(5, 5, 0), (5, 9, 4), (9, 5, 5), (9, 0, 0), (0, 3, 3)]
)
def test_a_counter_that_fell_was_set_back_and_counts_from_nought(
    earlier: float, later: float, grown: float
) -> None:
    assert increase(earlier, later) == grown


def test_a_rate_is_the_increase_over_the_time_summed_over_workers() -> None:
    one, other = new_metrics(), new_metrics()
    one.count("documents_total", 100, outcome="annotated")
    before = scrape(one, 10.0, "one"), scrape(other, 10.5, "other")
    one.count("documents_total", 30, outcome="annotated")
    one.count("documents_total", 2, outcome="dead_lettered")
    other.count("documents_total", 10, outcome="annotated")
    after = scrape(one, 12.0, "one"), scrape(other, 12.5, "other")
    stretches = [Stretch(*pair) for pair in zip(before, after, strict=True)]

    assert rate(stretches, "documents_total") == 16 + 5
    assert rate(stretches, "documents_total", outcome="dead_lettered") == 1
    assert rates_by(stretches, "documents_total", "outcome") == {
        "annotated": 20,
        "dead_lettered": 1,
    }
    assert total(after, "documents_total") == 142


def test_a_worker_that_was_restarted_counts_from_nought() -> None:
    before, after = new_metrics(), new_metrics()
    before.count("dead_letters_total", 50, reason="empty_text")
    before.count("dead_letters_total", 1, reason="no_value")
    before.observe(LATENCY, 50.0)
    before.observe(LATENCY, 50.0)
    after.count("dead_letters_total", 8, reason="empty_text")
    after.observe(LATENCY, 0.06)
    stretch = Stretch(scrape(before, 0.0), scrape(after, 4.0))

    assert rate([stretch], "dead_letters_total") == 2
    (latest,) = quantiles([stretch], LATENCY, (1.0,))
    assert latest == 0.075


def test_without_a_second_scrape_there_is_no_rate() -> None:
    assert rate([], "documents_total") is None
    assert rates_by([], "documents_total", "outcome") is None
    assert quantiles([], LATENCY, (0.5, 0.99)) == (None, None)


def test_a_series_that_is_new_grew_from_nought() -> None:
    metrics = new_metrics()
    before = scrape(metrics, 0.0)
    metrics.extend(languages=["zu"], labels=["PER"], model="fake")
    metrics.count("entities_total", 6, label="PER", language="zu")

    rates = rates_by([Stretch(before, scrape(metrics, 2.0))], "entities_total", "language")

    assert rates is not None
    assert rates["zu"] == 3


def test_quantiles_are_of_what_came_in_between_alone() -> None:
    metrics = new_metrics()
    for _ in range(1000):
        metrics.observe(LATENCY, 20.0)
    before = scrape(metrics, 0.0)
    for _ in range(100):
        metrics.observe(LATENCY, 0.3)

    stretch = Stretch(before, scrape(metrics, 2.0))

    assert quantiles([stretch], LATENCY, (0.5, 1.0)) == (0.375, 0.5)


def test_quantiles_of_nothing_are_unknown_and_those_above_the_last_bound_are_infinite() -> None:
    metrics = new_metrics()
    before = scrape(metrics, 0.0)
    nothing = Stretch(before, scrape(metrics, 1.0))
    metrics.observe(LATENCY, 61.0)
    late = Stretch(before, scrape(metrics, 1.0))

    assert quantiles([nothing], LATENCY, (0.5,)) == (None,)
    assert quantiles([late], LATENCY, (0.5,)) == (math.inf,)


def test_a_quantile_is_that_of_prometheus() -> None:
    # histogram_quantile over these buckets, as its own tests have it (promql/testdata).
    buckets = {0.1: 5.0, 0.2: 5.0, 1.0: 9.0, math.inf: 10.0}

    assert quantile(0.25, buckets) == pytest.approx(0.05)
    assert quantile(0.7, buckets) == pytest.approx(0.6)
    assert quantile(0.9, buckets) == 1.0


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(seconds, max_size=12), min_size=1, max_size=3),
    st.floats(0.01, 1.0),
    st.floats(0.01, 1.0),
)
def test_a_quantile_lies_in_the_bucket_of_the_observation_of_its_rank(
    workers: list[list[float]], share: float, other: float
) -> None:
    stretches = [Stretch(*_observed(each)) for each in workers]
    low, high = quantiles(stretches, LATENCY, sorted((share, other)))
    ordered = sorted(value for each in workers for value in each)
    if not ordered:
        assert low is high is None
        return
    assert low is not None
    assert high is not None
    assert low <= high
    exact = ordered[math.ceil(max(share, other) * len(ordered) - 1e-9) - 1]
    bounds = (0.0, *LATENCIES, math.inf)
    bucket = next(i for i, bound in enumerate(bounds) if exact <= bound)
    if bounds[bucket] == math.inf:
        assert high == math.inf
    else:
        assert bounds[bucket - 1] <= high <= bounds[bucket]


def _observed(values: list[float]) -> tuple[Scrape, Scrape]:
    old = [7.0]
    return _histogram(0.0, old), _histogram(1.0, old + values)


def _histogram(at: float, values: list[float]) -> Scrape:
    """Write down what the client library would say: that one is slow, and tested above."""
    buckets = {
        frozenset({("le", str(bound))}): float(sum(value <= bound for value in values))
        for bound in (*LATENCIES, math.inf)
    }
    counts = {frozenset[tuple[str, str]](): float(len(values))}
    return Scrape("w", at, {f"{LATENCY}_bucket": buckets, f"{LATENCY}_count": counts})


def test_a_name_that_is_not_in_the_catalogue_is_a_fault_of_ours() -> None:
    with pytest.raises(KeyError, match="documents"):
        total([scrape(new_metrics(), 0.0)], "documents")
