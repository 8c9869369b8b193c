"""`onoma reconcile` knows of every offset of a range, and its counts are the broker's own."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish, short_documents, short_text
from tests.stream.worker import Worker

PARTITIONS = 2
DOCUMENTS = 60
IN_A_TRANSACTION = 7
LATE = 4


@dataclass(frozen=True, slots=True)
class Case:
    """Topics with documents that were worked off, and some that were not."""

    topics: Topics
    worker: Worker

    def reconciled(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Return exit code and answer of the command."""
        done = self.worker.command("reconcile", "--json", *arguments)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    def commit(self, partition: int, offset: int) -> None:
        """Move the group's offset, as somebody who skips documents does."""
        consumer = Consumer(
            {**self.topics.broker.librdkafka_settings(), "group.id": self.topics.group}
        )
        try:
            at = TopicPartition(self.topics.documents, partition, offset)
            consumer.commit(offsets=[at], asynchronous=False)
        finally:
            consumer.close()


@pytest.fixture
def case(kafka: KafkaBroker, unique: Unique, new_worker: NewWorker) -> Case:
    """Events, two kinds of dead letters, a transaction of upstream's, and documents left over."""
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    worker = new_worker(topics.config())
    publish(kafka, topics.documents, short_documents(DOCUMENTS, partitions=PARTITIONS, seed=1))
    publish(kafka, topics.documents, [Message(b"{", partition=0), Message(None, 0, b"key")])
    publish(
        kafka,
        topics.documents,
        [
            Message(document(f"in-transaction-{number}", short_text(random.Random(number))), 1)
            for number in range(IN_A_TRANSACTION)
        ],
        transactional_id=unique("upstream"),
    )
    worker.start()
    # The marker at the end is no document: the group's offset stops before it.
    worker.wait_until(
        lambda: topics.committed() == DOCUMENTS + 2 + IN_A_TRANSACTION, "all is committed"
    )
    assert worker.stop() == 0
    late = short_documents(LATE, partitions=1, seed=2, start=DOCUMENTS)
    publish(kafka, topics.documents, late)
    return Case(topics, worker)


def test_every_offset_has_its_outcome_and_a_document_that_was_skipped_is_missing(
    case: Case,
) -> None:
    code, found = case.reconciled()

    assert code == 0
    assert found["offsets"] == sum(found["counts"].values())
    assert found["counts"] == {
        "annotated": DOCUMENTS + IN_A_TRANSACTION,
        "dead_lettered": 2,
        "pending": LATE,
        "no_record": 1,
        "outcome_expired": 0,
        "missing": 0,
    }
    assert found["reasons"] == {"invalid_json": 1, "no_value": 1}
    assert (found["repeated"], found["other_events"]) == (0, 0)
    ends = case.topics.broker.end_offsets(case.topics.documents)
    assert {each["partition"]: each["to"] for each in found["partitions"]} == ends
    first, second = found["partitions"]
    half = DOCUMENTS // PARTITIONS
    assert first["ranges"] == [
        outcome(0, half, "annotated"),
        outcome(half, half + 1, "dead_lettered", reason="invalid_json"),
        outcome(half + 1, half + 2, "dead_lettered", reason="no_value"),
        outcome(half + 2, half + 2 + LATE, "pending"),
    ]
    assert second["ranges"] == [
        outcome(0, half + IN_A_TRANSACTION, "annotated"),
        outcome(half + IN_A_TRANSACTION, ends[1], "no_record"),
    ]

    # A part of it, by offset: in every partition alike.
    code, found = case.reconciled("--from", "20", "--to", str(half + 1))
    assert code == 0
    assert [(each["from"], each["to"]) for each in found["partitions"]] == [(20, half + 1)] * 2
    # By time: nothing is that old, and all of it is newer.
    assert case.reconciled("--to", "2026-01-01")[1]["offsets"] == 0
    assert case.reconciled("--from", "2026-01-01")[1]["offsets"] == sum(ends.values())

    case.commit(0, half + 4)
    done = case.worker.command("reconcile")
    assert done.returncode == 1
    assert f"missing: partition 0, {half + 2} to {half + 3}\n" in done.stdout


def test_events_of_a_topic_that_was_there_before_under_another_cluster_name_do_not_count(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    publish(kafka, topics.documents, short_documents(2, partitions=1, seed=3))
    version = {"name": "former", "version": "1", "sha256": "a" * 64}
    evidence = {
        "source": {"topic": topics.documents, "partition": 0, "offset": 0},
        "models": [],
        "gazetteers": [],
        "policy": version,
        "worker": {"version": "1", "sha256": "b" * 64, "runtime": "former"},
    }
    event = json.dumps({"event_id": "of the former topic", "evidence": evidence})
    publish(kafka, topics.entities, [Message(event.encode()), Message(b"no event", key=b"key")])
    case = Case(topics, new_worker(topics.config()))
    case.commit(0, 1)

    code, found = case.reconciled()

    assert code == 1
    assert found["other_events"] == 1
    assert found["partitions"][0]["ranges"] == [outcome(0, 1, "missing"), outcome(1, 2, "pending")]


def outcome(begin: int, end: int, fate: str, **reason: str) -> Mapping[str, object]:
    return {"from": begin, "to": end, "outcome": fate, **reason}
