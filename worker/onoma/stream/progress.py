"""How far the lanes have read, for the watchdog; asked on the event loop at each of its beats.

The rule: no waiting for the broker, which a beat must not do. A lane's own offset says where it is;
where it is idle the consumer's position says more, for that is behind transaction markers and gaps,
which are no records.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from onoma.stream.lane import Lane
from onoma.stream.stages import LaneProgress

POSITION_SECONDS = 0.2
"""For all positions together: the consumer knows them, or it does not."""


async def lane_progress(
    consumer: AIOKafkaConsumer, lanes: Mapping[TopicPartition, Lane]
) -> tuple[LaneProgress, ...]:
    """Return how far `lanes` have read by now."""
    idle = [partition for partition, lane in lanes.items() if not len(lane)]
    positions: dict[TopicPartition, int] = {}
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(POSITION_SECONDS):
            for partition in idle:
                positions[partition] = await consumer.position(partition)
    return tuple(
        LaneProgress(
            partition.partition,
            max(lane.fetch_offset, positions.get(partition, 0)),
            lane.has_room(),
        )
        for partition, lane in lanes.items()
    )
