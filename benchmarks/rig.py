"""The rig of the benchmarks on Kafka: a real broker, workers pinned to cores, the clock of a run.

Broker, load and reader have the first cores, what is measured has the last one. A run begins with
all documents in the topic and ends when a reader at `read_committed` has seen the last event: from
topic to committed events. Words per second are by that clock, words per CPU-second by the processor
time of the worker's process, whatever its threads did in it.
"""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.documents import Document, words_of
from onoma.errors import WrongUseError
from tests.kafka.broker import KafkaBroker
from tests.kafka.classpath import prepare
from tests.stream.topics import Message, Topics, publish
from tests.stream.worker import Worker

PARTITIONS = 4
PATIENCE_SECONDS = 1_800.0
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its documents' words, its seconds by the clock, the worker's seconds of CPU."""

    words: int
    seconds: float
    cpu_seconds: float

    @property
    def words_per_second(self) -> float:
        """Return the speed by the clock."""
        return self.words / self.seconds

    @property
    def words_per_cpu_second(self) -> float:
        """Return the speed by processor time."""
        return self.words / self.cpu_seconds


def measured_core() -> int:
    """Return the core of what is measured: the last one."""
    cores = sorted(range(os.cpu_count() or 1))
    if len(cores) < 2:
        raise WrongUseError("found one core; wanted two: one for the worker, one for the broker")
    return cores[-1]


def other_cores() -> set[int]:
    """Return the cores of broker, load and reader."""
    return set(range(os.cpu_count() or 1)) - {measured_core()}


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Hold this thread, and what is started meanwhile, to `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def broker() -> Iterator[KafkaBroker]:
    """Run a broker on the first cores; the caller stays there too, until the end."""
    prepare()
    # A benchmark that is terminated ends what it started, too.
    signal.signal(signal.SIGTERM, _interrupt)
    with (
        tempfile.TemporaryDirectory() as directory,
        pinned(other_cores()),
        KafkaBroker(Path(directory)) as running,
    ):
        yield running


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Subject:
    """A program that reads a topic of documents and writes one event for each, with its topics.

    `processes` may be more than one of a group; they are all measured together.
    """

    def __init__(self, topics: Topics, processes: Sequence[int]) -> None:
        self.topics = topics
        self._processes = [psutil.Process(pid) for pid in processes]
        self._reader = _reader(topics)

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def cpu_seconds(self) -> float:
        """Return the processor time that the processes have used."""
        times = [process.cpu_times() for process in self._processes]
        return float(sum(each.user + each.system for each in times))

    def resident_bytes(self) -> int:
        """Return the memory that the processes hold."""
        return int(sum(process.memory_info().rss for process in self._processes))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the processes meanwhile, so that they take no time from what else is measured."""
        for process in self._processes:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in self._processes:
                os.kill(process.pid, signal.SIGCONT)

    def publish(self, documents: Sequence[Document], partition: int | None = None) -> None:
        """Publish to `partition`, to all in turn without it."""
        publish(
            self.topics.broker,
            self.topics.documents,
            [
                Message(
                    document.value(),
                    partition=number % PARTITIONS if partition is None else partition,
                    key=document.name.encode(),
                )
                for number, document in enumerate(documents)
            ],
        )

    def run(self, documents: Sequence[Document]) -> Measured:
        """Publish `documents`, let the worker go, wait for the last committed event."""
        with self.frozen():
            self.publish(documents)
            before, started = self.cpu_seconds(), time.perf_counter()
        self.wait_for(len(documents))
        seconds = time.perf_counter() - started
        return Measured(words_of(documents), seconds, self.cpu_seconds() - before)

    def wait_for(self, events: int) -> None:
        """Wait until `events` more events are committed."""
        left = events
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left > 0:
            left -= len(self.committed(0.05))
            self._refuse_late(deadline, f"{left} events")

    def wait_for_lanes(self, wanted: Mapping[int, int]) -> Counter[int]:
        """Wait until each partition of `wanted` has brought so many events; return how many came
        meanwhile of each partition.
        """
        seen: Counter[int] = Counter()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(seen[partition] < count for partition, count in wanted.items()):
            seen.update(self.committed(0.05))
            self._refuse_late(deadline, f"{wanted}, found {seen}")
        return seen

    def _refuse_late(self, deadline: float, missing: str) -> None:
        for process in self._processes:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"a process that is measured has ended; missing {missing}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SECONDS:.0f} s for {missing}")

    def committed(self, timeout_seconds: float) -> list[int]:
        """Return the partitions of the events committed since the last call; wait for the first."""
        first = self._reader.poll(timeout_seconds)
        # With a wait of its own it would wait until there are so many.
        messages = [first, *self._reader.consume(1_000, 0)] if first is not None else []
        found = []
        for message in messages:
            if error := message.error():
                raise KafkaException(error)
            found.append(message.partition() or 0)
        return found


@contextmanager
def workers(
    running: KafkaBroker,
    *,
    cores: Sequence[int] = (),
    sections: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[tuple[Subject, list[Worker]]]:
    """Run a worker on each of `cores`, on the measured one without any, all in one group on new
    topics; yield when they share the partitions.
    """
    topics = new_topics(running)
    started: list[Worker] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for core in cores or [measured_core()]:
            worker = Worker(directory / f"{core}", settings_of(topics, sections or {}))
            stack.callback(worker.kill)
            with pinned({core}):
                worker.start()
            started.append(worker)
        for worker in started:
            worker.wait_ready()
            worker.wait_until(
                partial(_owns, worker, PARTITIONS // len(started)), "the partitions are shared"
            )
        subject = Subject(topics, [worker.pid for worker in started])
        stack.callback(subject.close)
        yield subject, started


def _owns(worker: Worker, partitions: int) -> bool:
    return worker.metric("onoma_partitions_assigned") == partitions


def settings_of(
    topics: Topics, sections: Mapping[str, Mapping[str, object]]
) -> dict[str, Mapping[str, object]]:
    """Return a worker's settings: the defaults, but for its topics and the group's patience."""
    return {
        "kafka": {
            "bootstrap_servers": topics.broker.bootstrap,
            "group_id": topics.group,
            # Whoever is stopped while another is measured keeps its place in the group.
            "session_timeout_seconds": 600,
            "max_poll_interval_seconds": 3600,
        },
        "topics": {
            "documents": topics.documents,
            "entities": topics.entities,
            "dead_letters": topics.dead_letters,
        },
        **sections,
    }


def new_topics(running: KafkaBroker) -> Topics:
    """Create topics that nobody else uses."""
    return Topics.create(running, lambda word: f"{word}-{next(_NUMBERS)}", partitions=PARTITIONS)


def _reader(topics: Topics) -> Consumer:
    reader = Consumer(
        {
            **topics.broker.librdkafka_settings(),
            "group.id": f"{topics.group}-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 100,
            # Tell of a record as soon as it is there.
            "fetch.queue.backoff.ms": 1,
        }
    )
    reader.list_topics(topics.entities, timeout=30)
    reader.assign([TopicPartition(topics.entities, number, 0) for number in range(PARTITIONS)])
    return reader
