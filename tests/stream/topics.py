"""A test's own topics and group on a broker, what is put in, and what came out."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from onoma.contracts.policy import Limits
from onoma.stream.kafka import largest_input_bytes, largest_output_bytes
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker, Record
from tests.stream.worker import wait_until

_PEOPLE = ("Amina", "Bola", "Chidi", "Danjuma", "Ejiro", "Farouk", "Gambo", "Halima", "Ifeoma")
_PLACES = ("Abuja", "Lagos", "Kano", "Jos", "Enugu", "Maiduguri", "Zaria", "Sokoto", "Nairobi")
_WORDS = ("yesterday", "the", "minister", "met", "with", "traders", "from", "about", "prices", "of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Three topics and a consumer group that no other test uses."""

    broker: KafkaBroker
    documents: str
    entities: str
    dead_letters: str
    group: str

    @classmethod
    def create(
        cls,
        broker: KafkaBroker,
        unique: Unique,
        *,
        partitions: int = 4,
        options: Mapping[str, str] | None = None,
    ) -> Topics:
        """Create the topics with the sizes that a worker asks for, and further `options`."""
        topics = cls.named(broker, unique)
        limits = Limits()
        sizes = {
            topics.documents: largest_input_bytes(limits),
            topics.entities: largest_output_bytes(limits),
            topics.dead_letters: largest_output_bytes(limits),
        }
        for name, size in sizes.items():
            config = {"max.message.bytes": str(size), **(options or {})}
            broker.create_topic(name, partitions, config)
        return topics

    @classmethod
    def named(cls, broker: KafkaBroker, unique: Unique) -> Topics:
        """Give the names only."""
        return cls(
            broker=broker,
            documents=unique("documents"),
            entities=unique("entities"),
            dead_letters=unique("dead-letters"),
            group=unique("group"),
        )

    @property
    def alerts(self) -> str:
        """The topic of alerts, which `topics create` makes where lists are served."""
        return f"alerts-{self.group}"

    @property
    def models(self) -> str:
        """The control topic of these topics, which `create_control` makes."""
        return f"models-{self.group}"

    @property
    def gazetteers(self) -> str:
        """The control topic of lists, which `create_control` makes."""
        return f"gazetteers-{self.group}"

    def create_control(self) -> None:
        """Create the further topics of a worker with a store."""
        for name in (self.models, self.gazetteers):
            self.broker.create_topic(name, 1, {"cleanup.policy": "compact"})
        size = {"max.message.bytes": str(largest_output_bytes(Limits()))}
        self.broker.create_topic(self.alerts, len(self.broker.partitions(self.documents)), size)

    def config(self, **sections: Mapping[str, object]) -> dict[str, dict[str, object]]:
        """Return settings for these topics with short timeouts; `sections` go before them."""
        config: dict[str, dict[str, object]] = {
            "kafka": {
                "bootstrap_servers": self.broker.bootstrap,
                "group_id": self.group,
                "session_timeout_seconds": 6,
                "heartbeat_interval_seconds": 0.5,
                "rebalance_timeout_seconds": 30,
                "request_timeout_seconds": 8,
            },
            "topics": {
                "documents": self.documents,
                "entities": self.entities,
                "alerts": self.alerts,
                "dead_letters": self.dead_letters,
                "gazetteers": self.gazetteers,
                "models": self.models,
            },
            "delivery": {"publish_timeout_seconds": 8, "transaction_timeout_seconds": 10},
            "processing": {"threads": 1},
        }
        for name, section in sections.items():
            config[name] = {**config.get(name, {}), **section}
        return config

    def committed(self) -> int:
        """Return how many records of the documents' topic the group is past."""
        return sum(self._offsets().values())

    def done(self) -> bool:
        """Say whether the group has committed up to the end of every partition."""
        ends = self.broker.end_offsets(self.documents)
        committed = self._offsets()
        return all(committed.get(partition, 0) == end for partition, end in ends.items())

    def _offsets(self) -> dict[int, int]:
        """Ask as a consumer asks. The admin's request is not to be polled while transactions are
        open: librdkafka 2.16 can crash when a broker comes back in the middle of it.
        """
        consumer = Consumer({**self.broker.librdkafka_settings(), "group.id": self.group})
        partitions = [
            TopicPartition(self.documents, n) for n in self.broker.partitions(self.documents)
        ]
        try:
            found = consumer.committed(partitions, timeout=5)
        except KafkaException:
            return {}  # a transaction is open, or the broker is away: whoever waits asks again
        finally:
            consumer.close()
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def wait_done(self, timeout_seconds: float = 60.0) -> None:
        """Wait until every document is committed."""
        wait_until(self.done, "every document is committed", timeout_seconds)

    def events(self, *, until: int = 0) -> list[dict[str, Any]]:
        """Return the values of the entities' topic as a careful reader sees them."""
        return [value_of(each) for each in self.broker.read(self.entities, until=until)]


