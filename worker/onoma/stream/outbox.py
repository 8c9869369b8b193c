"""Publishes outcomes and moves the offset, all or nothing as far as the broker can do it.

Last stage of a lane. The rule: every send is awaited, the first error aborts, and after any error
the producer is thrown away; nothing is committed past an output that was not acknowledged (traps
A2, A9, A10 in docs/architecture.md). Times enter here, and only as headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata

from onoma.contracts.cloudevents import TIME
from onoma.contracts.deadletter import FIRST_FAILURE_TIME
from onoma.contracts.records import Output
from onoma.settings import Settings
from onoma.stream.faultpoints import Reach, unarmed
from onoma.stream.kafka import producer_options, transactional_producer

log = structlog.get_logger(__name__)

STOP_SECONDS = 3.0
"""How long a producer may take to stop; with the broker gone it would wait for ever."""

Committed = Callable[[TopicPartition], Awaitable[OffsetAndMetadata | None]]
Commit = Callable[[TopicPartition, OffsetAndMetadata], Awaitable[None]]


class Outbox(Protocol):
    """What a lane publishes through."""

    async def take(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        """Make the partition ours and return its committed offset, None if it has none."""

    async def publish(
        self, partition: TopicPartition, outputs: Sequence[Output], after: OffsetAndMetadata
    ) -> None:
        """Write `outputs` and commit `after`, the next offset to read; an error decides nothing."""

    async def release(self, partition: TopicPartition) -> None:
        """Give the partition up."""

    async def close(self) -> None:
        """Give everything up."""


class TransactionalOutbox:
    """exactly_once: one transactional producer per input partition, the offset inside the
    transaction.
    """

    def __init__(self, settings: Settings, committed: Committed, reach: Reach = unarmed) -> None:
        self._settings = settings
        self._committed = committed
        self._reach = reach
        self._producers: dict[TopicPartition, AIOKafkaProducer] = {}

    async def take(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        """Fence the former owner, then read the offset: until then it may still be moved."""
        await self.release(partition)
        producer = transactional_producer(self._settings, partition)
        self._producers[partition] = producer
        await producer.start()
        return await self._committed(partition)

    async def publish(
        self, partition: TopicPartition, outputs: Sequence[Output], after: OffsetAndMetadata
    ) -> None:
        """Write `outputs` and the offset in one transaction."""
        producer = self._producers[partition]
        reach = self._reach if outputs else unarmed  # what is empty proves nothing by its death
        async with producer.transaction():
            await _send_all(producer, self._settings, partition.partition, outputs)
            reach("after_sends")
            await self._send_offset(producer, partition, after)
            reach("after_offsets")
            reach("in_commit")
        reach("after_commit")

    async def _send_offset(
        self, producer: AIOKafkaProducer, partition: TopicPartition, after: OffsetAndMetadata
    ) -> None:
        group = self._settings.kafka.group_id
        try:
            await producer.send_offsets_to_transaction({partition: after}, group)
        except KafkaError as error:
            # aiokafka wraps this one in a plain KafkaError, and names no topic.
            if isinstance(error.__cause__, TopicAuthorizationFailedError):
                raise TopicAuthorizationFailedError(partition.topic) from error
            raise

    async def release(self, partition: TopicPartition) -> None:
        """Stop the partition's producer."""
        if producer := self._producers.pop(partition, None):
            await stop_quietly(producer)
            _look_at_failure(producer)

    async def close(self) -> None:
        """Stop all producers."""
        await asyncio.gather(*(self.release(partition) for partition in list(self._producers)))


def _look_at_failure(producer: AIOKafkaProducer) -> None:
    """Look at the error of a producer that failed for good: aiokafka leaves it in a future that
    nobody awaits, and asyncio would log it after the worker's last message.
    """
    waiter = producer._txn_manager._transaction_waiter
    if waiter is not None and waiter.done() and not waiter.cancelled():
        waiter.exception()


class IdempotentOutbox:
    """at_least_once: one idempotent producer, the offset committed after the outputs are
    acknowledged.
    """

    def __init__(
        self, settings: Settings, committed: Committed, commit: Commit, reach: Reach = unarmed
    ) -> None:
        self._settings = settings
        self._committed = committed
        self._commit = commit
        self._reach = reach
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def take(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        """Have a producer and return the partition's committed offset."""
        await self._started()
        return await self._committed(partition)

    async def publish(
        self, partition: TopicPartition, outputs: Sequence[Output], after: OffsetAndMetadata
    ) -> None:
        """Write `outputs`, then commit; what is written and not committed is written again."""
        producer = await self._started()
        reach = self._reach if outputs else unarmed
        try:
            await _send_all(producer, self._settings, partition.partition, outputs)
        except BaseException:
            # Another lane may have thrown it out already, and be at work with the next one.
            if self._producer is producer:
                await self.close()
            raise
        reach("after_sends")
        reach("in_commit")
        await self._commit(partition, after)
        reach("after_commit")

    async def release(self, partition: TopicPartition) -> None:
        """Do nothing: the producer is everybody's."""

    async def close(self) -> None:
        """Stop the producer; the next step starts another."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_quietly(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(**producer_options(self._settings))
                try:
                    await producer.start()
                except BaseException:
                    await stop_quietly(producer)
                    raise
                self._producer = producer
            return self._producer


async def _send_all(
    producer: AIOKafkaProducer, settings: Settings, partition: int, outputs: Sequence[Output]
) -> None:
    """Send `outputs` to the partition of the input's number; raise the first error."""
    topics = {
        "entities": settings.topics.entities,
        "alerts": settings.topics.alerts,
        "dead_letters": settings.topics.dead_letters,
    }
    pending = [
        await producer.send(
            topics[output.destination],
            output.value,
            key=output.key,
            partition=partition,
            headers=[*output.headers, *_times(output)],
        )
        for output in outputs
    ]
    for result in await asyncio.gather(*pending, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _times(output: Output) -> list[tuple[str, bytes]]:
    """Return the headers that hold a time; a first failure once noted stays the first."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    name = FIRST_FAILURE_TIME if output.destination == "dead_letters" else TIME
    return [] if any(header == name for header, _ in output.headers) else [(name, now)]


async def stop_quietly(client: AIOKafkaProducer) -> None:
    """Stop a client within `STOP_SECONDS`; nothing uncommitted counts, so a failure is only logged.

    aiokafka's `stop` can raise CancelledError by itself when the broker is gone; ours is told
    apart.
    """
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await client.stop()
    except (Exception, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        log.warning("client did not stop", error=type(error).__name__)
