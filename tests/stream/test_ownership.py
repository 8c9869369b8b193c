"""Partitions move when they have to and stay when they can; what a worker owns it finishes."""

from __future__ import annotations

import pytest

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Topics, publish, short_documents, value_of
from tests.stream.worker import Worker

REBALANCES = "onoma_rebalances_total"
ASSIGNED = "onoma_partitions_assigned"
WORDS_OF_THE_TEXTS = ("Amina", "Danjuma", "Maiduguri", "Abuja", "yesterday", "traders")


def has_partitions(worker: Worker, count: int) -> bool:
    return worker.probe("/readyz") == 200 and worker.metric(ASSIGNED) == count


def lag_of(worker: Worker) -> list[float]:
    """Return the lag of each partition that it shows."""
    return worker.samples("onoma_consumer_lag_records")


def test_a_static_member_that_is_killed_comes_back_to_its_partitions_and_nobody_notices(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=4)
    static = {"session_timeout_seconds": 30}
    killed = new_worker(topics.config(kafka={**static, "group_instance_id": "worker-0"}))
    other = new_worker(topics.config(kafka={**static, "group_instance_id": "worker-1"}))
    killed.start()
    other.start()
    killed.wait_until(lambda: has_partitions(killed, 2), "it owns two partitions")
    other.wait_until(lambda: has_partitions(other, 2), "it owns two partitions")
    before = other.metric(REBALANCES)

    killed.kill()
    publish(kafka, topics.documents, short_documents(200, partitions=4, seed=10))
    killed.start()
    killed.wait_until(lambda: has_partitions(killed, 2), "it owns two partitions again")
    topics.wait_done()

    assert other.metric(REBALANCES) == before
    assert other.metric(ASSIGNED) == 2
    assert killed.metric(REBALANCES) == 1
    assert len(topics.events(until=200)) == 200
    assert killed.stop() == 0
    assert other.stop() == 0


def test_the_model_is_verified_and_warm_before_the_first_partition_is_taken(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    worker = new_worker(topics.config())
    worker.start()
    worker.wait_ready()

    told = [event["event"] for event in worker.events]
    assert told.index("worker started") < told.index("partitions assigned")
    assert worker.metric("onoma_model_load_duration_seconds") > 0
    assert worker.stop() == 0


def test_a_worker_that_is_told_to_stop_publishes_what_is_in_flight(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=4)
    worker = new_worker(topics.config())
    publish(kafka, topics.documents, short_documents(3000, partitions=4, seed=11))
    worker.start()
    worker.wait_until(lambda: topics.committed() > 0, "documents flow")

    assert worker.stop() == 0

    committed = topics.committed()
    (drained,) = [event for event in worker.events if event["event"] == "drained"]
    assert drained["documents_left"] == 0
    assert 0 < committed < 3000
    assert len(topics.events()) == committed
    assert kafka.aborted_records(topics.entities) == 0


def test_partitions_of_a_worker_that_stops_go_to_the_other_at_once(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=4)
    # Longer than the test waits: only leaving the group gives the partitions back in time.
    long_session = {"session_timeout_seconds": 60}
    first = new_worker(topics.config(kafka=long_session))
    second = new_worker(topics.config(kafka=long_session))
    first.start()
    first.wait_until(lambda: has_partitions(first, 4), "it owns all partitions")
    second.start()
    second.wait_until(lambda: has_partitions(second, 2), "it owns half of the partitions")

    assert first.stop() == 0

    second.wait_until(lambda: has_partitions(second, 4), "it owns all partitions", 20)
    assert second.stop() == 0


@pytest.mark.parametrize("moment", ["before it joins", "while the group rebalances"])
def test_a_worker_can_be_told_to_stop_at_any_moment(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker, moment: str
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    publish(kafka, topics.documents, short_documents(200, partitions=2, seed=12))
    other, worker = new_worker(topics.config()), new_worker(topics.config())
    if moment == "while the group rebalances":
        other.start()
        other.wait_until(lambda: has_partitions(other, 2), "it owns all partitions")
        # A member that is gone without a word holds the next rebalance up for its session.
        other.kill()
    worker.start()
    worker.wait_until(lambda: "Service]: Starting" in worker.log, "it has started")

    assert worker.stop(timeout_seconds=20) == 0
    assert "Traceback" not in worker.log


def test_a_worker_that_was_frozen_is_fenced_and_repeats_nothing(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    frozen, other = new_worker(topics.config()), new_worker(topics.config())
    publish(kafka, topics.documents, short_documents(3000, partitions=2, seed=13))
    frozen.start()
    frozen.wait_until(lambda: topics.committed() > 100, "documents flow")

    with frozen.frozen():
        other.start()
        topics.wait_done()
    publish(kafka, topics.documents, short_documents(200, partitions=2, seed=14, start=3000))
    topics.wait_done()
    frozen.wait_until(lambda: has_partitions(frozen, 1), "it is a member again")

    ids = [event["document_id"] for event in topics.events(until=3200)]
    assert len(ids) == len(set(ids)) == 3200
    assert frozen.stop() == 0
    assert other.stop() == 0


def test_after_a_run_the_figures_are_there_and_no_text_is(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    worker = new_worker(topics.config(logs={"level": "debug"}))
    # In a transaction: the marker behind the last document is no document and no lag.
    documents = short_documents(300, partitions=2, seed=15)
    publish(kafka, topics.documents, documents, transactional_id=unique("upstream"))
    worker.start()
    worker.wait_until(lambda: topics.committed() == 300, "every document is committed")
    worker.wait_until(lambda: lag_of(worker) == [0, 0], "the lag is nought")

    annotated = worker.metric("onoma_documents_total", outcome="annotated")
    languages = worker.metric("onoma_documents_by_language_total", language="undeclared")
    entities = worker.metric("onoma_entities_total")
    exposition = worker.exposition()
    assert worker.stop() == 0
    records = kafka.read(topics.entities, until=300)
    assert annotated == languages == len(records) == 300
    assert entities == sum(len(value_of(record)["entities"]) for record in records) > 0
    assert [r.partition for r in records] == [
        value_of(r)["evidence"]["source"]["partition"] for r in records
    ]
    for word in WORDS_OF_THE_TEXTS:
        assert word not in worker.log
        assert word not in exposition
