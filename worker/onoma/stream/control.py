"""Follows the control topics: reads them to their end before the worker is ready, then on and on.

Its consumer belongs to no group: every worker reads every notice, from the beginning, and commits
nothing. What a notice changes is `notices.py`'s to say. A broker that goes away is waited for; what
is served stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from onoma.contracts.records import Record
from onoma.errors import TransientError
from onoma.settings import Settings
from onoma.stream.health import Health
from onoma.stream.kafka import client_options, refuse_what_stays
from onoma.stream.notices import Notices
from onoma.stream.outbox import stop_quietly
from onoma.stream.serving import give_memory_back

log = structlog.get_logger(__name__)

GIVE_BACK_SECONDS = 10.0
"""After a swap: by then the documents that took the old model are published, and it is gone."""
POLL_MILLISECONDS = 500
"""How long one fetch waits; also how often what a notice named is looked for in the store."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0


class Control:
    """The reader of the control topics of one worker."""

    def __init__(
        self, topics: tuple[str, ...], notices: Notices, *, settings: Settings, health: Health
    ) -> None:
        self.caught_up = asyncio.Event()
        health.caught_up = False
        self._topics = topics
        self._notices = notices
        self._settings = settings
        self._health = health
        self._next: dict[TopicPartition, int] = {}
        self._changes = 0
        self._give_back_at: float | None = None

    async def follow(self, stopping: asyncio.Event) -> None:
        """Follow until asked to stop, with a new consumer after each outage. Raises FatalError for
        what a person has to mend.
        """
        pause = FIRST_PAUSE_SECONDS
        while not stopping.is_set():
            try:
                await self._follow(stopping)
                pause = FIRST_PAUSE_SECONDS
            except (KafkaError, OSError, TimeoutError, TransientError) as error:
                refuse_what_stays(error, self._settings)
                log.warning("control topics given up, trying again", error=type(error).__name__)
                await _until_set(stopping, pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _follow(self, stopping: asyncio.Event) -> None:
        """Live one consumer's life."""
        consumer = AIOKafkaConsumer(
            *self._topics,
            **client_options(self._settings.kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        try:
            await consumer.start()
            for partition, offset in self._next.items():
                if partition in consumer.assignment():
                    consumer.seek(partition, offset)
            await self._read_to(await consumer.end_offsets(consumer.assignment()), consumer)
            while not stopping.is_set():
                if await self._notices.settle() and not self.caught_up.is_set():
                    self._health.caught_up = True
                    self.caught_up.set()
                await self._give_memory_back()
                self._note(await consumer.getmany(timeout_ms=POLL_MILLISECONDS))
        finally:
            await stop_quietly(consumer)

    async def _give_memory_back(self) -> None:
        """Let the system have what the old model held, some time after a swap."""
        now = asyncio.get_running_loop().time()
        if self._changes != self._notices.changes:
            self._changes = self._notices.changes
            self._give_back_at = self._give_back_at or now + GIVE_BACK_SECONDS
        elif self._give_back_at is not None and now >= self._give_back_at:
            self._give_back_at = None
            await asyncio.to_thread(give_memory_back)

    async def _read_to(
        self, ends: Mapping[TopicPartition, int], consumer: AIOKafkaConsumer
    ) -> None:
        """Note all records up to `ends`: only the newest of a key is to be tried."""
        # The position says it, not the last record: compaction leaves gaps.
        while unread := [tp for tp in ends if await consumer.position(tp) < ends[tp]]:
            self._note(await consumer.getmany(*unread, timeout_ms=POLL_MILLISECONDS))

    def _note(self, fetched: Mapping[TopicPartition, list[ConsumerRecord]]) -> None:
        for partition, records in fetched.items():
            for record in records:
                # A partition that the client assigned anew begins again.
                if record.offset >= self._next.get(partition, 0):
                    self._notices.note(_record(record))
                    self._next[partition] = record.offset + 1


def _record(record: Any) -> Record:
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        tuple(record.headers),
    )


async def _until_set(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
