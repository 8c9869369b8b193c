"""The document service: fetches for all lanes, hands over to the scheduler, survives the broker.

`Documents` runs under Faust's worker and owns its consumer; Faust's own agents and producers never
see a document (docs/architecture.md, "Why Faust is only the shell"). One `_serve` is one life of a
consumer: it ends when asked to stop, or in an error. What passes is waited out with a new consumer,
what does not stops the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from mode import Service

from onoma.errors import TransientError
from onoma.metrics import Metrics
from onoma.pipeline import Outcome, Versions
from onoma.settings import Settings
from onoma.stream.attempts import new_owner
from onoma.stream.control import Control
from onoma.stream.deadletter import RejectionLimit
from onoma.stream.faultpoints import Faultpoints
from onoma.stream.health import Health
from onoma.stream.kafka import consumer_options, refuse_what_stays
from onoma.stream.lag import Lag
from onoma.stream.lane import Entry, Lane, Request
from onoma.stream.memory import memory
from onoma.stream.outbox import (
    IdempotentOutbox,
    Outbox,
    TransactionalOutbox,
    stop_quietly,
)
from onoma.stream.ownership import Ownership, give_back_seconds, take_seconds
from onoma.stream.progress import lane_progress
from onoma.stream.publisher import Publisher
from onoma.stream.quarantine import Quarantine
from onoma.stream.scheduler import Scheduler
from onoma.stream.stages import LaneProgress, Stages
from onoma.stream.topics import check_before_start

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")

FETCH_MILLISECONDS = 200
FETCH_WITH_FULL_LANES_MILLISECONDS = 20
"""Short while a lane is full: its records may lie fetched already, and it may get room at any time.
"""
LAST_PATIENCE_SECONDS = 1.0
"""What a publication gets when the drain is over: it had all the drain."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root gives the service."""

    settings: Settings
    versions: Callable[[], Versions]
    metrics: Metrics
    health: Health
    stages: Stages
    bundle: Callable[[Versions], Path]
    """Where the model of a document's versions lies, for the process that tries it alone."""
    control: Control | None = None


