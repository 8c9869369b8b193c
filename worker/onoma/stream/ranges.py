"""Ranges of the documents' topic, by offset or by time; what --from and --to of commands mean.

A range is half-open: `--to` is the first offset, or the first moment, that is not in it. Its rule:
it never reaches behind the records that a reader at `read_committed` could see when it was asked
for, so that whoever reads it comes to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

Bound = int | datetime
"""An offset of every partition, or a moment."""


async def resolved(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    begin: Bound | None,
    end: Bound | None,
) -> dict[TopicPartition, range]:
    """Return the offsets of each partition from `begin` up to `end`; None: all that there are."""
    first: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    last: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    begins = await _offsets(consumer, begin, first, last)
    ends = await _offsets(consumer, end, last, last)
    ranges = {}
    for partition in partitions:
        start = max(first[partition], begins[partition])
        ranges[partition] = range(start, max(start, min(last[partition], ends[partition])))
    return ranges


async def _offsets(
    consumer: AIOKafkaConsumer,
    bound: Bound | None,
    default: Mapping[TopicPartition, int],
    last: Mapping[TopicPartition, int],
) -> Mapping[TopicPartition, int]:
    if bound is None:
        return default
    if isinstance(bound, int):
        return dict.fromkeys(default, bound)
    return await offsets_at(consumer, dict.fromkeys(default, milliseconds(bound)), last)


async def offsets_at(
    consumer: AIOKafkaConsumer,
    times_ms: Mapping[TopicPartition, int],
    last: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Return the first offset of each partition written at its time or later, else its `last`."""
    found = await consumer.offsets_for_times(dict(times_ms))
    return {
        partition: last[partition] if found[partition] is None else found[partition].offset
        for partition in times_ms
    }


def milliseconds(moment: datetime) -> int:
    """Return `moment` as Kafka counts time."""
    return round(moment.timestamp() * 1000)
