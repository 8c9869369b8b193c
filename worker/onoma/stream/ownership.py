"""The partitions this worker owns: taking them over from the group, giving them back.

Called by aiokafka in the middle of a rebalance, which sets the rules. A listener's exception would
be swallowed, so it is kept for the fetch loop to raise. No heartbeat is sent while partitions are
taken, so that is bounded well below the session timeout; giving back waits for the publication
under way, below the rebalance timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from onoma.errors import FatalError
from onoma.metrics import Metrics
from onoma.settings import Settings
from onoma.stream.attempts import Attempts
from onoma.stream.faultpoints import Reach, unarmed
from onoma.stream.lane import Lane
from onoma.stream.outbox import Outbox
from onoma.stream.stages import Running, Stages

log = structlog.get_logger(__name__)

REST_SECONDS = 1.0
"""How long taking an attempt out may hold up a rebalance or the end."""
STRETCH = 2
"""Read one at a time after a death: all that may have been in flight, which is less than two fills
of a lane, for the last fetch may bring a whole fill.
"""

Run = Callable[[Lane], Awaitable[None]]


class Ownership(ConsumerRebalanceListener):
    """The lanes of the assigned partitions, each with the task that publishes it."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        outbox: Outbox,
        *,
        settings: Settings,
        metrics: Metrics,
        run: Run,
        drop: Callable[[TopicPartition], None],
        owner: str = "",
        reach: Reach = unarmed,
        stages: Stages | None = None,
    ) -> None:
        self.lanes: dict[TopicPartition, Lane] = {}
        self.assigned = False
        self.failure: BaseException | None = None
        self._consumer = consumer
        self._outbox = outbox
        self._settings = settings
        self._metrics = metrics
        self._run = run
        self._drop = drop
        self._owner = owner
        self._faulty = False
        self._reach = reach
        self._tasks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._publishing: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False
        self._stages = stages or Stages()
        self._waiting: Running | None = self._stages.begin("join")

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the publications under way end, then give the partitions back."""
        self.assigned = False
        if self._waiting is None:
            self._waiting = self._stages.begin("rebalance")
        for partition in list(self.lanes):
            lane = self.lanes.pop(partition)
            leaving = asyncio.create_task(self._give_back(lane, self._tasks.pop(partition)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
        # A rebalance and the end of the worker may meet here: both wait for the same.
        for left in await asyncio.gather(*self._leaving, return_exceptions=True):
            if isinstance(left, Exception):
                self.fail(left)
        self._reach("in_revocation")

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take the partitions, all at once, and start their lanes."""
        partitions = list(assigned)
        try:
            async with asyncio.timeout(take_seconds(self._settings)), asyncio.TaskGroup() as group:
                for partition in partitions:
                    group.create_task(self._take(partition))
        except (ExceptionGroup, TimeoutError) as error:
            self.fail(error.exceptions[0] if isinstance(error, ExceptionGroup) else error)
            return
        self._reach("in_assignment")
        self.assigned = True
        self._stages.end(self._waiting)
        self._waiting = None
        self._metrics.count("rebalances_total")
        self._metrics.set("partitions_assigned", len(partitions))
        log.info("partitions assigned", partitions=sorted(p.partition for p in partitions))

    def fail(self, error: BaseException, *, by_document: bool = False) -> None:
        """Keep the first failure for the fetch loop.

        Where a document may have brought it about, the attempts stand, as after a death.
        """
        self.failure = self.failure or error
        self._faulty = self._faulty or by_document

    async def close(self, patience_seconds: float) -> None:
        """Give everything back and take nothing any more; publications get `patience_seconds`.

        With the broker gone they, and the aborts that follow them, would not end by themselves.
        """
        self._closed = True
        with self._stages.running("leave"):
            await self._close(patience_seconds)
        self._stages.end(self._waiting)

    async def _close(self, patience_seconds: float) -> None:
        giving_back = asyncio.create_task(self.on_partitions_revoked(()))
        await asyncio.wait([giving_back], timeout=patience_seconds)
        for task in self._publishing:
            task.cancel()
        await giving_back
        await self._outbox.close()
        self._metrics.set("partitions_assigned", 0)

    async def _take(self, partition: TopicPartition) -> None:
        committed = await self._outbox.take(partition)
        offset = committed.offset if committed else await self._first_offset(partition)
        if self._closed:
            await self._outbox.release(partition)
            return
        lane = Lane(
            partition,
            offset,
            max_documents=self._settings.processing.documents_in_flight,
            max_bytes=self._settings.processing.bytes_in_flight,
            attempts=self._attempts(committed, partition, offset),
        )
        # No await from here on: the lane and the consumer have to agree on the offset.
        self._consumer.seek(partition, offset)
        self.lanes[partition] = lane
        task = asyncio.create_task(self._run_lane(lane))
        self._tasks[partition] = task
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    def _attempts(
        self, committed: OffsetAndMetadata | None, partition: TopicPartition, offset: int
    ) -> Attempts | None:
        if not self._owner:
            return None
        stretch = STRETCH * self._settings.processing.documents_in_flight
        attempts = Attempts.found(committed, offset, owner=self._owner, stretch=stretch)
        if attempts.deaths:
            log.warning(
                "a worker died here",
                partition=partition.partition,
                next_offset=offset,
                deaths=attempts.deaths,
            )
        return attempts

    async def _first_offset(self, partition: TopicPartition) -> int:
        """Return where a partition without a committed offset begins for us."""
        reset = self._settings.kafka.auto_offset_reset
        if reset == "none":
            raise FatalError(
                f"partition {partition.partition} of {partition.topic} has no committed offset in "
                f"group "
                f"{self._settings.kafka.group_id} and kafka.auto_offset_reset is none; set the "
                "group's offsets, or earliest for a first deployment"
            )
        if reset == "earliest":
            offsets = await self._consumer.beginning_offsets([partition])
        else:
            offsets = await self._consumer.end_offsets([partition])
        offset: int = offsets[partition]
        return offset

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await self._run(lane)
        except Exception as error:
            self.fail(error)

    async def _give_back(self, lane: Lane, task: asyncio.Task[None]) -> None:
        lane.close()
        self._drop(lane.partition)
        # The lane's own publish timeout ends it before this does.
        await asyncio.wait([task], timeout=give_back_seconds(self._settings))
        task.cancel()
        await asyncio.wait([task], timeout=1)
        try:
            await self._rest(lane)
        finally:
            await self._outbox.release(lane.partition)

    async def _rest(self, lane: Lane) -> None:
        """Tell the next owner that nobody died here; without that it goes slowly for a while."""
        commit = lane.attempts.at_rest(lane.next_offset)
        if commit is None or self._faulty or not lane.settled:
            return
        try:
            async with asyncio.timeout(REST_SECONDS):
                await self._outbox.publish(lane.partition, [], commit)
        except (KafkaError, OSError, TimeoutError, AssertionError) as error:
            log.warning(
                "attempt not taken out",
                partition=lane.partition.partition,
                error=type(error).__name__,
            )


def give_back_seconds(settings: Settings) -> float:
    """Return how long a publication under way may hold up a rebalance."""
    return settings.delivery.publish_timeout_seconds + 5


def take_seconds(settings: Settings) -> float:
    """Return how long taking partitions may last: no heartbeat is sent meanwhile."""
    return 0.6 * settings.kafka.session_timeout_seconds
