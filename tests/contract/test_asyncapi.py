"""asyncapi.yaml describes every contract that crosses a topic, and points at nothing that isn't."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from onoma.contracts.cloudevents import TIME, output_headers
from onoma.contracts.tracing import CLOUDEVENT_PARENT, CLOUDEVENT_STATE, PARENT, STATE
from onoma.settings import Topics
from tests.contract.schemas import CONTRACTS, ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "asyncapi.yaml").read_text(encoding="utf-8"))
FILES = {"policy"}
"""Contracts of files, which cross no topic."""
TRACE = {PARENT, STATE, CLOUDEVENT_PARENT, CLOUDEVENT_STATE}
"""Headers that only the outcome of a document with a trace has."""


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)


@pytest.mark.parametrize("reference", sorted(set(_references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    file, _, path = reference.partition("#/")
    if file:
        assert (ROOT / file).is_file()
        return
    found: Any = DOCUMENT
    for step in path.split("/"):
        found = found[step]

    assert found


def test_every_contract_that_crosses_a_topic_is_a_message_of_a_channel() -> None:
    described = {reference.partition("/")[0] for reference in _references(DOCUMENT)} - {"#"}
    sent = {
        reference["$ref"].rpartition("/")[2]
        for channel in DOCUMENT["channels"].values()
        for reference in channel["messages"].values()
    }

    assert described == set(CONTRACTS) - FILES
    assert sent == set(DOCUMENT["components"]["messages"])


def test_every_topic_of_the_settings_is_a_channel() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]

    assert sorted(addresses) == sorted(knob.default for knob in Topics.model_fields.values())


def test_every_channel_is_read_or_written() -> None:
    used = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}

    assert used == {f"#/channels/{name}" for name in DOCUMENT["channels"]}


def test_the_headers_are_those_of_what_is_written() -> None:
    written = output_headers(event_id="i", event_type="t", source="s", subject="d")
    described = DOCUMENT["components"]["schemas"]["cloudEvent"]

    assert set(described["required"]) == {name for name, _ in written} | {TIME}
    assert set(described["properties"]) == set(described["required"]) | TRACE
