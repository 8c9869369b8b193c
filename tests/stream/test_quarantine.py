"""One document that kills every worker that reads it costs a few restarts and its own event."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from onoma.contracts.records import header
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


def deaths_until_done(topics: Topics, worker: Worker, hanging: Path) -> int:
    """Start the worker as often as it dies, or kill it where it hangs, until all is committed."""
    deaths = 0
    while deaths <= MOST_DEATHS:
        worker.start(program=POISONED)
        wait_until(
            lambda: topics.done() or not worker.running or hanging.exists(),
            "the worker is done, dead, or hangs",
            STEP_SECONDS,
        )
        if topics.done():
            return deaths
        worker.kill()
        hanging.unlink(missing_ok=True)
        deaths += 1
    raise AssertionError(f"died {deaths} times; its last log:\n{worker.log}")


def test_one_document_in_64_that_no_call_can_read_costs_only_itself(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    messages = short_documents(15 * 64, partitions=PARTITIONS, seed=21)
    for place in range(7, len(messages), 64):
        messages[place] = Message(
            document(f"poison {place}", "Amina has Raiseitis"), place % PARTITIONS
        )
    publish(kafka, topics.documents, messages)
    worker = new_worker(topics.config())
    worker.start(program=POISONED)
    topics.wait_done()

    assert worker.stop() == 0
    letters = kafka.read(topics.dead_letters)
    found = events(kafka.read(topics.entities, until=15 * 63))
    clean = events(read_by_a_usual_worker(topics, unique, new_worker))
    assert [header(each.headers, "onoma-reason") for each in letters] == [b"processing_failed"] * 15
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
    ("poison", "mode", "reason"),
    [
        ("Segfaultitis", "exactly_once", b"killed_worker"),
        pytest.param("Memoryitis", "at_least_once", b"killed_worker", marks=pytest.mark.slow),
        pytest.param("Hangitis", "exactly_once", b"too_slow", marks=pytest.mark.slow),
    ],
)
def test_a_document_that_kills_its_workers_is_put_aside_and_its_neighbours_are_as_without_it(
    kafka: KafkaBroker,
    unique: Unique,
    new_worker: NewWorker,
    tmp_path: Path,
    poison: str,
    mode: str,
    reason: bytes,
) -> None:
    topics = Topics.create(kafka, unique, partitions=PARTITIONS)
    publish(kafka, topics.documents, documents(poison))
    hanging = tmp_path / "hanging"
    config = topics.config(
        delivery={"mode": mode},
        quarantine={"seconds": 2 if reason == b"too_slow" else 60, "memory_bytes": 512 * 1024**2},
        kafka={"group_instance_id": "the-one"},
    )
    worker = new_worker(config, environment={"HANGING": str(hanging)})

    deaths = deaths_until_done(topics, worker, hanging)

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
