"""A book goes through as one event, and the short documents of other partitions do not wait."""

from __future__ import annotations

import random

import pytest

from onoma.contracts.policy import Limits
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import (
    Message,
    Topics,
    document,
    publish,
    short_documents,
    value_of,
)

WORDS = 100_000
SHORT_DOCUMENTS = 150
NAMES = ("Abuja", "Lagos", "Nairobi", "Kano", "Amina", "Farouk")
FILLERS = ("the", "market", "of", "was", "closed", "and", "opened", "in", "with")


def book(words: int) -> str:
    """Return a text with a name in every third word."""
    chance = random.Random(3)
    return " ".join(chance.choice(NAMES if number % 3 == 2 else FILLERS) for number in range(words))


@pytest.mark.slow
def test_a_document_of_100_000_words_is_one_event_while_other_partitions_flow(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    text = book(WORDS)
    # While the book is read no lane may be fetched for a while: the group must not give us up.
    worker = new_worker(
        topics.config(kafka={"max_poll_interval_seconds": 1}, processing={"documents_in_flight": 4})
    )
    worker.start()
    worker.wait_ready()

    publish(kafka, topics.documents, [Message(document("book", text), partition=0)])
    short = short_documents(SHORT_DOCUMENTS, partitions=1, seed=4)
    publish(kafka, topics.documents, [Message(each.value, partition=1) for each in short])
    topics.wait_done(120)

    (of_book,) = [r for r in kafka.read(topics.entities) if r.partition == 0]
    of_short = [r for r in kafka.read(topics.entities) if r.partition == 1]
    event = value_of(of_book)
    assert len(of_book.value or b"") < Limits().event_bytes
    assert event["coverage"]["ratio"] == 1.0
    assert event["coverage"]["truncated"] is False
    assert len(event["entities"]) > WORDS / 10
    assert all(text[e["start"] : e["end"]] == e["text"] for e in event["entities"])
    assert len(of_short) == SHORT_DOCUMENTS
    published = kafka.read(topics.documents)[0].timestamp
    # How many depends on the machine; that they did not wait for the book does not.
    meanwhile = [r for r in of_short if published <= r.timestamp < of_book.timestamp]
    assert len(meanwhile) >= SHORT_DOCUMENTS // 10
    assert worker.metric("onoma_rebalances_total") == 1
    assert worker.stop() == 0


def test_a_lane_that_is_full_of_long_documents_keeps_its_place_in_the_group(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    worker = new_worker(
        topics.config(
            kafka={"max_poll_interval_seconds": 0.5}, processing={"documents_in_flight": 1}
        )
    )
    publish(kafka, topics.documents, [Message(document("book", book(WORDS)))])
    worker.start()
    topics.wait_done()

    assert worker.metric("onoma_rebalances_total") == 1
    assert worker.metric("onoma_documents_total", outcome="annotated") == 1
    assert worker.stop() == 0
