"""CloudEvents over Kafka, read and written by the `cloudevents` package as the other side."""

from __future__ import annotations

import json

import msgspec
import pytest
from cloudevents.core.bindings.kafka import (
    KafkaMessage,
    from_binary_event,
    from_kafka_event,
    to_binary_event,
    to_structured_event,
)
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings

from onoma.contracts.decoders import decode
from onoma.contracts.document import Document
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, Record
from onoma.pipeline import Annotated, process
from tests.fakes import record, versions
from tests.texts import documents

VERSIONS = versions(names={"Zaria": "B-LOC"})


def _attributes(content_type: str | None = None) -> dict[str, str]:
    attributes = {
        "specversion": "1.0",
        "id": "letter-9",
        "source": "/archive",
        "type": "archive.letter",
    }
    return attributes | ({"datacontenttype": content_type} if content_type else {})


def _received(message: KafkaMessage, key: bytes | None = None) -> Document:
    headers = tuple(message.headers.items())
    return decode(Record("documents.v1", 0, 0, key, message.value, headers), Limits())


def _values(headers: Headers) -> dict[str, bytes]:
    return {name: value or b"" for name, value in headers}


def test_the_headers_of_an_event_are_read_back_as_a_cloudevent_in_binary_mode() -> None:
    value = json.dumps({"document_id": "Schreiben № 7", "text": "From Zaria."}).encode()
    outcome = process(record(value, key=b"key-7"), VERSIONS)
    assert isinstance(outcome, Annotated)
    output = outcome.output

    read = from_kafka_event(KafkaMessage(_values(output.headers), output.key, output.value or b""))

    assert read.get_specversion() == "1.0"
    assert read.get_id() == outcome.event.event_id
    assert read.get_type() == "onoma.entities.v1"
    assert read.get_source() == "/onoma/test/documents.v1"
    assert read.get_subject() == "Schreiben № 7"
    assert read.get_datacontenttype() == "application/json"
    assert read.get_extension("partitionkey") == "key-7"
    assert read.get_data() == json.loads(msgspec.json.encode(outcome.event))


def test_the_trace_of_a_cloudevent_is_read_back_from_its_outcome() -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    traced = _attributes("application/json") | {"traceparent": parent, "tracestate": "a=1"}
    event = CloudEvent(traced, {"document_id": "d", "text": "From Zaria."})

    for message in (to_binary_event(event), to_structured_event(event)):
        headers = tuple(message.headers.items())
        output = process(record(message.value, headers=headers), VERSIONS).output
        values = KafkaMessage(_values(output.headers), output.key, output.value or b"")
        read = from_kafka_event(values)

        assert read.get_extension("traceparent") == parent
        assert read.get_extension("tracestate") == "a=1"


def test_an_event_of_the_pipeline_holds_no_time() -> None:
    outcome = process(record(b'{"document_id":"d","text":"t"}'), VERSIONS)

    assert "ce_time" not in dict(outcome.output.headers)


def test_a_time_that_the_writer_adds_is_read_back() -> None:
    outcome = process(record(b'{"document_id":"d","text":"t"}'), VERSIONS)
    headers = _values(outcome.output.headers) | {"ce_time": b"2026-03-01T04:00:00.125Z"}

    read = from_binary_event(KafkaMessage(headers, None, outcome.output.value or b""))

    time = read.get_time()
    assert time is not None
    assert time.isoformat() == "2026-03-01T04:00:00.125000+00:00"


@settings(max_examples=50, deadline=None)
@given(documents)
def test_a_structured_event_with_json_data_gives_its_document(text: str) -> None:
    event = CloudEvent(
        _attributes("application/json"), {"document_id": "d", "text": text, "language": "hau"}
    )

    document = _received(to_structured_event(event))

    assert document == Document(document_id="d", text=text, language="ha")


def test_a_structured_event_without_a_content_type_is_taken_as_json() -> None:
    event = CloudEvent(_attributes(), {"document_id": "d", "text": "t"})

    assert _received(to_structured_event(event)) == Document(document_id="d", text="t")


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8", "Text/Plain"])
@pytest.mark.parametrize(
    ("key", "document_id"), [(b"key", "key"), (None, "letter-9"), (b"", "letter-9")]
)
def test_a_structured_event_with_plain_text_is_named_by_the_key_else_by_its_id(
    content_type: str, key: bytes | None, document_id: str
) -> None:
    text = 'She said "Zaria", 😀\r\n'
    event = CloudEvent(_attributes(content_type), text)

    document = _received(to_structured_event(event), key)

    assert document == Document(document_id=document_id, text=text)


def test_a_structured_event_with_binary_data_gives_its_document() -> None:
    value = '{"document_id":"d","text":"Ćosić"}'.encode()
    event = CloudEvent(_attributes("application/json"), value)

    assert _received(to_structured_event(event)) == Document(document_id="d", text="Ćosić")


@settings(max_examples=50, deadline=None)
@given(documents)
def test_a_binary_event_with_json_data_gives_its_document(text: str) -> None:
    event = CloudEvent(_attributes("application/json"), {"document_id": "d", "text": text})

    document = _received(to_binary_event(event))

    assert document == Document(document_id="d", text=text)


def test_a_binary_event_with_plain_text_gives_its_document() -> None:
    event = CloudEvent(_attributes("text/plain"), "Ćosić 😀")

    assert _received(to_binary_event(event), b"k") == Document(document_id="k", text="Ćosić 😀")
