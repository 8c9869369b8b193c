"""Sees whether the broker answers and where the topic ends, apart from the worker's own clients.

A thread with an event loop and connections of its own, for the loop that it is to judge may be the
one that hangs. It belongs to no group and reads no record. Its rule: it says that the broker
answers only while both the partitions' leaders and the group's coordinator do; whatever else
happens to it is an outage, and the watchdog rests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from onoma.settings import Settings
from onoma.stream.kafka import client_options
from onoma.stream.outbox import stop_quietly
from onoma.stream.stages import Clock
from onoma.stream.stalls import Sighting

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 3.0
"""How long the broker may take for one look."""
START_SECONDS = 15.0
REQUEST_MILLISECONDS = 10_000


class Witness:
    """Looks at the broker about once a second; `partitions` says at which partitions."""

    def __init__(
        self, settings: Settings, clock: Clock, partitions: Callable[[], list[int]]
    ) -> None:
        self.sighting = Sighting()
        self._settings = settings
        self._clock = clock
        self._partitions = partitions
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onoma-witness", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking, within a moment."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(LOOK_SECONDS + ANSWER_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._look_all_the_time())

    async def _look_all_the_time(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._clients() as (consumer, admin):
                    while not self._stopping.is_set():
                        self.sighting = await self._look(consumer, admin)
                        await asyncio.sleep(LOOK_SECONDS)
            except Exception as error:  # whatever it is, the broker was not seen
                if self.sighting.since is not None:
                    log.info("witness lost the broker", error=type(error).__name__)
                self.sighting = Sighting()
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> Sighting:
        topic = self._settings.topics.documents
        partitions = [TopicPartition(topic, number) for number in self._partitions() or [0]]
        async with asyncio.timeout(ANSWER_SECONDS):
            await admin.list_consumer_group_offsets(
                self._settings.kafka.group_id, partitions=partitions[:1]
            )
            ends = await consumer.end_offsets(partitions)
        now, since = self._clock(), self.sighting.since
        return Sighting(
            since=now if since is None else since,
            at=now,
            ends={partition.partition: end for partition, end in ends.items()},
        )

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[tuple[AIOKafkaConsumer, AIOKafkaAdminClient]]:
        options = client_options(self._settings.kafka)
        options["request_timeout_ms"] = REQUEST_MILLISECONDS
        # What a careful reader may see: behind an open transaction nothing can be received.
        consumer = AIOKafkaConsumer(**options, group_id=None, isolation_level="read_committed")
        admin = AIOKafkaAdminClient(**options)
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
                await admin.start()
            yield consumer, admin
        finally:
            await stop_quietly(consumer)
            await admin.close()
