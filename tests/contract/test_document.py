"""document.v1: what the schema allows is what the decoder takes, and the other way round."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.decoders import decode
from onoma.contracts.document import Document
from onoma.contracts.policy import Limits
from onoma.errors import RejectedDocument, RejectionReason
from tests.contract.instances import instances
from tests.contract.schemas import examples, reader, schema
from tests.fakes import record
from tests.texts import documents, mixed_texts

LIMITS = Limits()
BEYOND_A_SCHEMA = {
    (RejectionReason.EMPTY_TEXT, "the text is empty or all blank"),
    # A day that its month doesn't have, or a year that the calendar doesn't.
    (RejectionReason.INVALID_FIELD, "Invalid RFC3339 encoded datetime - at `$.created_at`"),
}

zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
tags = st.from_regex(r"\A[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}\Z")
records = st.builds(
    Document,
    document_id=mixed_texts.filter(bool),
    text=documents,
    language=st.none() | tags,
    tenant=st.none() | mixed_texts.filter(lambda text: 0 < len(text) <= 256),
    source_uri=st.none() | mixed_texts,
    created_at=st.none() | st.datetimes(min_value=datetime(1, 1, 3), timezones=zones),
    metadata=st.dictionaries(mixed_texts, mixed_texts, max_size=3),
)


def _outcome(instance: dict[str, Any]) -> Document | RejectedDocument:
    try:
        return decode(record(json.dumps(instance).encode()), LIMITS)
    except RejectedDocument as rejected:
        return rejected


@settings(max_examples=200, deadline=None)
@given(instances(schema("document")))
def test_what_the_schema_allows_is_a_document_or_refused_for_what_a_schema_cannot_say(
    instance: dict[str, Any],
) -> None:
    reader("document").validate(instance)

    document = _outcome(instance)

    if isinstance(document, RejectedDocument):
        assert (document.reason, document.detail) in BEYOND_A_SCHEMA
        return
    assert document.document_id == instance["document_id"]
    assert document.text == instance["text"]
    assert document.tenant == instance.get("tenant")
    assert document.source_uri == instance.get("source_uri")
    assert document.metadata == instance.get("metadata", {})
    assert (document.language is None) == (instance.get("language") is None)
    assert (document.created_at is None) == (instance.get("created_at") is None)


@settings(max_examples=100, deadline=None)
@given(records)
def test_every_document_that_the_record_holds_is_one_of_the_schema(document: Document) -> None:
    value = msgspec.json.encode(document)

    reader("document").validate(json.loads(value))
    assert decode(record(value), LIMITS).text == document.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("document_id", ""),
        ("document_id", "x" * 1025),
        ("document_id", 7),
        ("document_id", None),
        ("text", ""),
        ("text", None),
        ("text", ["a", "b"]),
        ("language", "not a tag"),
        ("language", "x"),
        ("language", ""),
        ("language", "de_DE"),
        ("tenant", ""),
        ("tenant", "t" * 257),
        ("source_uri", 1),
        ("created_at", "yesterday"),
        ("created_at", "2026-03-01T09:30:00"),
        ("created_at", "2026-03-01"),
        ("created_at", 1_772_000_000),
        ("metadata", None),
        ("metadata", {"pages": 3}),
        ("metadata", ["a"]),
    ],
)
def test_what_the_schema_refuses_the_decoder_refuses(field: str, value: object) -> None:
    instance = {"document_id": "d", "text": "t"} | {field: value}

    assert not reader("document").is_valid(instance)
    with pytest.raises(RejectedDocument):
        decode(record(json.dumps(instance).encode()), LIMITS)


@pytest.mark.parametrize("field", ["document_id", "text"])
def test_a_required_field_of_the_schema_is_required_by_the_decoder(field: str) -> None:
    instance = {"document_id": "d", "text": "t"}
    del instance[field]

    assert not reader("document").is_valid(instance)
    with pytest.raises(RejectedDocument, match=f"missing required field `{field}`"):
        decode(record(json.dumps(instance).encode()), LIMITS)


def test_the_record_has_the_fields_of_the_schema_in_its_order() -> None:
    assert Document.__struct_fields__ == tuple(schema("document")["properties"])


@pytest.mark.parametrize("path", examples("document"), ids=lambda path: path.name)
def test_every_example_is_a_document(path: Path) -> None:
    document = decode(record(path.read_bytes()), LIMITS)

    reader("document").validate(json.loads(path.read_bytes()))
    assert document.document_id.startswith("letter-")
