"""What one lane's failure costs the others: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from onoma.contracts.records import Output
from onoma.settings import FaultPoint, Settings
from onoma.stream import outbox as module
from onoma.stream.outbox import IdempotentOutbox
from tests.unit.stream.test_lane import PARTITION

OUTPUT = Output("entities", b"key", b"value", ())
AFTER = OffsetAndMetadata(1, "about it")


class FakeProducer:
    """Acknowledges what is sent when it is told to, and fails it when it is stopped first."""

    made: list[FakeProducer]

    def __init__(self, **_options: object) -> None:
        self.stopped = False
        self.waiting: list[asyncio.Future[None]] = []
        type(self).made.append(self)

    async def start(self) -> None:
        """There is no connection to make."""

    async def stop(self) -> None:
        self.stopped = True
        self.fail()

    async def send(self, *_arguments: object, **_options: object) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        return answer

    def acknowledge(self) -> None:
        for answer in self.waiting:
            answer.set_result(None)

    def fail(self) -> None:
        for answer in self.waiting:
            if not answer.done():
                answer.set_exception(KafkaError("the producer was closed"))


class Offsets:
    """What a group has committed."""

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, OffsetAndMetadata] = {}

    async def read(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        return self.committed.get(partition)

    async def commit(self, partition: TopicPartition, after: OffsetAndMetadata) -> None:
        self.committed[partition] = after


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_failed_producer_is_thrown_out_once_and_its_successor_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeProducer.made = []
    monkeypatch.setattr(module, "AIOKafkaProducer", FakeProducer)
    offsets = Offsets()
    other = PARTITION._replace(partition=3)

    async def run() -> Sequence[BaseException | None]:
        outbox = IdempotentOutbox(Settings(), offsets.read, offsets.commit)
        first = asyncio.create_task(outbox.publish(PARTITION, [OUTPUT], AFTER))
        second = asyncio.create_task(outbox.publish(other, [OUTPUT], AFTER))
        await turns()
        FakeProducer.made[0].waiting[0].set_exception(KafkaError("what?"))
        await turns(1)
        retried = asyncio.create_task(outbox.publish(PARTITION, [OUTPUT], AFTER))
        await turns()
        FakeProducer.made[1].acknowledge()
        return await asyncio.gather(first, second, retried, return_exceptions=True)

    first, second, retried = asyncio.run(run())

    assert isinstance(first, KafkaError)
    assert isinstance(second, KafkaError)
    assert retried is None
    assert [producer.stopped for producer in FakeProducer.made] == [True, False]
    assert offsets.committed == {PARTITION: AFTER}


def test_fault_points_are_passed_in_their_order_and_not_by_what_holds_no_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeProducer.made = []
    monkeypatch.setattr(module, "AIOKafkaProducer", FakeProducer)
    offsets = Offsets()
    passed: list[FaultPoint] = []

    async def run() -> None:
        outbox = IdempotentOutbox(Settings(), offsets.read, offsets.commit, passed.append)
        await outbox.publish(PARTITION, [], OffsetAndMetadata(1, ""))
        assert passed == []
        publishing = asyncio.create_task(
            outbox.publish(PARTITION, [OUTPUT], OffsetAndMetadata(2, ""))
        )
        await turns()
        assert passed == []
        FakeProducer.made[0].acknowledge()
        await publishing

    asyncio.run(run())

    assert passed == ["after_sends", "in_commit", "after_commit"]
