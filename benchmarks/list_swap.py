"""What the swap of a list of a million names costs the documents that flow meanwhile.

    python -m benchmarks.list_swap [--quick]

A worker on a real broker screens short documents, some a second, against a list of a million names
that is built already (name_pool.py). Then the list is announced again and again under another
version, and each time the worker verifies, maps and warms it beside the one that serves. A
document's time runs from publishing it to its committed event; those published between a notice and
its service are compared with those of a steady worker.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec
import psutil
from confluent_kafka import Producer

from benchmarks.documents import Document, of_length
from benchmarks.name_pool import pool
from benchmarks.results import Figure, Run, median, options, percentile
from benchmarks.rig import PARTITIONS, Subject, broker, measured_core, new_topics, pinned
from onoma.contracts.notice import Announced, Notice, encode
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.manifest import MANIFEST_NAME
from onoma.gazetteer.segment import Identity, read_manifest, write_segment
from onoma.registry.store import Store
from tests.stream.topics import Message, Topics, publish
from tests.stream.worker import Worker

QUESTION = "What does the swap of a list of a million names cost the documents that flow?"
NAME, NAMES = "million", 1_000_000
SWAPS = 10
WORDS = 60
DOCUMENTS_A_SECOND = 10
STEADY_SECONDS = 60.0
BETWEEN_SECONDS = 13.0
"""From a swap to the next notice: memory is given back ten seconds after one."""
SETTLED_SECONDS = 20.0
"""After the last: the old list is gone with its documents, and memory was given back."""
ASK_SECONDS = 0.2
"""Between two looks at the worker's metrics, which take its time."""
PATIENCE_SECONDS = 120.0
MIB = 1024**2


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    swaps = run.size(SWAPS, 2)
    documents = of_length(400, WORDS, data, languages=("swa", "hau", "hin", "amh", "zul"))
    with tempfile.TemporaryDirectory(dir=_made(work)) as directory:
        store = Store(Path(directory))
        notices = _versions(store, pool(data, run.size(NAMES, 20_000)))
        with broker() as running, _worker(new_topics(running), store) as (worker, subject):
            flow = Flow(subject, documents)
            _announce(worker, subject, notices[0], 1, flow)
            flow.go_on(10.0)
            flow.times.clear()
            flow.go_on(run.size(int(STEADY_SECONDS), 5))
            steady = [each.seconds for each in flow.times]
            before, seconds, held = _memory(worker), [], []
            flow.times.clear()
            for swap in range(1, swaps + 1):
                began = time.perf_counter()
                _announce(worker, subject, notices[swap % 2], swap + 1, flow)
                seconds.append(time.perf_counter() - began)
                flow.during(began, began + seconds[-1])
                flow.go_on(BETWEEN_SECONDS)
                held.append(_memory(worker)["own"])
            flow.go_on(SETTLED_SECONDS)
            flow.finish()
            meanwhile = flow.meanwhile()
            after = _memory(worker)
            refused = sum(
                worker.metric("onoma_notices_total", kind="gazetteer", outcome=outcome)
                for outcome in ("unfit", "absent", "malformed")
            )
            failed = worker.metric("onoma_documents_total", outcome="dead_lettered") + refused
            alerts = worker.metric("onoma_alerts_total")
    ratio = _ms(meanwhile, 0.99) / _ms(steady, 0.99)
    figures = [
        Figure("documents and notices that failed", failed, 0, "at most"),
        Figure("p99 of a document's time, a list is swapped / steady", round(ratio, 2), 2.0,
               "at most"),
        Figure("p99 of a document's time, steady", _ms(steady, 0.99), unit="ms"),
        Figure("p99 of a document's time, a list is swapped", _ms(meanwhile, 0.99), unit="ms"),
        Figure("from notice to service, median", median(seconds), unit="s"),
        Figure("memory after the last swaps / after the first", round(_growth(held), 3), 1.1,
               "at most"),
    ]  # fmt: skip
    details = {
        "names": run.size(NAMES, 20_000),
        "swaps": swaps,
        "documents": flow.published,
        "documents meanwhile": len(meanwhile),
        "alerts": alerts,
        "milliseconds": {
            what: {f"p{share}": _ms(times, share / 100) for share in (50, 90, 99)}
            | {"max": _ms(times, 1.0)}
            for what, times in (("steady", steady), ("while a list is swapped", meanwhile))
        },
        "notice to service, longest, seconds": round(max(seconds), 2),
        "memory, MiB": {"before": before, "after": after, "own after each swap": held},
    }
    run.keep("list_swap", QUESTION, figures, details)


@dataclass(frozen=True, slots=True)
class _Time:
    published: float
    seconds: float


