"""Ids: where a document came from, and nothing that changes when it is delivered again."""

from __future__ import annotations

from uuid import UUID

import pytest

from onoma.contracts.entities import InputSource, event_id, input_event_id
from onoma.contracts.records import Record


def _record(topic: str = "documents.v1", partition: int = 0, offset: int = 17) -> Record:
    return Record(topic, partition, offset, b"k", b"v")


def test_an_event_id_is_a_uuid_of_version_5_and_fixed_for_ever() -> None:
    made = event_id(_record(), cluster="example", run="live")

    assert UUID(made).version == 5
    assert made == "69787481-4fc9-5d78-a398-3b45b54a30ea"


def test_an_event_id_does_not_depend_on_what_the_record_says() -> None:
    other = Record("documents.v1", 0, 17, None, b"other", (("h", b"1"),))

    assert event_id(other, cluster="c", run="live") == event_id(_record(), cluster="c", run="live")


@pytest.mark.parametrize(
    "other",
    [
        event_id(_record(topic="documents.v2"), cluster="c", run="live"),
        event_id(_record(partition=1), cluster="c", run="live"),
        event_id(_record(offset=18), cluster="c", run="live"),
        event_id(_record(partition=1, offset=7), cluster="c", run="live"),
        event_id(_record(), cluster="d", run="live"),
        event_id(_record(), cluster="c", run="replay-1"),
        event_id(_record(), cluster='c","documents.v1', run="live"),
    ],
)
def test_another_place_has_another_id(other: str) -> None:
    assert other != event_id(_record(), cluster="c", run="live")


def test_the_id_of_an_input_is_over_its_name_its_place_and_its_text() -> None:
    ids = {
        input_event_id(InputSource("a.jsonl", 1), "0" * 64),
        input_event_id(InputSource("a.jsonl", 2), "0" * 64),
        input_event_id(InputSource("b.jsonl", 1), "0" * 64),
        input_event_id(InputSource("a.jsonl", 1), "1" * 64),
    }

    assert len(ids) == 4