@dataclass(frozen=True, slots=True)
class Message:
    """One record to publish."""

    value: bytes | None
    partition: int = 0
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def publish(
    broker: KafkaBroker,
    topic: str,
    messages: Iterable[Message],
    *,
    compression: str = "none",
    transactional_id: str | None = None,
) -> None:
    """Publish with another client than the worker's, and wait for each acknowledgement."""
    failures: list[object] = []

    def answered(error: object, _message: object) -> None:
        if error is not None:
            failures.append(error)

    settings: dict[str, str | int | bool] = {
        **broker.librdkafka_settings(),
        "enable.idempotence": True,
        "linger.ms": 5,
        "compression.type": compression,
        "message.max.bytes": 32 * 1024**2,
    }
    producer = Producer(
        settings | ({"transactional.id": transactional_id} if transactional_id else {})
    )
    if transactional_id:
        producer.init_transactions(30)
        producer.begin_transaction()
    for each in messages:
        producer.produce(
            topic,
            each.value,
            key=each.key,
            partition=each.partition,
            headers=list(each.headers),
            on_delivery=answered,
        )
        producer.poll(0)
    left = producer.flush(60)
    if transactional_id:
        producer.commit_transaction(30)
    if failures or left:
        raise AssertionError(
            f"{left} records not acknowledged, {len(failures)} failed: {failures[:1]}"
        )


def document(document_id: str, text: str, **fields: object) -> bytes:
    """Return a document.v1."""
    return json.dumps({"document_id": document_id, "text": text, **fields}).encode()


def short_documents(count: int, *, partitions: int, seed: int, start: int = 0) -> list[Message]:
    """Return documents of 10 to 30 words, dealt to the partitions in turn."""
    chance = random.Random(seed)
    return [
        Message(
            document(f"document-{number}", short_text(chance)),
            partition=number % partitions,
            key=f"key-{number}".encode(),
        )
        for number in range(start, start + count)
    ]


def short_text(chance: random.Random) -> str:
    """Return a text of 10 to 30 words with a person and a place in it."""
    words = [chance.choice(_WORDS) for _ in range(chance.randint(8, 28))]
    words.insert(chance.randrange(len(words)), chance.choice(_PEOPLE))
    words.insert(chance.randrange(len(words)), chance.choice(_PLACES))
    return " ".join(words)


def value_of(record: Record) -> dict[str, Any]:
    """Return the JSON object of a record."""
    value: dict[str, Any] = json.loads(record.value or b"")
    return value


class AnyName(str):
    """A header's name of any bytes, as clients of other languages write it: those of `latin-1`."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Return a byte for each character, whatever is asked for."""
        return super().encode("latin-1")


def publish_with_header(broker: KafkaBroker, topic: str, message: Message, name: bytes) -> None:
    """Publish one more record with a header of that name, which no client of Python would write."""

    async def send() -> None:
        producer = AIOKafkaProducer(**broker.aiokafka_settings())
        await producer.start()
        try:
            batch = producer.create_batch()
            batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 1 << 20)
            headers = [*message.headers, (AnyName(name, "latin-1"), b"")]
            batch._builder.append(0, int(time.time() * 1000), message.key, message.value, headers)
            batch._relative_offset = 1
            batch.close()
            await (await producer.send_batch(batch, topic, partition=message.partition))
        finally:
            await producer.stop()

    asyncio.run(send())
