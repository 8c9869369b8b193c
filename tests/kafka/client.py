"""What tests ask a broker: topics, offsets, and all records of a topic.

It reads through librdkafka: an independent client sees what the worker wrote through aiokafka.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are public all the same
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

Isolation = Literal["read_committed", "read_uncommitted"]
Resource = Literal["topic", "group", "transactional id"]
_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional id": ResourceType.TRANSACTIONAL_ID,
}

TIMEOUT_SECONDS = 30.0
LOG_SECONDS = 300.0
"""For a whole log, whatever its length."""
_POLL_SECONDS = 0.05
# Knock often: tests stop and start brokers. Say nothing about it: the tests expect it.
_QUIET_AND_QUICK: dict[str, str | int | bool] = {
    "log_level": 0,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 100,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record as a reader finds it; the timestamp is in milliseconds since 1970."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int


class KafkaClient:
    """Asks one broker, bounded by a timeout; a broker that is away for a while is waited for."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = {**settings, **_QUIET_AND_QUICK}
        self._admin = AdminClient(dict(self._settings))

    def answers(self, port: int) -> bool:
        """Ask for metadata, briefly; an open port is no proof, a dying process still accepts."""
        try:
            known = self._admin.list_topics(timeout=0.2).brokers
        except KafkaException:
            return False
        return any(broker.port == port for broker in known.values())

    def create_topic(
        self, name: str, partitions: int, config: Mapping[str, str], *, replication: int = 1
    ) -> None:
        """Create the topic and wait until its partitions have leaders: metadata lags."""
        topic = NewTopic(name, partitions, replication_factor=replication, config=dict(config))
        self._admin.create_topics([topic], request_timeout=TIMEOUT_SECONDS)[name].result()
        _wait_until(lambda: len(self._led_partitions(name)) == partitions, f"{name} has leaders")

    def delete_topic(self, name: str) -> None:
        """Delete the topic and wait until it is out of the metadata."""
        self._admin.delete_topics([name], request_timeout=TIMEOUT_SECONDS)[name].result()
        _wait_until(lambda: not self._led_partitions(name), f"{name} is gone")

    def allow(self, user: str, resource: Resource, name: str, operations: Iterable[str]) -> None:
        """Add one access rule for each operation."""
        rules = [
            AclBinding(
                *(_RESOURCES[resource], name, ResourcePatternType.LITERAL, f"User:{user}", "*"),
                *(AclOperation[operation], AclPermissionType.ALLOW),
            )
            for operation in operations
        ]
        for answer in self._admin.create_acls(rules).values():
            answer.result(TIMEOUT_SECONDS)

    def revoke(self, user: str, resource: Resource, name: str) -> None:
        """Delete all access rules of this user for this resource."""
        rules = AclBindingFilter(
            *(_RESOURCES[resource], name, ResourcePatternType.LITERAL, f"User:{user}", "*"),
            *(AclOperation.ANY, AclPermissionType.ANY),
        )
        for answer in self._admin.delete_acls([rules]).values():
            answer.result(TIMEOUT_SECONDS)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """Give the group's offset of each partition that has one; wait for open transactions."""
        partitions = [TopicPartition(topic, number) for number in self.partitions(topic)]
        answers = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, partitions)],
            require_stable=True,
            request_timeout=TIMEOUT_SECONDS,
        )
        found = answers[group].result().topic_partitions
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def end_offsets(self, topic: str, isolation: Isolation) -> dict[int, int]:
        """Give the offset behind the last record of each partition that this isolation may see."""
        level = IsolationLevel[isolation.upper()]
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # not annotated there
        wanted = {TopicPartition(topic, n): latest for n in self.partitions(topic)}
        answers = self._admin.list_offsets(
            wanted, isolation_level=level, request_timeout=TIMEOUT_SECONDS
        )
        return {each.partition: answer.result().offset for each, answer in answers.items()}

    def partitions(self, topic: str) -> list[int]:
        """Give the numbers of the topic's partitions; a topic that isn't there is an error."""
        found = self._led_partitions(topic)
        if not found:
            raise LookupError(f"found no topic {topic!r} with leaders on this broker")
        return found

    def _led_partitions(self, topic: str) -> list[int]:
        metadata = self._admin.list_topics(topic, timeout=TIMEOUT_SECONDS).topics[topic]
        return sorted(number for number, each in metadata.partitions.items() if each.leader >= 0)

    def read(
        self, topic: str, isolation: Isolation, until: int, timeout_seconds: float
    ) -> list[Record]:
        """Read all until there are `until` records and each partition is at its end."""
        records = self.records(topic, isolation, until, timeout_seconds)
        return sorted(records, key=lambda record: (record.partition, record.offset))

    def records(
        self, topic: str, isolation: Isolation, until: int, timeout_seconds: float
    ) -> Iterator[Record]:
        """Yield as `read` returns them, each partition in its order, and hold none."""
        consumer = Consumer(
            {
                **self._settings,
                "group.id": f"reader-{uuid.uuid4()}",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": isolation,
                "fetch.wait.max.ms": 10,
            }
        )
        try:
            partitions = self.partitions(topic)
            # A consumer that hasn't met the leaders yet looks for them twice a second only.
            consumer.list_topics(topic, timeout=TIMEOUT_SECONDS)
            consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in partitions])
            yield from _to_the_end(consumer, set(partitions), until, timeout_seconds)
        finally:
            consumer.close()

    def aborted_records(self, topic: str) -> int:
        """Count the records in the log that belong to aborted transactions."""
        _wait_until(
            lambda: not self._has_open_transaction(topic), f"{topic}: no transaction is open"
        )
        everything = self.records(topic, "read_uncommitted", 0, LOG_SECONDS)
        committed = self.records(topic, "read_committed", 0, LOG_SECONDS)
        return sum(1 for _ in everything) - sum(1 for _ in committed)

    def _has_open_transaction(self, topic: str) -> bool:
        stable = self.end_offsets(topic, "read_committed")
        return stable != self.end_offsets(topic, "read_uncommitted")


def _to_the_end(
    consumer: Consumer, partitions: set[int], until: int, timeout_seconds: float
) -> Iterator[Record]:
    count = 0
    at_end: set[int] = set()
    deadline = time.monotonic() + timeout_seconds
    while at_end != partitions or count < until:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"found {count} records and {len(at_end)} of {len(partitions)} partitions "
                f"at their end in {timeout_seconds:.0f} s; wanted {until} records"
            )
        for message in consumer.consume(500, timeout=_POLL_SECONDS):
            error = message.error()
            if error is None:
                record = _record(message)
                count += 1
                at_end.discard(record.partition)
                yield record
            elif error.code() == KafkaError._PARTITION_EOF:
                at_end.add(_present(message.partition()))
            elif not error.retriable():
                raise KafkaException(error)


def _record(message: Message) -> Record:
    # A reader is always given bytes; the stub also names what a writer may pass.
    headers = cast(list[tuple[str, bytes | None]], message.headers() or [])
    return Record(
        partition=_present(message.partition()),
        offset=_present(message.offset()),
        key=message.key(),
        value=message.value(),
        headers=tuple(headers),
        timestamp=message.timestamp()[1],
    )


def _present(number: int | None) -> int:
    if number is None:
        raise AssertionError("librdkafka gave a message without partition or offset")
    return number


def _wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {TIMEOUT_SECONDS:.0f} s in vain until {what}")
        time.sleep(_POLL_SECONDS)
