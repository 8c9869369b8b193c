"""How far a lane has read is its own offset, and where it is idle also its consumer's position."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError
from aiokafka.structs import ConsumerRecord

from onoma.stream.lane import Lane
from onoma.stream.progress import lane_progress
from onoma.stream.stages import LaneProgress


class Consumer:
    """Knows positions, or does not; one that is asked for others never answers."""

    def __init__(self, positions: Mapping[int, int | None]) -> None:
        self._positions = positions

    async def position(self, partition: TopicPartition) -> int:
        if partition.partition not in self._positions:
            await asyncio.get_running_loop().create_future()
        position = self._positions[partition.partition]
        if position is None:
            raise IllegalStateError("not assigned")
        return position


def lane(partition: int, offset: int, *, documents: int = 0) -> Lane:
    made = Lane(TopicPartition("documents", partition), offset, max_documents=2, max_bytes=1000)
    records = [record(partition, offset + number) for number in range(documents)]
    if records:
        made.accept(records, made.request())
    return made


def record(partition: int, offset: int) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("documents", partition, offset, 0, 0, None, b"{}", None, 0, 2, ())


def progress(consumer: Consumer, *lanes: Lane) -> tuple[LaneProgress, ...]:
    return asyncio.run(lane_progress(consumer, {lane.partition: lane for lane in lanes}))


def test_an_idle_lane_is_where_its_consumer_is_behind_markers_and_gaps() -> None:
    assert progress(Consumer({0: 9}), lane(0, 5)) == (LaneProgress(0, 9, True),)


def test_a_busy_lane_is_behind_what_it_took_in_and_says_whether_it_has_room() -> None:
    busy, full = lane(0, 5, documents=1), lane(1, 5, documents=2)

    assert progress(Consumer({}), busy, full) == (
        LaneProgress(0, 6, True),
        LaneProgress(1, 7, False),
    )


def test_a_consumer_that_does_not_know_or_does_not_answer_holds_nobody_up() -> None:
    assert progress(Consumer({0: None}), lane(0, 5)) == (LaneProgress(0, 5, True),)
    assert progress(Consumer({}), lane(0, 5)) == (LaneProgress(0, 5, True),)
