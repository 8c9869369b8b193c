"""Runs the pipeline's stages on threads: documents of all lanes in, outcomes back to their lanes.

The event loop hands records over and goes on; the threads here decode, pack windows of all lanes
into model calls and conclude. Three rules. A call mixes windows, never results: what a document
gets is its own. A call that fails is split until the document at fault is alone, and only that one
is rejected. And lanes share the processor by words, not by documents: the one that has been served
least is next, admission included, so a lane of books does not starve a lane of tweets.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from onoma.contracts.records import Record
from onoma.errors import processing_failed
from onoma.metrics import Metrics
from onoma.ner.recogniser import Emissions
from onoma.pipeline import (
    DeadLettered,
    Job,
    Outcome,
    Reading,
    Versions,
    admit,
    conclude_all,
    reject,
)
from onoma.stream.stages import Stages

log = structlog.get_logger(__name__)

Deliver = Callable[[Outcome], None]
CONCLUDE_CALLS = 4
"""How many calls' units are decoded at once: the steps of decoding cost alike for few and many. So
many calls are read before what is whole is concluded, if there is so much to read.
"""
SEPARATOR_UNITS = 1
"""The masked row that stands after each window of a call."""


@dataclass(frozen=True, slots=True, eq=False)
class _Arrival:
    """A record that was handed in."""

    lane: Hashable
    record: Record
    versions: Versions
    deliver: Deliver
    submitted: float


@dataclass(slots=True, eq=False)
class _Progress:
    """An admitted document: windows still `waiting`, and `readings` in the order in which calls
    return.
    """

    arrival: _Arrival
    job: Job
    waiting: deque[int]
    readings: list[Reading] = field(default_factory=list)
    failed: bool = False

    def waiting_units(self) -> int:
        return sum(len(self.job.features[index]) for index in self.waiting)

    def readings_in_order(self) -> list[Reading]:
        """Return the readings by their place: calls return in any order, and no outcome may show
        it.
        """
        return sorted(self.readings, key=lambda reading: reading.window.core_start)

    def whole(self) -> bool:
        return not self.failed and len(self.readings) == len(self.job.windows)


@dataclass(slots=True)
class _LaneQueue:
    """What one lane has waiting, and the units it was served (start-time fair queueing, Goyal
    1996); `admitted_units` wait in its `documents`.
    """

    arrivals: deque[_Arrival] = field(default_factory=deque)
    documents: deque[_Progress] = field(default_factory=deque)
    served: int = 0
    admitted_units: int = 0

    def provided(self) -> int:
        """Return what the lane will have been served when its admitted documents are read."""
        return self.served + self.admitted_units

    def units_before(self, turn: int) -> int:
        """Return the admitted units that are read before the lane has been served `turn` units."""
        return min(self.admitted_units, max(0, turn - self.served))


Chosen = tuple[_Progress, int]
"""A document and the index of one of its windows."""


class Scheduler:
    """Threads that take documents from admission to outcome; `deliver` is called on one of them."""

    def __init__(
        self,
        *,
        threads: int,
        units_per_call: int,
        metrics: Metrics,
        on_failure: Callable[[BaseException], None],
        stages: Stages | None = None,
    ) -> None:
        self._stages = stages or Stages()
        self._units_per_call = units_per_call
        self._metrics = metrics
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._lanes: dict[Hashable, _LaneQueue] = {}
        self._concluding: deque[_Progress] = deque()
        self._calls_to_conclude = 0
        self._waiting_units = 0
        self._clock = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"onoma-{i}", daemon=True)
            for i in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Let each thread end after the step it is in; what is waiting is forgotten."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def submit(self, lane: Hashable, record: Record, versions: Versions, deliver: Deliver) -> None:
        """Take a record in; `deliver` gets its outcome, from another thread."""
        arrival = _Arrival(lane, record, versions, deliver, time.perf_counter())
        with self._changed:
            queue = self._lanes.setdefault(lane, _LaneQueue())
            if not queue.arrivals and not queue.documents:
                # A lane that rested has no claim to what it did not use.
                queue.served = max(queue.served, self._clock)
            queue.arrivals.append(arrival)
            self._changed.notify()

    def drop(self, lane: Hashable) -> None:
        """Forget all that `lane` has waiting; what a thread is at may still be delivered."""
        with self._changed:
            queue = self._lanes.pop(lane, _LaneQueue())
            self._waiting_units -= queue.admitted_units
            self._concluding = deque(d for d in self._concluding if d.arrival.lane != lane)

    def _work(self) -> None:
        try:
            for step in self._steps():
                with self._stages.running("call", threading.current_thread().name):
                    step()
        except BaseException as error:
            self._on_failure(error)

    def _steps(self) -> Iterator[Callable[[], None]]:
        """Yield what to do next until the end: finish what a few calls made whole, fill a call,
        read what there is, finish what there is.
        """
        while True:
            with self._changed:
                while (step := self._next_step()) is None and not self._stopping:
                    self._changed.wait()
                if self._stopping or step is None:
                    return
            yield step

    def _next_step(self) -> Callable[[], None] | None:
        if self._concluding and self._calls_to_conclude >= CONCLUDE_CALLS:
            return partial(self._conclude, self._whole_documents())
        hungriest = self._hungriest()
        if hungriest is not None and not self._enough_to_read(hungriest):
            return partial(self._admit, self._next_arrival(hungriest))
        if self._waiting_units:
            return partial(self._read, self._pack())
        if self._concluding:
            return partial(self._conclude, self._whole_documents())
        return None

    def _hungriest(self) -> _LaneQueue | None:
        """Return the lane whose next document is to be admitted first, None if no lane has any."""
        arrived = [queue for queue in self._lanes.values() if queue.arrivals]
        return min(arrived, key=_LaneQueue.provided, default=None)

    def _enough_to_read(self, hungriest: _LaneQueue) -> bool:
        """Say whether to read before more is admitted: a call would be full before the turn came to
        what `hungriest` has not admitted yet, or another lane is a whole call behind it.
        """
        turn = hungriest.provided()
        waiting = [queue for queue in self._lanes.values() if queue.documents]
        before = sum(queue.units_before(turn) for queue in waiting)
        behind = max(
            (turn - queue.served for queue in waiting if queue is not hungriest), default=0
        )
        return max(before, behind) >= self._units_per_call

    def _whole_documents(self) -> list[_Progress]:
        """Take documents to conclude at once: of one model, about as many units as a few calls."""
        chosen = [self._concluding.popleft()]
        units = len(chosen[0].job.units)
        while self._concluding and units < CONCLUDE_CALLS * self._units_per_call:
            if not _same_model(chosen[0], self._concluding[0]):
                break
            chosen.append(self._concluding.popleft())
            units += len(chosen[-1].job.units)
        if not self._concluding:
            self._calls_to_conclude = 0
        return chosen

    def _next_arrival(self, queue: _LaneQueue) -> _Arrival:
        # Even a document that is rejected costs something, else a lane of them would always be
        # first.
        queue.served += 1
        return queue.arrivals.popleft()

    def _admit(self, arrival: _Arrival) -> None:
        started = time.perf_counter()
        try:
            job = admit(arrival.record, arrival.versions)
        except MemoryError:
            raise
        except Exception as error:  # a fault that one document brings out costs only that document
            self._reject(arrival, error)
            return
        self._took("admit", started)
        if isinstance(job, DeadLettered):
            arrival.deliver(job)
            with self._changed:
                # It brought nothing to read: what is whole does not wait for the next one.
                self._calls_to_conclude = CONCLUDE_CALLS
            return
        document = _Progress(arrival, job, deque(range(len(job.windows))))
        with self._changed:
            if queue := self._lanes.get(arrival.lane):
                queue.documents.append(document)
                self._waits(queue, document.waiting_units())
                self._changed.notify()

    def _pack(self) -> list[Chosen]:
        """Take windows for one call: always of the lane served least, up to the budget of units."""
        batch: list[Chosen] = []
        left = self._units_per_call
        while waiting := [queue for queue in self._lanes.values() if queue.documents]:
            queue = min(waiting, key=lambda q: q.served)
            document = queue.documents[0]
            units = len(document.job.features[document.waiting[0]])
            if batch and (units + SEPARATOR_UNITS > left or not _same_model(batch[0][0], document)):
                break
            batch.append((document, document.waiting.popleft()))
            if not document.waiting:
                queue.documents.popleft()
            queue.served += units
            self._clock = queue.served
            self._waits(queue, -units)
            left -= units + SEPARATOR_UNITS
        return batch

    def _waits(self, queue: _LaneQueue, units: int) -> None:
        queue.admitted_units += units
        self._waiting_units += units

    def _read(self, batch: list[Chosen]) -> None:
        self._observe_batch(batch)
        self._metrics.add("inflight_batches", 1)
        try:
            whole = self._read_or_split(batch)
        finally:
            self._metrics.add("inflight_batches", -1)
        with self._changed:
            self._concluding.extend(d for d in whole if d.arrival.lane in self._lanes)
            self._calls_to_conclude += bool(self._concluding)
            self._changed.notify_all()

    def _read_or_split(self, batch: list[Chosen]) -> list[_Progress]:
        """Read the windows of `batch`, halving it where a call fails; return the documents now
        whole.
        """
        recogniser = batch[0][0].job.versions.recogniser
        started = time.perf_counter()
        try:
            emissions = recogniser.emissions([document.job.features[i] for document, i in batch])
        except MemoryError:
            raise
        except Exception as error:
            documents = list(dict.fromkeys(document for document, _ in batch))
            if len(documents) == 1:
                self._fail(documents[0], error)
                return []
            first = set(documents[: len(documents) // 2])
            return [
                document
                for half in (True, False)
                for document in self._read_or_split([c for c in batch if (c[0] in first) is half])
            ]
        seconds = time.perf_counter() - started
        self._took("read", started)
        name = batch[0][0].job.versions.model.name
        self._metrics.observe("inference_duration_seconds", seconds, model=name)
        return self._keep(batch, emissions)

    def _keep(self, batch: list[Chosen], emissions: Sequence[Emissions]) -> list[_Progress]:
        with self._changed:
            for (document, index), scores in zip(batch, emissions, strict=True):
                document.readings.append(Reading(document.job.windows[index], scores))
            documents = dict.fromkeys(document for document, _ in batch)
            return [document for document in documents if document.whole()]

    def _conclude(self, documents: list[_Progress]) -> None:
        """Bring documents to their outcomes, halving them where one fails."""
        started = time.perf_counter()
        try:
            outcomes = conclude_all([(d.job, d.readings_in_order()) for d in documents])
        except MemoryError:
            raise
        except Exception as error:  # as in _admit
            if len(documents) == 1:
                self._reject(documents[0].arrival, error)
                return
            middle = len(documents) // 2
            self._conclude(documents[:middle])
            self._conclude(documents[middle:])
            return
        self._took("conclude", started)
        for document, outcome in zip(documents, outcomes, strict=True):
            document.arrival.deliver(outcome)

    def _fail(self, document: _Progress, error: Exception) -> None:
        """Take a document that no call can read out of its lane's way, once."""
        with self._changed:
            if document.failed:
                return
            document.failed = True
            queue = self._lanes.get(document.arrival.lane)
            if queue and document in queue.documents:
                queue.documents.remove(document)
                self._waits(queue, -document.waiting_units())
        self._reject(document.arrival, error)

    def _reject(self, arrival: _Arrival, error: Exception) -> None:
        """Reject a document that a stage fails on."""
        record, rejected = arrival.record, processing_failed(error)
        log.error(
            "document failed",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=rejected.detail,
        )
        arrival.deliver(reject(record, rejected, arrival.versions))

    def _took(self, stage: str, started: float) -> None:
        seconds = time.perf_counter() - started
        self._metrics.observe("stage_duration_seconds", seconds, stage=stage)

    def _observe_batch(self, batch: list[Chosen]) -> None:
        now = time.perf_counter()
        real = computed = units = 0
        for document, index in batch:
            job = document.job
            work = job.versions.recogniser.work(job.windows[index], job.features[index])
            real += work.useful
            computed += work.computed
            units += len(job.features[index]) + SEPARATOR_UNITS
            if index == 0:
                self._metrics.observe("batch_wait_seconds", now - document.arrival.submitted)
        self._metrics.observe("batch_documents", len({id(document) for document, _ in batch}))
        self._metrics.observe("batch_fill_ratio", units / self._units_per_call)
        self._metrics.count("windows_total", len(batch))
        self._metrics.count("tokens_total", real, kind="real")
        self._metrics.count("tokens_total", computed - real, kind="padding")


def _same_model(document: _Progress, other: _Progress) -> bool:
    """Say whether two documents can share a call: a call has one model, and a swap changes it."""
    return document.job.versions.recogniser is other.job.versions.recogniser