@dataclass(slots=True)
class Flow:
    """Publishes documents one after the other, and notes how long each takes."""

    subject: Subject
    documents: Sequence[Document]
    published: int = 0
    times: list[_Time] = field(default_factory=list)
    _spans: list[tuple[float, float]] = field(default_factory=list)
    _waiting: dict[int, deque[float]] = field(default_factory=dict)
    _producer: Producer | None = None

    def go_on(self, seconds: float) -> None:
        """Let documents flow for a while."""
        until = time.perf_counter() + seconds
        self.go_on_until(lambda: time.perf_counter() >= until)

    def go_on_until(self, done: Callable[[], bool]) -> None:
        """Let documents flow until `done`."""
        due = time.perf_counter()
        while not done():
            now = time.perf_counter()
            if now >= due:
                self._publish(now)
                due = max(due + 1 / DOCUMENTS_A_SECOND, now - 1.0)
            self._note(max(0.001, min(0.02, due - now)))

    def finish(self) -> None:
        """Wait for the events of all that was published."""
        if self._producer is not None:
            self._producer.flush(PATIENCE_SECONDS)
        self._producer = None
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while any(self._waiting.values()):
            self._note(0.05)
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{sum(map(len, self._waiting.values()))} events are missing")

    def during(self, began: float, ended: float) -> None:
        """Remember when a list was swapped."""
        self._spans.append((began, ended))

    def meanwhile(self) -> list[float]:
        """Return the times of the documents that were published while a list was swapped."""
        return [
            each.seconds
            for each in self.times
            if any(began <= each.published <= ended for began, ended in self._spans)
        ]

    def _publish(self, now: float) -> None:
        if self._producer is None:
            settings = self.subject.topics.broker.librdkafka_settings()
            self._producer = Producer({**settings, "linger.ms": 0})
        document = self.documents[self.published % len(self.documents)]
        partition = self.published % PARTITIONS
        self._producer.produce(
            self.subject.topics.documents,
            document.value(),
            key=f"{document.name}-{self.published}".encode(),
            partition=partition,
        )
        self._producer.poll(0)
        self._waiting.setdefault(partition, deque()).append(now)
        self.published += 1

    def _note(self, seconds: float) -> None:
        # Events of a partition come in the order of its documents.
        for partition in self.subject.committed(seconds):
            published = self._waiting[partition].popleft()
            self.times.append(_Time(published, time.perf_counter() - published))


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _versions(store: Store, names: Sequence[str]) -> tuple[Notice, Notice]:
    """Put the list into the store under two versions; return their notices."""
    first = store.root / "built"
    entries = (
        Entry(
            entry_id=f"m:{number:07d}",
            type=EntryType.PERSON,
            names=(Name(name, kind=NameKind.PRIMARY),),
        )
        for number, name in enumerate(names)
    )
    write_segment(first, entries, Identity(name=NAME, version="1"), INDEX)
    kept = [_keep(store, first)]
    # Another version of the same names: only the manifest differs.
    manifest, _ = read_manifest(first)
    other = msgspec.structs.replace(manifest, version="2")
    (first / MANIFEST_NAME).write_bytes(msgspec.json.encode(other))
    kept.append(_keep(store, first))
    return kept[0], kept[1]


def _keep(store: Store, directory: Path) -> Notice:
    manifest, sha256 = read_manifest(directory)
    announced = Announced(manifest.name, manifest.version, sha256)
    notice = store.new_notice("gazetteer", announced)
    store.keep(directory, notice)
    return notice


@contextmanager
def _worker(topics: Topics, store: Store) -> Iterator[tuple[Worker, Subject]]:
    topics.create_control()
    worker = Worker(store.root / "worker", topics.config(store={"path": str(store.root)}))
    try:
        with pinned({measured_core()}):
            worker.start()
        worker.wait_ready()
        subject = Subject(topics, [worker.pid])
        yield worker, subject
        subject.close()
    finally:
        worker.kill()


def _announce(worker: Worker, subject: Subject, notice: Notice, served: int, flow: Flow) -> None:
    """Announce a version, and let documents flow until it serves."""
    topics = subject.topics
    publish(topics.broker, topics.gazetteers, [Message(encode(notice), key=NAME.encode())])
    started = asked = time.perf_counter()

    def is_served() -> bool:
        nonlocal asked
        now = time.perf_counter()
        if now < asked + ASK_SECONDS:
            return False
        asked = now
        if now > started + PATIENCE_SECONDS:
            raise TimeoutError(f"the list is not served; the worker's log:\n{worker.log}")
        return worker.metric("onoma_notices_total", kind="gazetteer", outcome="served") >= served

    flow.go_on_until(is_served)


def _memory(worker: Worker) -> dict[str, float]:
    """Return what the worker holds: all, and without the pages of files that are mapped."""
    held = psutil.Process(worker.pid).memory_info()
    own = (held.rss - held.shared) / MIB
    return {"resident": round(held.rss / MIB, 1), "own": round(own, 1)}


def _growth(held: Sequence[float]) -> float:
    """Return the median of the second half over that of the first."""
    half = len(held) // 2
    return statistics.median(held[half:]) / statistics.median(held[:half])


def _ms(seconds: Sequence[float], share: float) -> float:
    return round(1000 * percentile(seconds, share), 2)


if __name__ == "__main__":
    main()
