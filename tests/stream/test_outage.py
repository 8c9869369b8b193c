"""A broker that goes away costs time and nothing else: no document, no restart, no false alarm.

It is killed, not stopped in good order: Apache Kafka 4.3.1 as the only node of its cluster can
declare a transaction complete while it shuts down and never write its marker, and the abort of the
next transaction then hides committed outputs. No client can see or mend that.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import StartKafka, Unique
from tests.kafka.broker import PLAINTEXT
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, publish, short_documents
from tests.stream.worker import POLL_SECONDS, Worker, wait_until

OUTAGE_SECONDS = 30.0
DOCUMENTS = 1500


class Probes:
    """Asks /livez and /readyz all the while; notes each change of the answers."""

    def __init__(self, worker: Worker) -> None:
        self.live: set[int | None] = set()
        self.ready: list[int | None] = []
        self._worker = worker
        self._end = threading.Event()

    def ask(self) -> None:
        while not self._end.wait(POLL_SECONDS):
            self.live.add(self._worker.probe("/livez"))
            ready = self._worker.probe("/readyz")
            if self.ready[-1:] != [ready]:
                self.ready.append(ready)

    def stop(self) -> None:
        self._end.set()


@contextmanager
def probing(worker: Worker) -> Iterator[Probes]:
    probes = Probes(worker)
    thread = threading.Thread(target=probes.ask)
    thread.start()
    try:
        yield probes
    finally:
        probes.stop()
        thread.join()


@pytest.mark.slow
def test_a_worker_outlives_its_broker_for_30_seconds_and_loses_and_repeats_nothing(
    start_kafka: StartKafka, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    broker = start_kafka(PLAINTEXT)
    topics = Topics.create(broker, unique, partitions=4)
    topics.create_control()
    worker = new_worker(
        topics.config(
            store={"path": str(tmp_path)},
            # Above the outage: the broker must not abort by itself while it starts.
            delivery={"transaction_timeout_seconds": 2 * OUTAGE_SECONDS},
            processing={"documents_in_flight": 16},
        )
    )
    publish(broker, topics.documents, short_documents(DOCUMENTS, partitions=4, seed=5))
    worker.start()
    worker.wait_ready()
    pid = worker.pid

    with probing(worker) as probes:
        worker.wait_until(lambda: topics.committed() > 0, "documents flow")
        broker.kill()
        # The outage is the subject here, so this waits by the clock.
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped > OUTAGE_SECONDS, "the outage is over")
        broker.start()
        worker.wait_until(lambda: worker.probe("/readyz") == 200, "it is ready again")
        topics.wait_done()
        # Its control topic is followed still.
        publish(broker, topics.models, [Message(b"no notice", key=b"model")])
        worker.wait_until(
            lambda: worker.metric("onoma_notices_total", outcome="malformed") == 1,
            "the notice is refused",
        )

    events = topics.events(until=DOCUMENTS)
    assert Counter(event["document_id"] for event in events) == Counter(
        f"document-{number}" for number in range(DOCUMENTS)
    )
    assert probes.live == {200}
    assert probes.ready == [200, 503, 200]
    assert worker.pid == pid
    assert worker.stop() == 0


@pytest.mark.parametrize("mode", ["exactly_once", "at_least_once"])
def test_a_worker_that_is_told_to_stop_while_the_broker_is_away_stops_in_time(
    start_kafka: StartKafka, unique: Unique, tmp_path: Path, new_worker: NewWorker, mode: str
) -> None:
    broker = start_kafka(PLAINTEXT)
    topics = Topics.create(broker, unique, partitions=4)
    topics.create_control()
    drain_seconds = 1
    worker = new_worker(
        topics.config(
            kafka={"rebalance_timeout_seconds": 100, "request_timeout_seconds": 110},
            # Far above the bound: the end must not wait for publications.
            delivery={
                "mode": mode,
                "publish_timeout_seconds": 60,
                "transaction_timeout_seconds": 70,
            },
            processing={"documents_in_flight": 16},
            store={"path": str(tmp_path)},
            shutdown={"drain_seconds": drain_seconds},
        )
    )
    publish(broker, topics.documents, short_documents(DOCUMENTS, partitions=4, seed=6))
    worker.start()
    worker.wait_until(lambda: topics.committed() > 0, "documents flow")
    broker.kill()
    worker.wait_until(lambda: worker.probe("/readyz") == 503, "it is not ready")

    assert worker.stop(timeout_seconds=drain_seconds + 20) == 0


def test_a_worker_that_is_told_to_stop_before_the_broker_ever_answered_stops_at_once(
    start_kafka: StartKafka, unique: Unique, new_worker: NewWorker
) -> None:
    broker = start_kafka(PLAINTEXT)
    topics = Topics.named(broker, unique)
    broker.stop()
    worker = new_worker(topics.config())
    worker.start()
    worker.wait_until(lambda: "not ready to start" in worker.log, "it has tried")

    assert worker.probe("/livez") == 200
    assert worker.probe("/readyz") == 503
    assert worker.stop(timeout_seconds=20) == 0
