"""`onoma replay` computes a range again and gets every byte that the worker wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, publish, short_documents
from tests.stream.worker import Worker

PARTITIONS = 2


def worked_off(topics: Topics, new_worker: NewWorker, *, documents: int, threads: int) -> Worker:
    """Publish documents and two that are none, let a worker do them, and stop it."""
    worker = new_worker(topics.config(processing={"threads": threads}))
    messages = short_documents(documents, partitions=PARTITIONS, seed=4)
    broken = [Message(b"{", partition=1), Message(b'{"document_id": "d", "text": " "}')]
    publish(topics.broker, topics.documents, [*messages, *broken])
    worker.start()
    topics.wait_done(500)
    assert worker.stop() == 0
    return worker


def replayed(worker: Worker, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Return exit code and answer of the command."""
    done = worker.command("replay", "--json", *arguments)
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def other_threads(topics: Topics, worker: Worker, **sections: Mapping[str, object]) -> None:
    """Let commands run with other threads and calls than the worker's."""
    processing = {"threads": 3, "units_per_call": 700}
    worker.configure(topics.config(processing=processing, **sections))


def test_a_range_comes_out_byte_for_byte_on_other_threads_and_a_changed_event_is_found(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    worker = worked_off(topics, new_worker, documents=300, threads=1)
    other_threads(topics, worker)

    code, found = replayed(worker)
    assert (code, found["equal"], found["different"]) == (0, 302, [])
    assert (found["not_compared"], found["without_outcome"]) == ({}, 0)
    assert [model["events"] for model in found["models"]] == [300]
    # From the middle on: every document has other neighbours.
    assert replayed(worker, "--from", "37", "--to", "101")[1]["equal"] == 2 * (101 - 37)

    first = kafka.read(topics.entities)[0]
    changed = json.loads(first.value or b"")
    changed["text_sha256"] = "0" * 64
    value = json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()
    publish(kafka, topics.entities, [Message(value, partition=first.partition, key=first.key)])
    code, found = replayed(worker, "--to", "1")
    assert (code, found["equal"]) == (1, 2)
    assert found["different"] == [
        {
            "event_id": changed["event_id"],
            "partition": 0,
            "offset": 0,
            "was": "annotated",
            "now": "annotated",
            "fields": ["text_sha256"],
        }
    ]

    # Without the policy under which it was made an event is not compared, and not called equal.
    policy = worker.config_file.with_name("policy.json")
    policy.write_text(json.dumps({"name": "another", "version": "9"}))
    other_threads(topics, worker, policy={"path": str(policy)})
    code, found = replayed(worker, "--from", "1", "--to", "3")
    assert (code, found["equal"], sum(found["not_compared"].values())) == (1, 0, 4)


@pytest.mark.long
def test_ten_thousand_events_come_out_byte_for_byte_among_other_neighbours(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    worker = worked_off(topics, new_worker, documents=10_000, threads=1)
    other_threads(topics, worker)

    code, found = replayed(worker)
    assert (code, found["equal"], found["different"]) == (0, 10_002, [])
    code, found = replayed(worker, "--from", "2001", "--to", "4999")
    assert (code, found["equal"], found["different"]) == (0, 2 * (4999 - 2001), [])
