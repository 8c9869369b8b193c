"""Opens the producers and readers of commands, and says in one line why that fails.

A worker waits for its broker; a command does not. Whatever Kafka answers becomes a `FatalError`
that names what was found and what to do, every wait is bounded, and every client is stopped.
Readers belong to no group and commit nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from onoma.contracts.policy import Limits
from onoma.errors import FatalError, TransientError
from onoma.settings import Settings
from onoma.stream.kafka import (
    client_options,
    diagnosed,
    largest_output_bytes,
    producer_options,
)
from onoma.stream.outbox import stop_quietly
from onoma.stream.tolerant import accept_any_header_name
from onoma.stream.topics import describe, wanted_topics

START_SECONDS = 15.0
IDLE_SECONDS = 15.0
"""How long a broker may send nothing before the end; then reading has failed."""
RECORDS_PER_FETCH = 200
FETCH_WAIT_MILLISECONDS = 50


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Yield an idempotent producer; errors of Kafka inside become one clear line."""
    producer = AIOKafkaProducer(**producer_options(settings) | {"linger_ms": 5})
    async with _started(producer, settings):
        yield producer


@asynccontextmanager
async def reading(
    settings: Settings, limits: Limits, partitions: Iterable[TopicPartition]
) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a reader of `partitions` at their beginning, of committed records only."""
    accept_any_header_name()
    largest = largest_output_bytes(limits)
    consumer = AIOKafkaConsumer(
        **client_options(settings.kafka),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        # The demo broker looks for records once, then lets the whole wait pass.
        fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
        # A record that is larger than this would be skipped in silence.
        max_partition_fetch_bytes=largest,
        fetch_max_bytes=largest,
    )
    async with _started(consumer, settings):
        consumer.assign(list(partitions))
        yield consumer


async def records_up_to(
    consumer: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    *,
    idle_seconds: float = IDLE_SECONDS,
) -> AsyncIterator[tuple[TopicPartition, list[Any]]]:
    """Yield the records from where `consumer` stands to `ends`, in batches of one partition."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + idle_seconds
    while unread := [tp for tp in ends if await consumer.position(tp) < ends[tp]]:
        fetched = await consumer.getmany(*unread, timeout_ms=500, max_records=RECORDS_PER_FETCH)
        for tp, records in fetched.items():
            deadline = loop.time() + idle_seconds
            if before_end := [record for record in records if record.offset < ends[tp]]:
                yield tp, before_end
        if loop.time() > deadline:
            raise TimeoutError


async def ends_of(
    settings: Settings, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return where each partition ends now, behind transactions that are still open."""
    consumer = AIOKafkaConsumer(**client_options(settings.kafka), group_id=None)
    async with _started(consumer, settings):
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


async def partitions_of(settings: Settings, limits: Limits, topic: str) -> list[TopicPartition]:
    """Return the partitions of one of our topics. Raises FatalError where there is none."""
    try:
        cluster = await describe(settings, limits)
    except TransientError as error:
        raise FatalError(str(error)) from error
    count = cluster.topics[topic].partitions
    if count is None:
        knob = next(w.knob for w in wanted_topics(settings, limits) if w.name == topic)
        raise FatalError(
            f"{knob}: found no topic {topic} at {settings.kafka.bootstrap_servers}; "
            "make it with `onoma topics create`, or allow this user to describe it"
        )
    return [TopicPartition(topic, number) for number in range(count)]


async def up_to_the_ends(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
) -> AsyncIterator[list[Any]]:
    """Yield the records from where `consumer` stands to the ends as they are now, in batches."""
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    async for _, records in records_up_to(consumer, ends):
        yield records


@asynccontextmanager
async def _started(client: Any, settings: Settings) -> AsyncIterator[None]:
    # Its own lines on standard error would stand beside the one that we give.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start()
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise FatalError(str(await diagnosed(error, settings))) from error
    finally:
        await stop_quietly(client)
