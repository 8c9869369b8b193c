"""One document that kills every worker that reads it costs a few restarts and its own event."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from onoma.contracts.records import header
from onoma.stream.watchdog import EXIT_CODE
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker, Record
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish, short_documents, value_of
from tests.stream.worker import Worker, wait_until

POISONED = ("tests.stream.poisoned_worker",)
PARTITIONS = 2
DOCUMENTS = 300
PLACE = 101
"""Where the poison lies among the documents: in the second partition."""
MOST_DEATHS = 3
STEP_SECONDS = 120.0


def documents(poison: str) -> list[Message]:
    """Return short documents, and one with the word."""
    messages = short_documents(DOCUMENTS, partitions=PARTITIONS, seed=20)
    messages[PLACE] = Message(document("poison", f"Amina has {poison}"), PLACE % PARTITIONS)
    return messages


def deaths_until_done(topics: Topics, worker: Worker, ends: int) -> int:
    """Start the worker as often as it ends, with that exit code, until all is committed."""
    deaths = 0
    while deaths <= MOST_DEATHS:
        worker.start(program=POISONED)
        wait_until(
            lambda: topics.done() or not worker.running,
            "the worker is done or dead",
            STEP_SECONDS,
        )
        if topics.done():
            return deaths
        assert worker.wait_for_end() == ends
        deaths += 1
    raise AssertionError(f"died {deaths} times; its last log:\n{worker.log}")


@pytest.mark.parametrize(
    ("every", "count"),
    [
        (64, 15),
        pytest.param(1000, 10, marks=pytest.mark.long),
        # As many as come in a minute, at 150 a second.
        pytest.param(10, 900, marks=pytest.mark.long),
    ],
)
def test_documents_that_no_call_can_read_cost_only_themselves(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker, every: int, count: int
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    messages = short_documents(count * every, partitions=PARTITIONS, seed=21)
    for place in range(7, len(messages), every):
        messages[place] = Message(
            document(f"poison {place}", "Amina has Raiseitis"), place % PARTITIONS
        )
    publish(kafka, topics.documents, messages)
    worker = new_worker(topics.config())
    worker.start(program=POISONED)
    topics.wait_done()

    assert worker.stop() == 0
    letters = kafka.read(topics.dead_letters)
    found = events(kafka.read(topics.entities, until=count * (every - 1)))
    clean = events(read_by_a_usual_worker(topics, unique, new_worker))
    reasons = [header(each.headers, "onoma-reason") for each in letters]
    assert reasons == [b"processing_failed"] * count
    assert found == {name: value for name, value in clean.items() if "poison" not in name}


def read_by_a_usual_worker(topics: Topics, unique: Unique, new_worker: NewWorker) -> list[Record]:
    """Return what a worker to which the poison is a word writes of the same documents."""
    usual = replace(
        Topics.create(topics.broker, unique, partitions=PARTITIONS), documents=topics.documents
    )
    worker = new_worker(usual.config())
    worker.start()
    usual.wait_done()
    assert worker.stop() == 0
    return topics.broker.read(usual.entities)


def events(records: list[Record]) -> dict[str, bytes | None]:
    return {value_of(each)["document_id"]: each.value for each in records}


@pytest.mark.parametrize(
    ("poison", "mode", "reason", "ends"),
    [
        ("Segfaultitis", "exactly_once", b"killed_worker", -signal.SIGSEGV),
        pytest.param("Memoryitis", "at_least_once", b"killed_worker", 1, marks=pytest.mark.slow),
        pytest.param("Hangitis", "exactly_once", b"too_slow", EXIT_CODE, marks=pytest.mark.slow),
    ],
)
def test_a_document_that_kills_its_workers_is_put_aside_and_its_neighbours_are_as_without_it(
    kafka: KafkaBroker,
    unique: Unique,
    new_worker: NewWorker,
    poison: str,
    mode: str,
    reason: bytes,
    ends: int,
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    publish(kafka, topics.documents, documents(poison))
    config = topics.config(
        delivery={"mode": mode},
        quarantine={"seconds": 2 if reason == b"too_slow" else 60, "memory_bytes": 512 * 1024**2},
        watchdog={"call_seconds": 10},
        kafka={"group_instance_id": "the-one"},
    )
    worker = new_worker(config)

    deaths = deaths_until_done(topics, worker, ends)

    quarantined = worker.metric("onoma_quarantined_documents_total")
    assert worker.stop() == 0
    assert 2 <= deaths <= MOST_DEATHS
    assert quarantined >= 1
    (letter,) = kafka.read(topics.dead_letters)
    assert header(letter.headers, "onoma-reason") == reason
    assert header(letter.headers, "onoma-source-offset") == str(PLACE // PARTITIONS).encode()
    found = kafka.read(topics.entities, until=DOCUMENTS - 1)
    if mode == "exactly_once":
        assert len(found) == DOCUMENTS - 1
    assert poison not in worker.log
    clean = events(read_by_a_usual_worker(topics, unique, new_worker))
    assert clean.pop("poison")
    assert events(found) == clean
