"""`python -m tests.faults.membership`: members that come back, and members that come and go.

One is killed again and again and started anew within its session time, as an orchestrator does it:
how soon its partitions are back, and whether the others notice. Then the crew is scaled from one
worker to three and back while documents flow, and every input offset is accounted for. The record
of the latest run is `membership.json`, which docs/reliability.md shows.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from onoma.stream.chaos.figures import figures
from onoma.stream.chaos.report import versions
from tests.faults.load import Load
from tests.faults.reader import account_for
from tests.faults.results import Record
from tests.faults.stage import LOG_APPEND_TIME
from tests.kafka.broker import KafkaBroker
from tests.kafka.classpath import prepare
from tests.kafka.runtime import kafka_version
from tests.stream.topics import Topics
from tests.stream.worker import Worker, wait_until

RECORD = Path(__file__).with_name("membership.json")
PARTITIONS = 6
PER_SECOND = 30
"""After a death a stretch of documents is read one by one: less comes than is read so."""
RESTARTS = 5
SESSION_SECONDS = 45
"""The chart's."""
SHORT_SESSION_SECONDS = 6
"""After scaling down, partitions of static members rest for the session time."""
STEP_SECONDS = 20.0
ASSIGNED = "onoma_partitions_assigned"
REBALANCES = "onoma_rebalances_total"
LAG = "onoma_consumer_lag_records"
DONE_SECONDS = 300.0


def main() -> int:
    """Play both, and write the record."""
    prepare()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        with KafkaBroker(place / "kafka") as kafka:
            restarted = _restarted(Crew(kafka, place, "restarted", SESSION_SECONDS))
            scaled = [
                _scaled(Crew(kafka, place, membership, SHORT_SESSION_SECONDS), membership)
                for membership in ("static", "dynamic")
            ]
    record = {
        "started_at": started_at,
        "command": "python -m tests.faults.membership",
        "load_average": round(os.getloadavg()[1], 1),
        "restarted": restarted,
        "scaled": scaled,
        "versions": versions(kafka=kafka_version()),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps({key: record[key] for key in ("restarted", "scaled")}, indent=1))
    kept = not restarted["rebalances_of_the_other"]
    return 0 if kept and all(each["faultless"] for each in [restarted, *scaled]) else 1


def read() -> Record | None:
    """Return the record, if there is one."""
    found: Record | None = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else None
    return found


class Crew:
    """Workers of one group; documents flow while they come and go."""

    def __init__(self, kafka: KafkaBroker, directory: Path, name: str, session: int) -> None:
        self.topics = Topics.create(
            kafka,
            lambda word: f"{word}-{name}",
            partitions=PARTITIONS,
            options=LOG_APPEND_TIME,
        )
        self._directory = directory / name
        self._kafka: Mapping[str, object] = {"session_timeout_seconds": session}
        self._load = Load(
            kafka, self.topics.documents, partitions=PARTITIONS, seed=1, per_second=PER_SECOND
        )
        self._workers: list[Worker] = []
        self._began_ms = 0

    def worker(self, *, static: bool) -> Worker:
        """Make one more worker."""
        number = len(self._workers)
        own = {"group_instance_id": f"worker-{number}"} if static else {}
        config = self.topics.config(kafka={**self._kafka, **own})
        self._workers.append(Worker(self._directory / f"worker-{number}", config))
        return self._workers[-1]

    @contextmanager
    def documents(self) -> Iterator[None]:
        """Let documents flow; at the end all are done and all workers stopped."""
        self._began_ms = round(1000 * time.time())
        self._load.start()
        try:
            yield
        finally:
            self._load.stop()
        try:
            self.topics.wait_done(DONE_SECONDS)
        finally:
            for worker in self._workers:
                if worker.running:
                    worker.stop()

    def account(self, moments_ms: tuple[int, ...]) -> dict[str, Any]:
        """Account for every document, and say how long nothing moved."""
        account, seen = account_for(self.topics, repeats_allowed=False)
        found = figures(seen, self._began_ms, moments_ms)
        return {
            "documents": account.documents,
            "lost": account.lost,
            "twice": account.twice,
            "faultless": account.faultless,
            "longest_stall_seconds": found.longest_stall_seconds,
            "longest_rest_of_a_partition_seconds": found.longest_recovery_seconds,
        }


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds from the kill until the partitions were back, and of these from when the worker had
    loaded its model and went to join.
    """

    seconds: float
    joining_seconds: float


def _restarted(crew: Crew) -> dict[str, Any]:
    killed, other = crew.worker(static=True), crew.worker(static=True)
    for worker in (killed, other):
        worker.start()
    for worker in (killed, other):
        _wait_for_partitions(worker, PARTITIONS // 2)
    before = other.metric(REBALANCES)
    restarts, moments = [], []
    with crew.documents():
        for _ in range(RESTARTS):
            # A document that is there at two deaths in a row would be tried alone.
            _wait_for_calm(killed)
            moments.append(round(1000 * time.time()))
            restarts.append(_restart(killed))
        _wait_for_calm(killed)
        rebalances = other.metric(REBALANCES) - before
    return {
        "session_seconds": SESSION_SECONDS,
        "restarts": [asdict(each) for each in restarts],
        "median_seconds": median(each.seconds for each in restarts),
        "longest_joining_seconds": max(each.joining_seconds for each in restarts),
        "rebalances_of_the_other": int(rebalances),
        **crew.account(tuple(moments)),
    }


def _restart(worker: Worker) -> Restart:
    killed = datetime.now(UTC)
    worker.kill()
    worker.start()
    _wait_for_partitions(worker, PARTITIONS // 2)
    started, assigned = (
        _when(worker, event) for event in ("worker started", "partitions assigned")
    )
    return Restart(
        round((assigned - killed).total_seconds(), 2),
        round((assigned - started).total_seconds(), 2),
    )


def _wait_for_calm(worker: Worker) -> None:
    """Wait until a worker has caught up, and goes on for a while."""

    def caught_up() -> bool:
        lags = worker.samples(LAG)  # there once the brokers were asked
        return bool(lags) and sum(lags) <= PER_SECOND

    wait_until(caught_up, f"at most {PER_SECOND} documents wait", DONE_SECONDS)
    time.sleep(STEP_SECONDS / 4)


def _when(worker: Worker, event: str) -> datetime:
    (found,) = (each for each in worker.events if each["event"] == event)
    return datetime.fromisoformat(found["timestamp"])


def _scaled(crew: Crew, membership: str) -> dict[str, Any]:
    first, *more = (crew.worker(static=membership == "static") for _ in range(3))
    first.start()
    _wait_for_partitions(first, PARTITIONS)
    with crew.documents():
        time.sleep(STEP_SECONDS / 4)
        up = round(1000 * time.time())
        for worker in more:
            worker.start()
        for worker in (first, *more):
            _wait_for_partitions(worker, PARTITIONS // 3)
        time.sleep(STEP_SECONDS)
        down = round(1000 * time.time())
        for worker in reversed(more):
            worker.terminate()
        codes = [worker.wait_for_end() for worker in more]
        _wait_for_partitions(first, PARTITIONS)
        time.sleep(STEP_SECONDS / 4)
    account = crew.account((up, down))
    account["faultless"] = account["faultless"] and not any(codes)
    return {"membership": membership, "session_seconds": SHORT_SESSION_SECONDS, **account}


def _wait_for_partitions(worker: Worker, count: int) -> None:
    def has_them() -> bool:
        return worker.probe("/readyz") == 200 and worker.metric(ASSIGNED) == count

    wait_until(has_them, f"it has {count} partitions", DONE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