class Documents(Service):
    """Everything between the documents' topic and the outcomes' topics."""

    def __init__(self, parts: Parts, *, threads: int, **options: Any) -> None:
        super().__init__(**options)
        self._parts = parts
        self._settings = parts.settings
        self._limits = parts.versions().policy.policy.limits
        self._limit = RejectionLimit(parts.settings.dead_letters)
        self._reach = Faultpoints(parts.settings.faults).reach
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._checked = asyncio.Event()
        self._waiting: asyncio.Future[Any] | None = None
        self._room = asyncio.Event()
        self._lag = Lag(parts.settings.topics.documents, parts.health, parts.metrics)
        self._consumer: AIOKafkaConsumer | None = None
        self._ownership: Ownership | None = None
        self._scheduler = Scheduler(
            threads=threads,
            units_per_call=parts.settings.processing.units_per_call,
            metrics=parts.metrics,
            on_failure=self._thread_failed,
            stages=parts.stages,
        )
        self._owner = new_owner() if parts.settings.quarantine.enabled else ""
        self._quarantine = Quarantine(
            parts.settings,
            bundle=parts.bundle,
            metrics=parts.metrics,
            on_failure=self._fail,
            stages=parts.stages,
        )

    async def on_start(self) -> None:
        """Start the inference threads; from now on the loop has to beat."""
        self._scheduler.start()
        self._parts.stages.beat(())

    async def on_stop(self) -> None:
        """Drain: no new document is fetched, what is fetched is published until the deadline."""
        self._stopping.set()
        if self._waiting is not None:
            self._waiting.cancel()
        # Twice three seconds for clients that do not stop, on top of the drain itself,
        # LAST_PATIENCE_SECONDS twice for publications: to end, and to end once cancelled, and one
        # more to take attempts out.
        await _within(self._ended.wait(), self._settings.shutdown.drain_seconds + 9)
        await asyncio.to_thread(self._scheduler.stop, 1.0)
        log.info("documents stopped")

    @Service.task
    async def _beat(self) -> None:
        """Tell the health server that the loop is alive, and how late it runs."""
        loop = asyncio.get_running_loop()
        # To the very end: a drain that is longer than the probe's patience is no stuck loop.
        while not self._ended.is_set():
            due = loop.time() + 1.0
            await asyncio.sleep(1.0)
            self._parts.health.beat()
            self._parts.stages.beat(await self._lane_progress())
            self._parts.metrics.set("event_loop_delay_seconds", max(0.0, loop.time() - due))
            self._measure_memory()

        self._parts.stages.rest()

    def _measure_memory(self) -> None:
        taken = memory()
        self._parts.metrics.set("memory_used_bytes", taken.used_bytes)
        self._parts.metrics.set("memory_limit_bytes", taken.limit_bytes)

    async def _lane_progress(self) -> tuple[LaneProgress, ...]:
        """Return how far the lanes have read; while nothing is fetched any more, of none."""
        if self._stopping.is_set() or self._consumer is None or self._ownership is None:
            return ()
        return await lane_progress(self._consumer, self._ownership.lanes)

    @Service.task
    async def _follow(self) -> None:
        """Follow the control topics, once it is sure that they are there."""
        if self._parts.control is not None:
            await self._checked.wait()
            await self._parts.control.follow(self._stopping)

    @Service.task
    async def _run(self) -> None:
        """Serve until stopped, with a new consumer after each outage."""
        try:
            await check_before_start(self._settings, self._limits, self._stopping)
            self._checked.set()
            if self._parts.control is not None:
                await self._unless_stopped(self._parts.control.caught_up.wait())
            pause = FIRST_PAUSE_SECONDS
            while not self._stopping.is_set():
                try:
                    await self._serve()
                    pause = FIRST_PAUSE_SECONDS
                except (KafkaError, OSError, TimeoutError, TransientError) as error:
                    self._refuse(error)
                    await _within(self._stopping.wait(), pause)
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        finally:
            self._ended.set()

    def _refuse(self, error: BaseException) -> None:
        """Raise unless `error` is one that passes."""
        refuse_what_stays(error, self._settings)
        self._parts.health.broker_answers = False
        self._parts.metrics.set("broker_reachable", 0)
        self._parts.metrics.count("retries_total", reason="broker_away")
        log.warning("consumer given up, trying again", error=type(error).__name__)

    async def _serve(self) -> None:
        """Live one consumer's life."""
        consumer = AIOKafkaConsumer(**consumer_options(self._settings.kafka, self._limits))
        ownership = self._new_ownership(consumer)
        self._consumer, self._ownership = consumer, ownership
        consumer.subscribe([self._settings.topics.documents], listener=ownership)
        probe: asyncio.Task[None] | None = None
        try:
            await self._unless_stopped(consumer.start())
            probe = asyncio.create_task(self._lag.watch(consumer, ownership))
            await self._fetch(consumer, ownership)
            await self._drain(ownership)
        finally:
            if probe is not None:
                probe.cancel()
            self._parts.health.joined = False
            await ownership.close(
                LAST_PATIENCE_SECONDS
                if self._stopping.is_set()
                else give_back_seconds(self._settings)
            )
            await self._quarantine.close()
            await stop_quietly(consumer)

    def _new_ownership(self, consumer: AIOKafkaConsumer) -> Ownership:
        outbox = self._new_outbox(consumer)
        publisher = Publisher(
            outbox,
            settings=self._settings,
            metrics=self._parts.metrics,
            limit=self._limit,
            seek=consumer.seek,
            take_seconds=take_seconds(self._settings),
            stages=self._parts.stages,
        )

        async def run(lane: Lane) -> None:
            self._room.set()
            await publisher.run(lane, partial(self._committed, lane))

        return Ownership(
            consumer,
            outbox,
            settings=self._settings,
            metrics=self._parts.metrics,
            run=run,
            drop=self._drop,
            owner=self._owner,
            reach=self._reach,
            stages=self._parts.stages,
        )

    def _new_outbox(self, consumer: AIOKafkaConsumer) -> Outbox:
        async def committed(partition: TopicPartition) -> OffsetAndMetadata | None:
            # Not `consumer.committed`, which leaves the metadata out.
            found: Mapping[TopicPartition, OffsetAndMetadata]
            found = await consumer._coordinator.fetch_committed_offsets([partition])
            return found.get(partition)

        async def commit(partition: TopicPartition, after: OffsetAndMetadata) -> None:
            await consumer.commit({partition: after})

        if self._settings.delivery.mode == "exactly_once":
            return TransactionalOutbox(self._settings, committed, self._reach)
        return IdempotentOutbox(self._settings, committed, commit, self._reach)

    async def _fetch(self, consumer: AIOKafkaConsumer, ownership: Ownership) -> None:
        """Fetch for the lanes that have room until asked to stop; raise what failed elsewhere."""
        lanes = ownership.lanes
        while not self._stopping.is_set():
            if ownership.failure:
                raise ownership.failure
            self._parts.health.joined = ownership.assigned
            if self._room.is_set():  # something was committed since the last read
                self._reach("before_next_read")
            self._room.clear()
            self._measure_queue(lanes.values())
            asked = {p: lane.request() for p, lane in lanes.items() if lane.has_room()}
            if not asked:
                await self._fetch_nothing(consumer)
                continue
            full = len(asked) < len(lanes)
            wait = FETCH_WITH_FULL_LANES_MILLISECONDS if full else FETCH_MILLISECONDS
            fetched = await self._unless_stopped(
                consumer.getmany(
                    *asked,
                    timeout_ms=wait,
                    max_records=self._settings.processing.documents_in_flight,
                )
            )
            for partition, records in (fetched or {}).items():
                self._take_in(consumer, lanes.get(partition), asked.get(partition), records)

    async def _fetch_nothing(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for room, and fetch from no partition of ours: that raises errors of the group and
        keeps max_poll_interval_seconds from running out while long documents are read.
        """
        nothing = TopicPartition(self._settings.topics.documents, -1)
        await self._unless_stopped(consumer.getmany(nothing))
        await _within(self._room.wait(), FETCH_MILLISECONDS / 1000)

    def _measure_queue(self, lanes: Iterable[Lane]) -> None:
        counted = list(lanes)
        self._parts.metrics.set("queue_documents", sum(map(len, counted)))
        self._parts.metrics.set("queue_bytes", sum(lane.bytes_ for lane in counted))

    def _take_in(
        self,
        consumer: AIOKafkaConsumer,
        lane: Lane | None,
        request: Request | None,
        records: list[Any],
    ) -> None:
        if lane is None:
            return  # being reassigned: whoever takes the partition seeks
        entries = lane.accept(records, request)
        if entries is None:
            consumer.seek(lane.partition, lane.fetch_offset)
            return
        for entry in entries:
            self._parts.metrics.count("document_bytes_total", len(entry.record.value or b""))
        self._begin(lane)

    def _begin(self, lane: Lane) -> None:
        """Hand over what the lane may begin now."""
        versions = self._parts.versions()
        for entry in lane.startable():
            finish = partial(self._finish_soon, asyncio.get_running_loop(), lane, entry)
            alone = lane.attempts.suspects(entry.record.offset)
            readers = self._quarantine if alone else self._scheduler
            readers.submit(lane.partition, entry.record, versions, finish)

    def _committed(self, lane: Lane) -> None:
        """Go on after a commit: there is room, and what waited for it may begin."""
        self._room.set()
        if not lane.closed:
            self._begin(lane)

    def _drop(self, partition: TopicPartition) -> None:
        self._scheduler.drop(partition)
        self._quarantine.drop(partition)

    @staticmethod
    def _finish_soon(
        loop: asyncio.AbstractEventLoop, lane: Lane, entry: Entry, outcome: Outcome
    ) -> None:
        """Bring an outcome from a thread to its lane."""
        loop.call_soon_threadsafe(lane.finish, entry, outcome)

    async def _drain(self, ownership: Ownership) -> None:
        """Wait for the lanes to empty, at most the drain deadline; the rest stays uncommitted."""
        lanes = ownership.lanes
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.shutdown.drain_seconds
        while any(len(lane) for lane in lanes.values()) and loop.time() < deadline:
            if ownership.failure:
                raise ownership.failure
            await _within(self._room.wait(), 0.1)
            self._room.clear()
        left = sum(len(lane) for lane in lanes.values())
        log.info("drained", documents_left=left)

    async def _unless_stopped(self, step: Coroutine[Any, Any, Answer]) -> Answer | None:
        """Wait for something that may take a whole rebalance; None when asked to stop meanwhile."""
        if self._stopping.is_set():
            step.close()
            return None
        waiting: asyncio.Future[Answer] = asyncio.ensure_future(step)
        self._waiting = waiting
        try:
            return await waiting
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            if self._stopping.is_set():
                return None
            # aiokafka cancels its own steps where a client breaks; nobody else did.
            raise TransientError("the consumer broke off") from None
        finally:
            self._waiting = None

    def _fail(self, error: BaseException) -> None:
        """Let the fetch loop raise `error`."""
        if self._ownership:
            self._ownership.fail(error)

    def _thread_failed(self, error: BaseException) -> None:
        """Stop the process for a bug in a thread: called there, raised by the fetch loop."""
        log.error("thread failed", error=type(error).__name__)

        def fail() -> None:
            if self._ownership:
                self._ownership.fail(error, by_document=True)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(fail)


async def _within(awaitable: Awaitable[Any], seconds: float) -> None:
    """Wait for `awaitable`, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await awaitable
    except TimeoutError:
        pass
