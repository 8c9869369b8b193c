"""Reads a compacted topic to its end: the newest value of each key, as a log that is a table.

`onoma gazetteer build --from-topic` makes a list of one. A reader outside every group, at
`read_committed`, up to the ends that it found when it began. Its rule: a key whose newest value is
null is gone, whether compaction has been at it or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka import TopicPartition

from onoma.contracts.policy import Limits
from onoma.errors import FatalError, TransientError
from onoma.settings import Settings
from onoma.stream.client import reading, up_to_the_ends
from onoma.stream.topics import partition_count


@dataclass(frozen=True, slots=True)
class Keyed:
    """The newest value of a key, and where it lies."""

    key: bytes
    value: bytes
    partition: int
    offset: int


async def newest_of_each_key(settings: Settings, limits: Limits, topic: str) -> tuple[Keyed, ...]:
    """Return the newest values in `topic`, sorted by key. Raises FatalError without the topic."""
    newest: dict[bytes, Keyed] = {}
    partitions = await _partitions_of(settings, topic)
    async with reading(settings, limits, partitions) as consumer:
        async for records in up_to_the_ends(consumer, partitions):
            for record in records:
                if record.key is None:
                    raise FatalError(
                        f"{topic}: found no key at offset {record.offset} of partition "
                        f"{record.partition}; wanted the entry's id, by which the topic is "
                        "compacted"
                    )
                # Producers put a key into one partition, so that order inside it is enough.
                newest.pop(record.key, None)
                if record.value is not None:
                    newest[record.key] = Keyed(
                        record.key, record.value, record.partition, record.offset
                    )
    return tuple(newest[key] for key in sorted(newest))


async def _partitions_of(settings: Settings, topic: str) -> list[TopicPartition]:
    try:
        count = await partition_count(settings, topic)
    except TransientError as error:
        raise FatalError(str(error)) from error
    if count is None:
        raise FatalError(
            f"found no topic {topic} at {settings.kafka.bootstrap_servers}; wanted one of entries, "
            "or leave to describe it"
        )
    return [TopicPartition(topic, number) for number in range(count)]
