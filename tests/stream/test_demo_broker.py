"""The demo broker carries documents as far as the demo and the fault tests need it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from onoma.errors import FatalError, WrongUseError
from onoma.stream.demo_broker import DemoBroker

PRODUCE_API, TOPIC_AUTHORIZATION_FAILED, NOT_LEADER = 0, 29, 6


@pytest.fixture
def broker() -> Iterator[DemoBroker]:
    with DemoBroker({"documents.v1": 4, "entities.v1": 3}) as broker:
        yield broker


@contextlib.asynccontextmanager
async def producing(broker: DemoBroker) -> AsyncIterator[AIOKafkaProducer]:
    async with (
        asyncio.timeout(20),
        AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True) as producer,
    ):
        yield producer


async def send(broker: DemoBroker, *values: bytes) -> None:
    async with producing(broker) as producer:
        for value in values:
            await producer.send_and_wait("documents.v1", value, partition=0)


async def consume_and_commit(broker: DemoBroker, count: int) -> tuple[list[bytes], int]:
    values: list[bytes] = []
    async with (
        asyncio.timeout(20),
        AIOKafkaConsumer(
            "documents.v1",
            bootstrap_servers=broker.bootstrap,
            group_id="group",
            session_timeout_ms=2000,
            heartbeat_interval_ms=500,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        ) as consumer,
    ):
        while len(values) < count:
            fetched = await consumer.getmany(timeout_ms=200)
            values += [record.value for records in fetched.values() for record in records]
        await consumer.commit()
        return values, await consumer.committed(TopicPartition("documents.v1", 0))


def test_what_is_produced_is_consumed_and_committed(broker: DemoBroker) -> None:
    asyncio.run(send(broker, b"a", b"b", b"c"))

    values, committed = asyncio.run(consume_and_commit(broker, 3))

    assert values == [b"a", b"b", b"c"]
    assert committed == 3


def test_a_second_consumer_goes_on_where_the_first_committed(broker: DemoBroker) -> None:
    asyncio.run(send(broker, b"a"))
    asyncio.run(consume_and_commit(broker, 1))
    asyncio.run(send(broker, b"b"))

    values, committed = asyncio.run(consume_and_commit(broker, 1))

    assert values == [b"b"]
    assert committed == 2


def test_topics_have_the_partitions_that_were_declared(broker: DemoBroker) -> None:
    async def partitions(topic: str) -> set[int]:
        async with producing(broker) as producer:
            found: set[int] = await producer.partitions_for(topic)
            return found

    assert asyncio.run(partitions("documents.v1")) == {0, 1, 2, 3}
    assert asyncio.run(partitions("entities.v1")) == {0, 1, 2}


def test_it_listens_on_loopback_only(broker: DemoBroker) -> None:
    port = int(broker.bootstrap.rpartition(":")[2])
    listening = {
        connection.laddr.ip
        for connection in psutil.Process().net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }

    assert listening == {"127.0.0.1"}


def test_down_holds_a_send_back_and_up_lets_it_through(broker: DemoBroker) -> None:
    async def send_while_down() -> bool:
        async with producing(broker) as producer:
            await producer.send_and_wait("documents.v1", b"before", partition=0)
            broker.broker_down()
            held_back = await producer.send("documents.v1", b"meanwhile", partition=0)
            finished, _ = await asyncio.wait([held_back], timeout=0.3)
            broker.broker_up()
            await held_back
            return bool(finished)

    finished_while_down = asyncio.run(send_while_down())
    values, _ = asyncio.run(consume_and_commit(broker, 2))

    assert not finished_while_down
    assert values == [b"before", b"meanwhile"]


def test_pushed_errors_answer_one_request_each(broker: DemoBroker) -> None:
    broker.push_errors(PRODUCE_API, TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(send(broker, b"refused"))
    broker.push_errors(PRODUCE_API, NOT_LEADER, NOT_LEADER)
    asyncio.run(send(broker, b"retried"))

    values, _ = asyncio.run(consume_and_commit(broker, 1))

    assert values == [b"retried"]


def test_the_round_trip_time_delays_answers(broker: DemoBroker) -> None:
    async def seconds_of_a_send() -> float:
        async with producing(broker) as producer:
            await producer.send_and_wait("documents.v1", b"a", partition=0)
            broker.set_round_trip_time(300)
            started = time.monotonic()
            await producer.send_and_wait("documents.v1", b"b", partition=0)
            broker.set_round_trip_time(0)
            return time.monotonic() - started

    assert asyncio.run(seconds_of_a_send()) >= 0.3


def test_it_says_nothing_on_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    with DemoBroker({"documents.v1": 1}) as broker:
        asyncio.run(send(broker, b"a"))
        broker.broker_down()
        broker.broker_up()

    assert capfd.readouterr() == ("", "")


def test_it_may_be_closed_twice_and_is_of_no_use_afterwards() -> None:
    broker = DemoBroker({"documents.v1": 1})
    broker.close()
    broker.close()

    with pytest.raises(FatalError, match="closed"):
        broker.broker_down()


def test_a_topic_without_partitions_is_refused() -> None:
    with pytest.raises(WrongUseError, match=r"'documents\.v1': found 0 partitions"):
        DemoBroker({"documents.v1": 0})


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)

    with pytest.raises(WrongUseError, match=r"install onoma\[demo\]"):
        DemoBroker({})
