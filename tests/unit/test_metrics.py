"""The catalogue is all there is: each name used is in it, each one in it is used."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import onoma
from onoma.errors import RejectionReason
from onoma.metrics import CATALOGUE, OTHER, PREFIX, SUPPORT, UNDECLARED, Metrics

SOURCE = Path(onoma.__file__).parent
USE = re.compile(r"metrics\.(?:count|set|add|observe|info|forget)\(\s*\"([a-z_]+)\"")


def new_metrics() -> Metrics:
    return Metrics(languages=["ha", "sr-Latn"], labels={"PER", "LOC"}, model="wordhash")


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def names_in_the_source() -> set[str]:
    modules = [path for path in SOURCE.rglob("*.py") if path.name != "metrics.py"]
    return {name for path in modules for name in USE.findall(path.read_text("utf-8"))}


def test_every_name_in_the_source_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert names_in_the_source() == {metric.name for metric in CATALOGUE}


def test_names_carry_their_unit() -> None:
    for metric in CATALOGUE:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_info") == (metric.kind == "info"), metric.name
        if metric.kind == "histogram":
            assert metric.buckets, metric.name


@pytest.mark.parametrize("name", ["documents_total", "dead_letters_total", "retries_total"])
def test_series_of_closed_sets_start_at_nought(name: str) -> None:
    (metric,) = [each for each in CATALOGUE if each.name == name]
    found = samples(new_metrics())

    for values in product(*(values or () for values in metric.labels.values())):
        labels = frozenset(zip(metric.labels, map(str, values), strict=True))
        assert found[PREFIX + name, labels] == 0


def test_series_of_languages_and_labels_start_at_nought_and_close_with_other() -> None:
    found = samples(new_metrics())

    for language in ("ha", "sr-Latn", OTHER, UNDECLARED):
        for support in SUPPORT:
            labels = frozenset({"language": language, "support": support}.items())
            assert found["onoma_documents_by_language_total", labels] == 0
        for label in ("PER", "LOC"):
            labels = frozenset({"language": language, "label": label}.items())
            assert found["onoma_entities_total", labels] == 0


def test_every_reason_of_a_rejection_has_its_series() -> None:
    found = samples(new_metrics())

    for reason in RejectionReason:
        assert ("onoma_dead_letters_total", frozenset({("reason", str(reason))})) in found


@pytest.mark.parametrize(
    ("declared", "label"),
    [
        (None, UNDECLARED),
        ("ha", "ha"),
        ("ha-NG", "ha"),
        ("sr-Latn", "sr-Latn"),
        ("sr-Cyrl", OTHER),
        ("xx", OTHER),
    ],
)
def test_a_language_has_a_label_of_the_closed_set(declared: str | None, label: str) -> None:
    assert new_metrics().language_label(declared) == label


def test_a_name_outside_the_catalogue_is_a_bug() -> None:
    with pytest.raises(KeyError):
        new_metrics().count("documents")


def test_a_series_can_be_forgotten() -> None:
    metrics = new_metrics()
    metrics.set("consumer_lag_records", 5, topic="documents.v1", partition="0")
    metrics.forget("consumer_lag_records", "documents.v1", "0")

    assert not [name for name, _ in samples(metrics) if name == "onoma_consumer_lag_records"]
