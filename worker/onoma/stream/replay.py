"""Computes documents again with the versions that their events name, and compares (`onoma replay`).

The documents go through the same scheduler as a worker's, among whatever neighbours the range gives
them and on as many threads as the settings say: an outcome depends on its document and its versions
alone, and this is the proof. The rule: what can't be computed again is counted with its reason and
never passes for equal. Nothing is written and nothing is committed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from onoma.contracts.entities import ModelVersion, WorkerVersion
from onoma.contracts.policy import Limits
from onoma.contracts.records import Record
from onoma.errors import FatalError, RejectionReason
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, Outcome, Versions
from onoma.settings import Settings
from onoma.stream.app import threads_of
from onoma.stream.client import partitions_of, reading, records_up_to
from onoma.stream.lane import record_of
from onoma.stream.ledger import Ledger
from onoma.stream.outcomes import Alert, Event, Evidence, Letter, Listener, OutcomeReader
from onoma.stream.pinned import PinnedVersions
from onoma.stream.ranges import Bound, resolved
from onoma.stream.reconciliation import noted_documents
from onoma.stream.scheduler import Scheduler
from onoma.stream.topics import committed_offsets, writes_alerts

IN_FLIGHT = 256
"""Documents that are computed at a time: more than any call takes."""
BY_THE_WORKER = frozenset(
    str(reason)
    for reason in (
        RejectionReason.PROCESSING_FAILED,
        RejectionReason.KILLED_WORKER,
        RejectionReason.TOO_SLOW,
    )
)
"""Reasons that a worker gives and not the pipeline: what failed there need not fail here."""
ANNOTATED = "annotated"
LONE_ALERTS = "alerts of an event that is not there"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """An outcome that is another one now; `was` and `now` are `annotated` or a reason of rejection,
    `fields` the parts of the event that differ, never what stands in them.
    """

    partition: int
    offset: int
    event_id: str | None
    was: str
    now: str
    fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Replay:
    """What came of a range; `without_outcome` counts documents that have none yet, `alerts` those
    that are equal. An event is equal only if all of its alerts are.
    """

    equal: int = 0
    alerts: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_compared: Counter[str] = field(default_factory=Counter)
    without_outcome: int = 0
    models: Counter[ModelVersion] = field(default_factory=Counter)
    workers: Counter[WorkerVersion] = field(default_factory=Counter)

    @property
    def proven(self) -> bool:
        """Say whether every outcome of the range was computed again and is equal."""
        return not self.differences and not self.not_compared


async def replay(
    settings: Settings, limits: Limits, begin: Bound | None, end: Bound | None
) -> Replay:
    """Compute the documents from `begin` up to `end` again and compare their outcomes.

    The events of the range are held in memory.
    """
    inputs = await partitions_of(settings, limits, settings.topics.documents)
    async with reading(settings, limits, inputs) as documents:
        ranges = await resolved(documents, inputs, begin, end)
        ledgers = await noted_documents(documents, ranges)
        committed = await committed_offsets(settings, inputs)
        kept = _Kept(ledgers)
        listener = kept.listener(with_alerts=writes_alerts(settings))
        await OutcomeReader(settings, limits, ledgers, listener).read(
            lambda number: ledgers[number].lacks(committed.get(inputs[number]))
        )
        comparison = _Comparison(settings, kept)
        await comparison.run(documents, ranges)
        return comparison.replay


class _Kept:
    """The outcomes as they were, by partition and offset; a document may have several events."""

    def __init__(self, ledgers: Mapping[int, Ledger]) -> None:
        self.events: defaultdict[Place, list[tuple[Event, bytes]]] = defaultdict(list)
        self.reasons: dict[Place, str] = {}
        # A document that came again after a swap has an event and alerts under each evidence.
        self.alerts: defaultdict[tuple[str, Evidence], set[bytes]] = defaultdict(set)
        self._ledgers = ledgers

    def listener(self, *, with_alerts: bool) -> Listener:
        """Return what a reader of outcomes tells."""
        alert = self._alert if with_alerts else None
        return Listener(self._event, self._letter, lambda: None, alert)

    def lone_alerts(self) -> int:
        """Count alerts without the event that they name."""
        known = {
            (event.event_id, event.evidence) for each in self.events.values() for event, _ in each
        }
        return sum(len(values) for name, values in self.alerts.items() if name not in known)

    def _event(self, event: Event, value: bytes) -> None:
        source = event.evidence.source
        self._ledgers[source.partition].note_event(source.offset)
        self.events[source.partition, source.offset].append((event, value))

    def _alert(self, alert: Alert, value: bytes) -> None:
        self.alerts[alert.event_id, alert.evidence].add(value)

    def _letter(self, letter: Letter) -> None:
        source = letter.source
        self._ledgers[source.partition].note_dead_letter(source.offset, letter.reason)
        self.reasons[source.partition, source.offset] = letter.reason


class _Comparison:
    """Computes documents and compares each outcome with what was kept of it."""

    def __init__(self, settings: Settings, kept: _Kept) -> None:
        self.replay = Replay()
        self._kept = kept
        self._pinned = PinnedVersions(settings)
        self._computing = _Computing(settings)

    async def run(self, consumer: AIOKafkaConsumer, ranges: Mapping[TopicPartition, range]) -> None:
        """Compare the documents of `ranges`."""
        for partition, offsets in ranges.items():
            consumer.seek(partition, offsets.start)
        ends = {partition: offsets.stop for partition, offsets in ranges.items()}
        self._computing.start()
        try:
            async for _, records in records_up_to(consumer, ends):
                for record in records:
                    await self._compare(record_of(record))
            await self._computing.finish()
        finally:
            self._computing.stop()
        if lone := self._kept.lone_alerts():
            self.replay.not_compared[LONE_ALERTS] = lone

    async def _compare(self, record: Record) -> None:
        place = record.partition, record.offset
        for event, value in self._kept.events.get(place, ()):
            evidence = event.evidence
            try:
                versions = self._pinned.versions_of(evidence)
            except FatalError as error:
                self.replay.not_compared[str(error)] += 1
                continue
            self.replay.models.update(evidence.models)
            self.replay.workers[evidence.worker] += 1
            alerts = self._kept.alerts.get((event.event_id, evidence), set())
            judge = partial(self._judge_event, record, event.event_id, value, alerts)
            await self._computing.compute(record, versions, judge)
        if place in self._kept.reasons:
            await self._compare_letter(record, self._kept.reasons[place])
        elif place not in self._kept.events:
            self.replay.without_outcome += 1

    async def _compare_letter(self, record: Record, reason: str) -> None:
        if reason in BY_THE_WORKER:
            self.replay.not_compared[f"rejected by its worker: {reason}"] += 1
            return
        judge = partial(self._judge_letter, record, reason)
        await self._computing.compute(record, self._pinned.configured, judge)

    def _judge_event(
        self, record: Record, event_id: str, value: bytes, alerts: set[bytes], outcome: Outcome
    ) -> None:
        fields: tuple[str, ...] = ()
        if isinstance(outcome, Annotated):
            fields = _differing_fields(value, outcome.output.value or b"")
            if alerts != {alert.value for alert in outcome.alerts}:
                fields = (*fields, "alerts")
            if not fields:
                self.replay.equal += 1
                self.replay.alerts += len(alerts)
                return
        self._differs(record, event_id, ANNOTATED, _name_of(outcome), fields)

    def _judge_letter(self, record: Record, reason: str, outcome: Outcome) -> None:
        if _name_of(outcome) == reason:
            self.replay.equal += 1
            return
        event_id = outcome.event.event_id if isinstance(outcome, Annotated) else None
        self._differs(record, event_id, reason, _name_of(outcome), ())

    def _differs(
        self,
        record: Record,
        event_id: str | None,
        was: str,
        now: str,
        fields: tuple[str, ...],
    ) -> None:
        difference = Difference(record.partition, record.offset, event_id, was, now, fields)
        self.replay.differences.append(difference)


class _Computing:
    """A scheduler for a bounded number of documents at a time; `judge` is called on the loop."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self._scheduler = Scheduler(
            threads=threads_of(settings),
            units_per_call=settings.processing.units_per_call,
            metrics=Metrics(languages=(), labels=(), model="replay"),
            on_failure=self._failed,
        )

    def start(self) -> None:
        """Start the threads."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop the threads."""
        self._scheduler.stop(1.0)
        self._failure.cancel()

    async def compute(
        self, record: Record, versions: Versions, judge: Callable[[Outcome], None]
    ) -> None:
        """Hand a document over as soon as there is room."""
        await self._wait_for_room()

        def deliver(outcome: Outcome) -> None:
            self._loop.call_soon_threadsafe(self._deliver, judge, outcome)

        self._scheduler.submit(record.partition, record, versions, deliver)

    async def finish(self) -> None:
        """Wait for all that was handed over."""
        for _ in range(IN_FLIGHT):
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        waiting = asyncio.ensure_future(self._room.acquire())
        either: tuple[asyncio.Future[Any], ...] = (waiting, self._failure)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._failure.done():
            waiting.cancel()
            self._failure.result()

    def _deliver(self, judge: Callable[[Outcome], None], outcome: Outcome) -> None:
        self._room.release()
        judge(outcome)

    def _failed(self, error: BaseException) -> None:
        self._loop.call_soon_threadsafe(self._failure.set_exception, error)


def _name_of(outcome: Outcome) -> str:
    return ANNOTATED if isinstance(outcome, Annotated) else str(outcome.rejected.reason)


def _differing_fields(was: bytes, now: bytes) -> tuple[str, ...]:
    """Return the names of the event's parts that differ; `bytes` where only the writing does."""
    if was == now:
        return ()
    before: dict[str, Any] = msgspec.json.decode(was)
    after: dict[str, Any] = msgspec.json.decode(now)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple(names) or ("bytes",)
