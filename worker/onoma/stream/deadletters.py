"""Reads the dead letters and sends them back; what `onoma deadletters` does.

A reader outside every group, at `read_committed`, up to the ends that it found when it began: it
moves no offset, and letters that arrive meanwhile are not its business. Sending back is taking our
headers off (contracts/deadletter.py): key, value and headers are the original's, topic and
partition too, so that the document comes after those that were there before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from onoma.contracts import deadletter
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, header
from onoma.errors import FatalError
from onoma.settings import Settings
from onoma.stream.client import partitions_of, producing, reading, up_to_the_ends
from onoma.stream.publishing import Message, Report, send_all


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter where it lies; `value` is None in a list too, where `size` still counts it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    size: int

    @property
    def place(self) -> str:
        """Return `partition:offset`, as the header of a requeued record says it."""
        return f"{self.partition}:{self.offset}"

    def told(self, name: str) -> str | None:
        """Return one of our headers, None where the record has none."""
        value = header(self.headers, name)
        return None if value is None else value.decode(errors="backslashreplace")

    @property
    def source(self) -> tuple[str, int]:
        """Return topic and partition that it came from. Raises FatalError without them."""
        topic = self.told(deadletter.SOURCE_TOPIC)
        partition = self.told(deadletter.SOURCE_PARTITION) or ""
        if not topic or not partition.isdecimal():
            raise FatalError(
                f"{self.place}: found no {deadletter.SOURCE_TOPIC} and "
                f"{deadletter.SOURCE_PARTITION}; this record is no dead letter of Onoma"
            )
        return topic, int(partition)


async def newest(
    settings: Settings, limits: Limits, *, reason: str | None, limit: int
) -> list[Letter]:
    """Return the newest `limit` letters of `reason`, oldest first, without their values."""
    kept: dict[int, deque[Letter]] = {}
    partitions = await partitions_of(settings, limits, settings.topics.dead_letters)
    async with reading(settings, limits, partitions) as consumer:
        async for letters in _up_to_the_ends(consumer, partitions):
            for letter in _of_reason(letters, reason):
                newest_there = kept.setdefault(letter.partition, deque(maxlen=limit))
                newest_there.append(replace(letter, value=None))
    found = [letter for newest_there in kept.values() for letter in newest_there]
    found.sort(key=lambda letter: (letter.timestamp_ms, letter.partition, letter.offset))
    return found[-limit:]


async def one(settings: Settings, limits: Limits, partition: int, offset: int) -> Letter:
    """Return the letter at this place, whole. Raises FatalError where there is none."""
    topic = settings.topics.dead_letters
    wanted = TopicPartition(topic, partition)
    partitions = await partitions_of(settings, limits, topic)
    if wanted not in partitions:
        raise FatalError(f"{topic}: found partitions 0 to {len(partitions) - 1}, not {partition}")
    async with reading(settings, limits, [wanted]) as consumer:
        begin = (await consumer.beginning_offsets([wanted]))[wanted]
        end = (await consumer.end_offsets([wanted]))[wanted]
        if not begin <= offset < end:
            held = f"offsets {begin} to {end - 1}" if begin < end else "nothing"
            raise FatalError(f"{topic}: partition {partition} holds {held}, not offset {offset}")
        consumer.seek(wanted, offset)
        async for letters in _up_to_the_ends(consumer, [wanted]):
            for letter in letters:
                if letter.offset == offset:
                    return letter
                break
    raise FatalError(
        f"{topic}: found no letter at offset {offset} of partition {partition}; "
        "`onoma deadletters list` shows those that there are"
    )


async def requeue(settings: Settings, letter: Letter, report: Report) -> None:
    """Send one letter back where it came from, with the value that it has here."""
    async with producing(settings) as producer:
        await _send_back(producer, [letter], settings, report)


async def requeue_all(settings: Settings, limits: Limits, reason: str, report: Report) -> int:
    """Send every letter of `reason` back that is there now; return how many there were."""
    partitions = await partitions_of(settings, limits, settings.topics.dead_letters)
    count = 0
    async with (
        producing(settings) as producer,
        reading(settings, limits, partitions) as consumer,
    ):
        async for letters in _up_to_the_ends(consumer, partitions):
            of_reason = _of_reason(letters, reason)
            await _send_back(producer, of_reason, settings, report)
            count += len(of_reason)
    return count


def restored(letter: Letter) -> Message:
    """Return the record as upstream wrote it, with a mark that it was sent back.

    The time of the first failure goes along, so that it stays the first if it fails again.
    """
    _, partition = letter.source
    if letter.key is None and letter.value is None:
        raise FatalError(
            f"{letter.place}: has neither key nor value; give a value with --value-file"
        )
    ours = {deadletter.REQUEUED_FROM: letter.place.encode()}
    if first_failure := header(letter.headers, deadletter.FIRST_FAILURE_TIME):
        ours[deadletter.FIRST_FAILURE_TIME] = first_failure
    headers = (*deadletter.original_headers(letter.headers), *ours.items())
    return Message(letter.key, letter.value, headers, partition)


async def _send_back(
    producer: AIOKafkaProducer,
    letters: list[Letter],
    settings: Settings,
    report: Report,
) -> None:
    """Send `letters` in their order; report each as it is acknowledged."""
    for topic, of_topic in groupby(letters, lambda letter: letter.source[0]):
        group = list(of_topic)
        partitions = await producer.partitions_for(topic)
        for letter in group:
            if letter.source[1] not in partitions:
                raise FatalError(
                    f"{letter.place}: came from partition {letter.source[1]} of {topic}, which is "
                    "not there now; publish its value anew"
                )
        await send_all(producer, topic, map(restored, group), settings, report)


async def _up_to_the_ends(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
) -> AsyncIterator[list[Letter]]:
    async for records in up_to_the_ends(consumer, partitions):
        yield [_letter(record) for record in records]


def _letter(record: Any) -> Letter:
    size = len(record.value or b"")
    headers = tuple(record.headers)
    return Letter(
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        headers,
        size,
    )


def _of_reason(letters: list[Letter], reason: str | None) -> list[Letter]:
    return [each for each in letters if reason in (None, each.told(deadletter.REASON))]
