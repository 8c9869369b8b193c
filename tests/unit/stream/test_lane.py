"""A lane keeps every document: in order, none twice, whatever aiokafka hands over and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from onoma.pipeline import Annotated, Outcome, process
from onoma.stream.lane import Entry, Lane
from tests.fakes import text_record, versions

PARTITION = TopicPartition("documents.v1", 2)
OUTCOME: Outcome = process(text_record("Amina"), versions())


def new_lane(offset: int = 10, *, documents: int = 8, bytes_: int = 1000) -> Lane:
    return Lane(PARTITION, offset, max_documents=documents, max_bytes=bytes_)


def batch(*offsets: int, value: bytes = b"value") -> list[ConsumerRecord[bytes, bytes]]:
    return [
        ConsumerRecord(
            topic=PARTITION.topic,
            partition=PARTITION.partition,
            offset=offset,
            timestamp=1000 + offset,
            timestamp_type=0,
            key=b"key",
            value=value,
            checksum=None,
            serialized_key_size=3,
            serialized_value_size=len(value),
            headers=(("name", b"bytes"), ("null", None)),
        )
        for offset in offsets
    ]


def taken_in(lane: Lane, *offsets: int) -> list[Entry]:
    entries = lane.accept(batch(*offsets), lane.request())
    assert entries is not None
    return entries


def head(lane: Lane, limit: int = 100) -> list[int]:
    async def finished() -> list[Entry]:
        async with asyncio.timeout(1):
            return await lane.finished_head(limit)

    return [entry.record.offset for entry in asyncio.run(finished())]


class Seeks:
    """Notes where a consumer was told to go."""

    def __init__(self) -> None:
        self.made: list[tuple[TopicPartition, int]] = []

    def __call__(self, partition: TopicPartition, offset: int) -> None:
        self.made.append((partition, offset))


def test_a_batch_that_was_asked_for_here_is_taken_in_with_its_gaps() -> None:
    lane = new_lane(10)

    assert [entry.record.offset for entry in taken_in(lane, 12, 13, 17)] == [12, 13, 17]
    assert lane.fetch_offset == 18
    assert lane.next_offset == 10


def test_a_batch_from_before_the_lane_is_stale() -> None:
    lane = new_lane(10)

    assert lane.accept(batch(8, 9, 10), lane.request()) is None
    assert (len(lane), lane.fetch_offset) == (0, 10)


def test_a_batch_that_was_asked_for_by_the_former_lane_is_stale_though_it_looks_like_a_gap() -> (
    None
):
    """Aiokafka fetches for the new assignment before we have taken it; those records were dropped,
    and the batch behind them is no gap.
    """
    former, lane = new_lane(10), new_lane(10)

    assert lane.accept(batch(42, 43), former.request()) is None
    assert lane.accept(batch(42, 43), None) is None
    assert lane.fetch_offset == 10


def test_a_batch_that_was_asked_for_before_the_lane_went_back_is_stale() -> None:
    lane = new_lane(10)
    taken_in(lane, 10, 11, 12)
    request = lane.request()
    lane.restart_at(5, Seeks())

    assert lane.accept(batch(13, 14), request) is None
    assert lane.fetch_offset == 5


def test_a_document_with_many_outputs_is_published_with_fewer_others_and_never_left() -> None:
    lane = new_lane(0)
    assert isinstance(OUTCOME, Annotated)
    many = replace(OUTCOME, alerts=(OUTCOME.output,) * 7)

    for entry, outcome in zip(taken_in(lane, 0, 1, 2), (OUTCOME, many, OUTCOME), strict=True):
        lane.finish(entry, outcome)

    assert head(lane, limit=9) == [0, 1]
    assert head(lane, limit=8) == [0]
    lane.commit(1)
    assert head(lane, limit=4) == [1]


def test_outcomes_leave_in_the_order_of_the_partition() -> None:
    lane = new_lane(0)
    entries = taken_in(lane, 0, 1, 2, 3)

    for entry in (entries[1], entries[0], entries[3]):
        lane.finish(entry, OUTCOME)

    assert head(lane) == [0, 1]
    assert head(lane, limit=1) == [0]


def test_what_was_committed_is_let_go_of_and_makes_room() -> None:
    lane = new_lane(0, documents=2)
    entries = taken_in(lane, 0, 1)
    assert not lane.has_room()

    lane.finish(entries[0], OUTCOME)
    lane.commit(1)

    assert lane.has_room()
    assert (len(lane), lane.next_offset, lane.bytes_) == (1, 1, len(b"value") + len(b"key"))


def test_a_lane_is_full_by_bytes_too() -> None:
    lane = new_lane(0, bytes_=10)

    taken_in(lane, 0)
    assert lane.has_room()
    taken_in(lane, 1)

    assert not lane.has_room()


def test_a_lane_taken_anew_at_a_known_offset_keeps_what_is_finished_and_reads_nothing_again() -> (
    None
):
    lane, seeks = new_lane(0), Seeks()
    for entry in taken_in(lane, 0, 1, 2):
        lane.finish(entry, OUTCOME)

    lane.restart_at(2, seeks)

    assert head(lane) == [2]
    assert (lane.next_offset, lane.fetch_offset) == (2, 3)
    assert seeks.made == []


def test_a_lane_taken_anew_elsewhere_reads_from_there() -> None:
    for elsewhere in (3, 20):
        lane, seeks = new_lane(10), Seeks()
        taken_in(lane, 10, 11)

        lane.restart_at(elsewhere, seeks)

        assert seeks.made == [(PARTITION, elsewhere)]
        assert (len(lane), lane.bytes_) == (0, 0)
        assert lane.next_offset == lane.fetch_offset == elsewhere


def test_an_outcome_that_comes_after_its_document_was_let_go_of_changes_nothing() -> None:
    lane = new_lane(10)
    (entry,) = taken_in(lane, 10)
    lane.restart_at(5, Seeks())
    taken_in(lane, 5)

    lane.finish(entry, OUTCOME)

    assert len(lane) == 1


def test_a_closed_lane_wakes_who_waits_for_it() -> None:
    lane = new_lane()

    async def wait_and_close() -> list[Entry]:
        waiting = asyncio.create_task(lane.finished_head(1))
        await asyncio.sleep(0)
        lane.close()
        async with asyncio.timeout(1):
            return await waiting

    assert asyncio.run(wait_and_close()) == []


LONG, SHORT = 60.0, 0.01


def waiting_head(lane: Lane, max_wait_seconds: float, *later: Entry) -> list[int]:
    """Return what is published together when `later` are finished while the lane waits."""

    async def finished() -> list[Entry]:
        async with asyncio.timeout(1):
            waiting = asyncio.create_task(lane.finished_head(100, max_wait_seconds))
            for entry in later:
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not waiting.done()
                lane.finish(entry, OUTCOME)
            return await waiting

    return [entry.record.offset for entry in asyncio.run(finished())]


def test_a_finished_document_waits_for_those_that_are_being_read() -> None:
    lane = new_lane()
    first, second, third = taken_in(lane, 10, 11, 12)
    lane.finish(first, OUTCOME)

    assert waiting_head(lane, LONG, second, third) == [10, 11, 12]


def test_a_finished_document_waits_no_longer_than_it_may() -> None:
    lane = new_lane()
    first, *_ = taken_in(lane, 10, 11, 12)
    lane.finish(first, OUTCOME)

    assert waiting_head(lane, SHORT) == [10]


def test_on_an_idle_topic_nothing_waits() -> None:
    lane = new_lane()
    (only,) = taken_in(lane, 10)
    lane.finish(only, OUTCOME)

    assert waiting_head(lane, LONG) == [10]


def test_half_of_what_a_lane_may_hold_is_published_without_waiting() -> None:
    lane = new_lane(documents=8)
    entries = taken_in(lane, *range(10, 18))
    for entry in entries[:3]:
        lane.finish(entry, OUTCOME)

    assert waiting_head(lane, LONG, entries[3]) == [10, 11, 12, 13]
