"""Every document comes out once, whatever happens to the workers.

One worker is killed with its outputs written and not yet committed, another is stopped and started
again, while both work on the same topic.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, publish, short_documents, value_of

PARTITIONS = 4
DEATH = {"die_at": "after_sends", "die_at_pass": 5}


def run_two_workers_through_a_kill_and_a_stop(
    topics: Topics, messages: Sequence[Message], new_worker: NewWorker, mode: str
) -> None:
    config = topics.config(delivery={"mode": mode}, processing={"documents_in_flight": 32})
    dying = new_worker({**config, "faults": DEATH})
    stopped = new_worker(config)
    publish(topics.broker, topics.documents, messages)

    dying.start()
    stopped.start()
    assert dying.wait_for_end() == -signal.SIGKILL
    (armed,) = [event for event in dying.events if "fault point armed" in event["event"]]
    assert armed["level"] == "warning"
    assert armed["die_at"] == DEATH["die_at"]
    dying.configure(config)
    dying.start()
    half = len(messages) // 2
    stopped.wait_until(lambda: topics.committed() > half, "half of the documents are committed")
    assert topics.committed() < len(messages)
    assert stopped.stop() == 0
    stopped.start()

    topics.wait_done()
    assert dying.stop() == 0
    assert stopped.stop() == 0


@pytest.mark.slow
def test_exactly_once_survives_a_kill_inside_a_transaction_and_a_restart(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    messages = short_documents(10_000, partitions=PARTITIONS, seed=1)

    run_two_workers_through_a_kill_and_a_stop(topics, messages, new_worker, "exactly_once")

    assert kafka.read(topics.dead_letters) == []
    records = kafka.read(topics.entities, until=len(messages))
    events = [value_of(record) for record in records]
    sources = [event["evidence"]["source"] for event in events]
    documents = Counter(event["document_id"] for event in events)
    assert len(events) == 10_000
    assert documents == Counter(f"document-{number}" for number in range(10_000))
    assert len({event["event_id"] for event in events}) == 10_000
    for partition in range(PARTITIONS):
        offsets = [s["offset"] for s in sources if s["partition"] == partition]
        assert offsets == list(range(len(messages) // PARTITIONS))
    assert [record.partition for record in records] == [s["partition"] for s in sources]
    assert kafka.committed(topics.group, topics.documents) == kafka.end_offsets(topics.documents)
    assert kafka.aborted_records(topics.entities) > 0


@pytest.mark.slow
def test_at_least_once_loses_nothing_and_repeats_events_under_their_id(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    messages = short_documents(2_500, partitions=PARTITIONS, seed=2)

    run_two_workers_through_a_kill_and_a_stop(topics, messages, new_worker, "at_least_once")

    values: dict[str, set[bytes | None]] = {}
    records = kafka.read(topics.entities, until=len(messages))
    for record in records:
        values.setdefault(value_of(record)["document_id"], set()).add(record.value)
    assert values.keys() == {f"document-{number}" for number in range(2_500)}
    assert all(len(of_document) == 1 for of_document in values.values())
    assert len(records) > 2_500
    assert kafka.committed(topics.group, topics.documents) == kafka.end_offsets(topics.documents)
    assert kafka.read(topics.dead_letters) == []
