"""Partitions are taken whole and given back once, whatever meets in the middle of a rebalance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from onoma.contracts.records import Output
from onoma.errors import FatalError
from onoma.metrics import Metrics
from onoma.settings import Settings
from onoma.stream.lane import Lane
from onoma.stream.ownership import Ownership

FIRST, SECOND = TopicPartition("documents.v1", 0), TopicPartition("documents.v1", 1)


class FakeConsumer:
    """Knows where it was told to go, and where partitions begin and end."""

    def __init__(self) -> None:
        self.seeks: dict[TopicPartition, int] = {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.seeks[partition] = offset

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 5)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 90)


class FakeOutbox:
    """Partitions with a committed offset; taking waits for `allowed`, a partition may refuse."""

    def __init__(
        self,
        committed: int | None = 17,
        *,
        metadata: str = "",
        refuses: TopicPartition | None = None,
    ) -> None:
        self.allowed = asyncio.Event()
        self.allowed.set()
        self.released: list[TopicPartition] = []
        self.closed = False
        self.published: list[OffsetAndMetadata] = []
        self._committed = None if committed is None else OffsetAndMetadata(committed, metadata)
        self._refuses = refuses

    async def take(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        if partition == self._refuses:
            raise KafkaError("refused")
        await self.allowed.wait()
        return self._committed

    async def publish(
        self, partition: TopicPartition, outputs: Sequence[Output], after: OffsetAndMetadata
    ) -> None:
        assert outputs == []
        self.published.append(after)

    async def release(self, partition: TopicPartition) -> None:
        self.released.append(partition)

    async def close(self) -> None:
        self.closed = True


async def until_closed(lane: Lane) -> None:
    await lane.closing.wait()


def new_ownership(
    outbox: FakeOutbox,
    *,
    consumer: FakeConsumer | None = None,
    run: Callable[[Lane], Awaitable[None]] = until_closed,
    dropped: list[TopicPartition] | None = None,
    reset: str = "earliest",
    owner: str = "",
) -> Ownership:
    return Ownership(
        consumer or FakeConsumer(),
        outbox,
        settings=Settings.model_validate({"kafka": {"auto_offset_reset": reset}}),
        metrics=Metrics(languages=[], labels=[], model="fake"),
        run=run,
        drop=(dropped if dropped is not None else []).append,
        owner=owner,
    )


def test_assigned_partitions_become_lanes_at_their_committed_offset() -> None:
    async def run() -> None:
        consumer = FakeConsumer()
        ownership = new_ownership(FakeOutbox(), consumer=consumer)
        await ownership.on_partitions_assigned([FIRST, SECOND])

        assert ownership.assigned
        assert {p: lane.next_offset for p, lane in ownership.lanes.items()} == consumer.seeks
        assert consumer.seeks == {FIRST: 17, SECOND: 17}
        await ownership.close(1)

    asyncio.run(run())


@pytest.mark.parametrize(("reset", "offset"), [("earliest", 5), ("latest", 90)])
def test_a_partition_without_an_offset_begins_where_the_settings_say(
    reset: str, offset: int
) -> None:
    async def run() -> None:
        ownership = new_ownership(FakeOutbox(committed=None), reset=reset)
        await ownership.on_partitions_assigned([FIRST])

        assert ownership.lanes[FIRST].next_offset == offset
        await ownership.close(1)

    asyncio.run(run())


def test_a_lost_offset_is_a_failure_where_the_settings_say_so() -> None:
    async def run() -> None:
        ownership = new_ownership(FakeOutbox(committed=None), reset="none")
        await ownership.on_partitions_assigned([FIRST])

        assert isinstance(ownership.failure, FatalError)
        assert "kafka.auto_offset_reset is none" in str(ownership.failure)
        assert not ownership.assigned
        await ownership.close(1)

    asyncio.run(run())


def test_a_failure_in_a_rebalance_is_kept_for_the_fetch_loop() -> None:
    async def run() -> None:
        outbox = FakeOutbox(refuses=SECOND)
        ownership = new_ownership(outbox)
        await ownership.on_partitions_assigned([FIRST, SECOND])

        assert isinstance(ownership.failure, KafkaError)
        assert not ownership.assigned
        await ownership.close(1)
        assert outbox.closed

    asyncio.run(run())


def test_a_failure_of_a_lane_is_kept_for_the_fetch_loop() -> None:
    async def failing(_lane: Lane) -> None:
        raise FatalError("mend this")

    async def run() -> None:
        ownership = new_ownership(FakeOutbox(), run=failing)
        await ownership.on_partitions_assigned([FIRST])
        await asyncio.sleep(0)

        assert isinstance(ownership.failure, FatalError)
        await ownership.close(1)

    asyncio.run(run())


def test_revoked_partitions_are_given_back_after_their_publication() -> None:
    ended: list[TopicPartition] = []
    dropped: list[TopicPartition] = []

    async def publishing(lane: Lane) -> None:
        await lane.closing.wait()
        await asyncio.sleep(0)
        ended.append(lane.partition)

    async def run() -> None:
        outbox = FakeOutbox()
        ownership = new_ownership(outbox, run=publishing, dropped=dropped)
        await ownership.on_partitions_assigned([FIRST, SECOND])
        await ownership.on_partitions_revoked([FIRST, SECOND])

        assert sorted(ended) == sorted(outbox.released) == sorted(dropped) == [FIRST, SECOND]
        assert ownership.lanes == {}
        assert not ownership.assigned

    asyncio.run(run())


def test_a_rebalance_and_the_end_of_the_worker_give_each_partition_back_once() -> None:
    async def run() -> None:
        outbox = FakeOutbox()
        ownership = new_ownership(outbox)
        await ownership.on_partitions_assigned([FIRST, SECOND])
        await asyncio.gather(ownership.on_partitions_revoked([FIRST, SECOND]), ownership.close(1))

        assert sorted(outbox.released) == [FIRST, SECOND]
        assert ownership.failure is None

    asyncio.run(run())


def test_a_publication_that_does_not_end_is_cancelled_when_patience_is_over() -> None:
    cancelled: list[TopicPartition] = []

    async def hanging(lane: Lane) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(lane.partition)

    async def run() -> None:
        outbox = FakeOutbox()
        ownership = new_ownership(outbox, run=hanging)
        await ownership.on_partitions_assigned([FIRST])
        async with asyncio.timeout(2):
            await ownership.close(0.01)

        assert outbox.released == [FIRST]

    asyncio.run(run())

    assert cancelled == [FIRST]


def test_a_partition_that_comes_after_the_end_is_not_taken() -> None:
    async def run() -> None:
        outbox = FakeOutbox()
        outbox.allowed.clear()
        ownership = new_ownership(outbox)
        assigning = asyncio.create_task(ownership.on_partitions_assigned([FIRST]))
        await asyncio.sleep(0)
        await ownership.close(1)
        outbox.allowed.set()
        await assigning

        assert ownership.lanes == {}
        assert outbox.released == [FIRST]

    asyncio.run(run())


def mark(attempts: int, owner: str = "other") -> str:
    return f'{{"onoma":1,"attempts":{attempts},"owner":"{owner}"}}'


@pytest.mark.parametrize(
    ("metadata", "careful"),
    [("", 0), (mark(0), 0), (mark(1), 128), (mark(1, "me"), 0), (mark(2, "me"), 128)],
)
def test_a_lane_goes_carefully_where_another_process_died(metadata: str, careful: int) -> None:
    async def run() -> None:
        ownership = new_ownership(FakeOutbox(metadata=metadata), owner="me")
        await ownership.on_partitions_assigned([FIRST])

        attempts = ownership.lanes[FIRST].attempts
        assert attempts.careful == careful
        assert not attempts.noted
        await ownership.close(1)

    asyncio.run(run())


def given_back(
    failure: BaseException | None = None, *, by_document: bool = False, settled: bool = True
) -> list[OffsetAndMetadata]:
    """Return what is committed when a lane with one death at its head is given back."""

    async def run() -> list[OffsetAndMetadata]:
        outbox = FakeOutbox(metadata=mark(1))
        ownership = new_ownership(outbox, owner="me")
        await ownership.on_partitions_assigned([FIRST])
        lane = ownership.lanes[FIRST]
        lane.attempts.noted, lane.settled = True, settled
        if failure is not None:
            ownership.fail(failure, by_document=by_document)
        await ownership.close(1)
        assert outbox.released == [FIRST]
        return outbox.published

    return asyncio.run(run())


def test_giving_a_partition_back_takes_the_attempt_out_and_leaves_deaths_in() -> None:
    assert given_back() == [OffsetAndMetadata(17, mark(1, "me"))]
    assert given_back(KafkaError("gone")) == [OffsetAndMetadata(17, mark(1, "me"))]


def test_an_attempt_stands_where_a_document_broke_a_thread() -> None:
    assert given_back(MemoryError(), by_document=True) == []


def test_no_offset_is_touched_while_a_publication_is_of_unknown_outcome() -> None:
    assert given_back(settled=False) == []
