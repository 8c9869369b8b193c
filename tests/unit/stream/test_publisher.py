"""What is counted of a published outcome."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from onoma.contracts.policy import PinnedPolicy, Policy, Rules
from onoma.metrics import Metrics
from onoma.pipeline import process
from onoma.stream.publisher import count_outcome
from tests.fakes import record, versions

POLICY = PinnedPolicy(Policy(name="p", version="1", tenants={"north": Rules()}))


def _counted(**fields: object) -> str:
    document = msgspec.json.encode({"document_id": "1", "text": "Amina went to Abuja.", **fields})
    metrics = Metrics(languages=["ha"], labels=["PER", "LOC", "A", "B"], model="fake")
    pinned = dataclasses.replace(versions(), policy=POLICY)
    count_outcome(process(record(document), pinned), metrics)
    return metrics.exposition().decode()


@pytest.mark.parametrize(("tenant", "count"), [(None, 0), ("north", 0), ("east", 1)])
def test_a_document_of_a_tenant_without_rules_is_counted(tenant: str | None, count: int) -> None:
    assert f"onoma_unknown_tenant_documents_total {count}.0" in _counted(tenant=tenant)


@pytest.mark.parametrize(
    ("language", "label"), [("hau", "ha"), ("ha-NG", "ha"), ("sw", "other"), (None, "undeclared")]
)
def test_a_language_outside_the_closed_set_is_counted_as_other(
    language: str | None, label: str
) -> None:
    told = _counted(language=language)

    (line,) = [
        line
        for line in told.splitlines()
        if line.startswith("onoma_documents_by_language_total") and line.endswith(" 1.0")
    ]
    assert f'language="{label}"' in line


def test_a_rejected_record_is_counted_with_its_reason() -> None:
    metrics = Metrics(languages=[], labels=[], model="fake")
    count_outcome(process(record(b"no JSON"), versions()), metrics)

    assert 'onoma_dead_letters_total{reason="invalid_json"} 1.0' in metrics.exposition().decode()
    assert 'onoma_documents_total{outcome="dead_lettered"} 1.0' in metrics.exposition().decode()
