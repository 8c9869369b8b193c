"""Publishes documents to the documents' topic: what `onoma publish` and the demo put in.

The counterpart of the document service. Its rule: a document counts as published once the broker
has acknowledged it; at most `IN_FLIGHT` of them wait for that, and the first error ends it all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer

from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers
from onoma.settings import Settings
from onoma.stream.client import partitions_of, producing

IN_FLIGHT = 1000
IN_FLIGHT_BYTES = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Message:
    """One record to write; `partition` is the key's own where it is None."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies now."""

    topic: str
    partition: int
    offset: int


Report = Callable[[Message, Place], None]
"""Told of each message when it is acknowledged, in the order of sending."""


async def publish(
    messages: Iterable[Message], settings: Settings, limits: Limits, report: Report | None = None
) -> int:
    """Publish `messages` to the documents' topic; return how many there were.

    Raises FatalError with one clear line; what was acknowledged until then stays published.
    """
    topic = settings.topics.documents
    await partitions_of(settings, limits, topic)
    async with producing(settings) as producer:
        return await send_all(producer, topic, messages, settings, report)


async def send_all(
    producer: AIOKafkaProducer,
    topic: str,
    messages: Iterable[Message],
    settings: Settings,
    report: Report | None = None,
) -> int:
    """Send `messages` to `topic` and await each, in order; return how many there were."""
    seconds = settings.delivery.publish_timeout_seconds
    waiting: deque[_Sent] = deque()
    bytes_, count = 0, 0
    for message in messages:
        size = len(message.value or b"")
        while waiting and (len(waiting) >= IN_FLIGHT or bytes_ + size > IN_FLIGHT_BYTES):
            bytes_ -= len(waiting[0].message.value or b"")
            await _acknowledged(waiting.popleft(), seconds, report)
        waiting.append(await _sent(producer, topic, message, seconds))
        bytes_ += size
        count += 1
    while waiting:
        await _acknowledged(waiting.popleft(), seconds, report)
    return count


@dataclass(frozen=True, slots=True)
class _Sent:
    message: Message
    answer: asyncio.Future[Any]


async def _sent(producer: AIOKafkaProducer, topic: str, message: Message, seconds: float) -> _Sent:
    async with asyncio.timeout(seconds):
        answer = await producer.send(
            topic,
            message.value,
            key=message.key,
            partition=message.partition,
            headers=list(message.headers),
        )
    return _Sent(message, answer)


async def _acknowledged(sent: _Sent, seconds: float, report: Report | None) -> None:
    async with asyncio.timeout(seconds):
        found = await sent.answer
    if report:
        report(sent.message, Place(found.topic, found.partition, found.offset))
