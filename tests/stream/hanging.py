"""Workers that really hang, each in a process of its own on a real Kafka, and what they must do.

For the tests of the watchdog and for the record of it (tests/faults/stalls.py).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from onoma.stream.watchdog import EXIT_CODE
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Topics, publish, short_documents
from tests.stream.worker import Worker

DOCUMENTS = 200
STUCK = ("tests.stream.stuck_worker",)
WITHIN_SECONDS = 60
"""Of its stage's own deadline a worker has to end."""
WATCHDOG = {
    "loop_seconds": 10,
    "call_seconds": 10,
    "fetch_seconds": 10,
    "publish_seconds": 12,
    "rebalance_seconds": 17,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Where a worker hangs, after how many good passes, and what says so."""

    at: str
    what: str
    after: int
    stage: str
    knob: str


CALL = Kind("call", "a model call that never returns", 3, "call", "call_seconds")
FETCH = Kind("fetch", "a consumer that receives nothing any more", 2, "fetch", "fetch_seconds")
LOOP = Kind("loop", "a blocked event loop", 3, "loop", "loop_seconds")
PUBLISH = Kind(
    "publish",
    "a publication that never ends and can't be cancelled",
    3,
    "publish",
    "publish_seconds",
)
COORDINATOR = Kind("join", "a coordinator that is never found", 0, "join", "rebalance_seconds")
# The first time is its own joining, the second the next rebalance.
REBALANCE = Kind("rebalance", "a rebalance that never ends", 1, "rebalance", "rebalance_seconds")


class Hanging:
    """A worker that hangs, on topics of its own."""

    def __init__(
        self, kind: Kind, kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
    ) -> None:
        self._kind = kind
        self._new_worker = new_worker
        self._topics = Topics.create(kafka, unique, partitions=2)
        self._config = self._topics.config(
            kafka={"rebalance_timeout_seconds": 11},
            delivery={"publish_timeout_seconds": 1},
            processing={"documents_in_flight": 16},
            watchdog=WATCHDOG,
        )
        publish(kafka, self._topics.documents, short_documents(DOCUMENTS, partitions=2, seed=8))
        environment = {"STUCK_AT": kind.at, "STUCK_AFTER": str(kind.after)}
        self._worker: Worker = new_worker(self._config, program=STUCK, environment=environment)
        self._worker.start()

    def hang(self) -> None:
        """Wait until it hangs; a rebalance needs a second worker to begin."""
        if self._kind is REBALANCE:
            self._worker.wait_until(lambda: self._topics.committed() > 0, "documents flow")
            self._new_worker(self._config).start()
        self._worker.wait_until(lambda: '"event": "stuck"' in self._worker.log, "it hangs")

    def wait_for_end(self) -> float:
        """Wait for the end and look at what it said; return the seconds from the hang to it."""
        kind, worker = self._kind, self._worker
        hung = next(each["at"] for each in worker.events if each["event"] == "stuck")
        deadline = WATCHDOG[kind.knob]
        left = deadline + WITHIN_SECONDS - (time.time() - hung)

        assert worker.wait_for_end(max(0.0, left)) == EXIT_CODE
        seconds: float = time.time() - hung
        said = [line for line in worker.log.splitlines() if line.startswith("onoma: ")]
        assert len(said) == 1
        assert said[0].startswith(f"onoma: stage {kind.stage} ")
        assert f"its deadline is {deadline} s (watchdog.{kind.knob})" in said[0]
        return seconds

    def go_on(self) -> None:
        """Start a worker in its place and account for every document."""
        replacement = self._new_worker(self._config)
        replacement.start()
        self._topics.wait_done()
        documents = Counter(each["document_id"] for each in self._topics.events(until=DOCUMENTS))
        assert documents == Counter(f"document-{number}" for number in range(DOCUMENTS))


KINDS = (CALL, FETCH, LOOP, PUBLISH, COORDINATOR, REBALANCE)
