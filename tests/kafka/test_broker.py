"""The tests' own broker does what the tests of the worker take for granted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from tests.conftest import StartKafka, Unique
from tests.kafka.broker import (
    ALICE,
    PLAINTEXT,
    BrokerFailed,
    KafkaBroker,
    Security,
    User,
)
from tests.kafka.configuration import SCRAM
from tests.kafka.runtime import Java, Runtime, find_runtime

pytestmark = pytest.mark.kafka

MECHANISMS = pytest.mark.parametrize("mechanism", ["PLAIN", *SCRAM])
MIB = 1024 * 1024


@contextlib.asynccontextmanager
async def producing(**settings: object) -> AsyncIterator[AIOKafkaProducer]:
    # Not aiokafka's own `async with`: that leaves a producer open whose start has failed.
    producer = AIOKafkaProducer(acks="all", **settings)
    async with asyncio.timeout(20):
        try:
            await producer.start()
            yield producer
        finally:
            await producer.stop()


async def produce(topic: str, values: list[bytes], **settings: object) -> None:
    async with producing(**settings) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", headers=[("h", b"1")])


async def consume_and_commit(topic: str, count: int, **settings: object) -> list[bytes]:
    settings |= {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    values: list[bytes] = []
    async with asyncio.timeout(20), AIOKafkaConsumer(topic, **settings) as consumer:
        while len(values) < count:
            fetched = await consumer.getmany(timeout_ms=200)
            values += [record.value for records in fetched.values() for record in records]
        await consumer.commit()
    return values


async def abort_five_and_commit_three(topic: str, **settings: object) -> None:
    async with producing(**settings) as producer:
        for values, end in (
            ([b"lost"] * 5, producer.abort_transaction),
            ([b"kept"] * 3, producer.commit_transaction),
        ):
            await producer.begin_transaction()
            for value in values:
                await producer.send_and_wait(topic, value)
            await end()


def test_what_is_produced_is_consumed_and_committed(kafka: KafkaBroker, unique: Unique) -> None:
    topic, group = unique("documents"), unique("group")
    kafka.create_topic(topic, 3)

    asyncio.run(produce(topic, [b"a", b"b", b"c"], **kafka.aiokafka_settings()))
    settings = kafka.aiokafka_settings() | {"group_id": group}
    consumed = asyncio.run(consume_and_commit(topic, 3, **settings))

    assert sorted(consumed) == [b"a", b"b", b"c"]
    assert kafka.partitions(topic) == [0, 1, 2]
    assert kafka.committed(group, topic) == kafka.end_offsets(topic)
    assert sum(kafka.end_offsets(topic).values()) == 3


def test_a_group_that_never_committed_has_no_offsets(kafka: KafkaBroker, unique: Unique) -> None:
    topic = unique("documents")
    kafka.create_topic(topic, 2)

    assert kafka.committed(unique("group"), topic) == {}


def test_read_gives_key_value_headers_and_position(kafka: KafkaBroker, unique: Unique) -> None:
    topic = unique("documents")
    kafka.create_topic(topic, 1)
    asyncio.run(produce(topic, [b"a", b"b"], **kafka.aiokafka_settings()))

    records = kafka.read(topic, until=2)

    assert [(each.partition, each.offset, each.value) for each in records] == [
        (0, 0, b"a"),
        (0, 1, b"b"),
    ]
    assert records[0].key == b"k"
    assert records[0].headers == (("h", b"1"),)
    assert records[0].timestamp > 0


def test_read_that_waits_in_vain_says_what_it_found(kafka: KafkaBroker, unique: Unique) -> None:
    topic = unique("documents")
    kafka.create_topic(topic, 1)

    with pytest.raises(TimeoutError, match=r"found 0 records .* wanted 1 records"):
        kafka.read(topic, until=1, timeout_seconds=0.5)


def test_records_of_aborted_transactions_are_hidden_and_counted(
    kafka: KafkaBroker, unique: Unique
) -> None:
    topic = unique("entities")
    kafka.create_topic(topic, 1)

    settings = kafka.aiokafka_settings() | {"transactional_id": unique("transaction")}
    asyncio.run(abort_five_and_commit_three(topic, **settings))

    assert [each.value for each in kafka.read(topic)] == [b"kept"] * 3
    assert len(kafka.read(topic, isolation="read_uncommitted")) == 8
    assert kafka.aborted_records(topic) == 5


def test_a_topic_takes_the_largest_event_when_told_to(kafka: KafkaBroker, unique: Unique) -> None:
    topic = unique("entities")
    kafka.create_topic(topic, 1, {"max.message.bytes": str(17 * MIB)})
    event = b"e" * (17 * MIB - 1024)

    asyncio.run(produce(topic, [event], **kafka.aiokafka_settings(), max_request_size=20 * MIB))

    assert [len(each.value or b"") for each in kafka.read(topic, until=1)] == [len(event)]


def test_a_deleted_topic_is_gone(kafka: KafkaBroker, unique: Unique) -> None:
    topic = unique("documents")
    kafka.create_topic(topic, 1)

    kafka.delete_topic(topic)

    with pytest.raises(LookupError, match=topic):
        kafka.partitions(topic)


def test_it_listens_on_loopback_only(kafka: KafkaBroker) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(kafka.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert len(listening) == 2
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_stop_and_kill_leave_no_process_and_a_start_brings_data_and_port_back(
    start_kafka: StartKafka,
) -> None:
    broker = start_kafka(PLAINTEXT)
    bootstrap = broker.bootstrap
    broker.create_topic("documents", 1)
    asyncio.run(produce("documents", [b"a"], **broker.aiokafka_settings()))

    for end in (broker.stop, broker.kill):
        before = broker.pid
        end()
        assert before is not None
        assert not psutil.pid_exists(before)
        assert broker.pid is None
        broker.start()
        assert broker.bootstrap == bootstrap
        assert [each.value for each in broker.read("documents")] == [b"a"]

    asyncio.run(produce("documents", [b"b"], **broker.aiokafka_settings()))
    assert [each.value for each in broker.read("documents")] == [b"a", b"b"]


def test_a_broker_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    good = find_runtime()
    broken = Runtime(Java(good.java.program, good.java.version), "/nowhere.jar", archive=None)

    with pytest.raises(BrokerFailed, match="ClassNotFoundException"):
        KafkaBroker(tmp_path, runtime=broken).start()


def test_a_broker_that_ends_while_starting_leaves_no_process(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path)

    with pytest.raises(BrokerFailed, match="ended while starting"):
        broker.start(java_options=("-XX:NoSuchOption",))

    assert broker.pid is None


@MECHANISMS
def test_users_connect_over_tls_with_their_password(
    kafka_with_tls: KafkaBroker, mechanism: str, unique: Unique
) -> None:
    topic = unique("documents")
    kafka_with_tls.create_topic(topic, 1)
    alice = kafka_with_tls.aiokafka_settings(user=ALICE, mechanism=mechanism)

    asyncio.run(produce(topic, [b"a"], **alice))

    assert [each.value for each in kafka_with_tls.read(topic)] == [b"a"]


def test_a_client_without_the_authority_does_not_trust_the_broker(
    kafka_with_tls: KafkaBroker, unique: Unique
) -> None:
    elsewhere = kafka_with_tls.aiokafka_settings() | {"ssl_context": ssl.create_default_context()}

    with pytest.raises(KafkaConnectionError):
        asyncio.run(produce(unique("documents"), [b"a"], **elsewhere))


@MECHANISMS
def test_a_wrong_password_is_refused(
    kafka_with_acls: KafkaBroker, mechanism: str, unique: Unique
) -> None:
    stranger = kafka_with_acls.aiokafka_settings(user=User("alice", "guess"), mechanism=mechanism)

    with pytest.raises(KafkaConnectionError):
        asyncio.run(produce(unique("documents"), [b"a"], **stranger))


@MECHANISMS
def test_with_acls_a_user_may_do_what_was_allowed_until_it_is_revoked(
    kafka_with_acls: KafkaBroker, mechanism: str, unique: Unique
) -> None:
    topic = unique("documents")
    kafka_with_acls.create_topic(topic, 1)
    alice = kafka_with_acls.aiokafka_settings(user=ALICE, mechanism=mechanism)

    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(produce(topic, [b"too early"], **alice))
    kafka_with_acls.allow(ALICE, "topic", topic, "WRITE", "DESCRIBE")
    asyncio.run(produce(topic, [b"a"], **alice))
    kafka_with_acls.revoke(ALICE, "topic", topic)
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(produce(topic, [b"too late"], **alice))

    assert [each.value for each in kafka_with_acls.read(topic)] == [b"a"]


def test_acls_without_users_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted a SASL protocol"):
        Security(acls=True)
