"""dead-letters.v1: the record whole, Onoma's headers beside it, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts import deadletter
from onoma.contracts.deadletter import dead_letter, original_headers
from onoma.contracts.decoders import decode
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, Record
from onoma.errors import RejectedDocument, RejectionReason
from tests.contract.schemas import producer, schema
from tests.fakes import record
from tests.texts import characters, mixed_texts

names = mixed_texts.filter(lambda name: not name.startswith("onoma-"))
upstream_headers = st.lists(st.tuples(names, st.binary(max_size=20)), max_size=5).map(tuple)
records = st.builds(
    Record,
    topic=st.just("documents.v1"),
    partition=st.integers(0, 1000),
    offset=st.integers(0, 2**63 - 1),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=50),
    headers=upstream_headers,
)
rejections = st.builds(
    RejectedDocument,
    st.sampled_from(RejectionReason),
    st.text(characters, max_size=400),
)


def _ours(headers: Headers) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in headers if name.startswith("onoma-")}


@settings(max_examples=100, deadline=None)
@given(records, rejections)
def test_a_dead_letter_is_the_record_untouched_with_headers_of_the_schema(
    source: Record, rejected: RejectedDocument
) -> None:
    output = dead_letter(source, rejected, worker_version="1.2.3")

    # A record of nothing can't be sent again: an empty key stands for the missing one.
    key = b"" if source.key is None and source.value is None else source.key
    assert (output.destination, output.key, output.value) == ("dead_letters", key, source.value)
    assert output.headers[: len(source.headers)] == source.headers
    # The time is the writer's to add, as the stream does.
    written = _ours(output.headers) | {deadletter.FIRST_FAILURE_TIME: "2026-03-01T04:00:00Z"}
    producer("dead-letter").validate(written)


@settings(max_examples=50, deadline=None)
@given(records, rejections)
def test_the_headers_of_upstream_come_back_from_a_dead_letter(
    source: Record, rejected: RejectedDocument
) -> None:
    output = dead_letter(source, rejected, worker_version="1.2.3")

    assert original_headers(output.headers) == source.headers


def test_a_dead_letter_says_why_and_where_the_record_was() -> None:
    source = record(b"\xff{", offset=41, headers=(("trace", b"\x00\xff"),))
    rejected = RejectedDocument(RejectionReason.INVALID_UTF8, "not UTF-8 at byte 0")

    output = dead_letter(source, rejected, worker_version="1.2.3")

    assert output.headers == (
        ("trace", b"\x00\xff"),
        ("onoma-reason", b"invalid_utf8"),
        ("onoma-detail", b"not UTF-8 at byte 0"),
        ("onoma-source-topic", b"documents.v1"),
        ("onoma-source-partition", b"2"),
        ("onoma-source-offset", b"41"),
        ("onoma-worker-version", b"1.2.3"),
    )


def test_a_record_that_fails_again_keeps_its_first_failure_time_and_gets_the_new_reason() -> None:
    first = (
        ("onoma-reason", b"empty_text"),
        ("onoma-source-offset", b"5"),
        ("onoma-first-failure-time", b"2026-03-01T04:00:00Z"),
        ("onoma-requeued-from", b"0/12"),
    )
    source = record(b"[]", offset=41, headers=first)
    rejected = RejectedDocument(RejectionReason.WRONG_TYPE, "Expected `object`, got `array`")

    output = dead_letter(source, rejected, worker_version="1.2.3")

    ours = _ours(output.headers)
    names_of_ours = [name for name, _ in output.headers]
    assert ours["onoma-reason"] == "wrong_type"
    assert ours["onoma-source-offset"] == "41"
    assert ours["onoma-first-failure-time"] == "2026-03-01T04:00:00Z"
    assert ours["onoma-requeued-from"] == "0/12"
    assert len(names_of_ours) == len(set(names_of_ours))


def test_a_long_detail_is_cut_to_the_length_of_the_schema() -> None:
    rejected = RejectedDocument(RejectionReason.INVALID_JSON, "é" * 301)

    output = dead_letter(record(b"x"), rejected, worker_version="1.2.3")

    limit = schema("dead-letter")["properties"]["onoma-detail"]["maxLength"]
    assert _ours(output.headers)["onoma-detail"] == "é" * limit


def test_the_names_of_the_headers_are_those_of_the_schema() -> None:
    names_of_code = {
        deadletter.REASON,
        deadletter.DETAIL,
        deadletter.SOURCE_TOPIC,
        deadletter.SOURCE_PARTITION,
        deadletter.SOURCE_OFFSET,
        deadletter.WORKER_VERSION,
        deadletter.FIRST_FAILURE_TIME,
        deadletter.REQUEUED_FROM,
    }

    assert names_of_code == set(schema("dead-letter")["properties"])


def test_a_repaired_record_is_accepted_with_the_headers_of_upstream() -> None:
    broken = record(b'{"document_id":"d"}', content_type="application/json")
    with pytest.raises(RejectedDocument) as caught:
        decode(broken, Limits())

    dead = dead_letter(broken, caught.value, worker_version="1.2.3")
    repaired = Record(
        "documents.v1",
        0,
        99,
        dead.key,
        b'{"document_id":"d","text":"Zaria"}',
        original_headers(dead.headers),
    )

    assert decode(repaired, Limits()).text == "Zaria"
