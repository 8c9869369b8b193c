"""Publishes documents all through a run, in bursts: a fault that hits an idle worker proves little.

It publishes through librdkafka past the proxy, and waits out a broker that is away.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from itertools import count

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from tests.kafka.broker import KafkaBroker
from tests.stream.topics import Topics, document, short_text

BURST_SECONDS = 0.5
FLUSH_SECONDS = 120.0
NOT_JSON = b'{"document_id": "cut-off", "text": "The line broke off in the'


class Load:
    """Documents from `start` to `stop`; one in `broken_every` is no JSON. `room` says how many more
    there may be now, of the number of those published.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        topic: str,
        *,
        partitions: int,
        seed: int,
        per_second: int,
        broken_every: int = 0,
        room: Callable[[int], int] | None = None,
    ) -> None:
        self.published = 0
        self.broken = 0
        self._topic = topic
        self._partitions = partitions
        self._chance = random.Random(seed)
        self._per_burst = max(1, round(per_second * BURST_SECONDS))
        self._broken_every = broken_every
        self._room = room
        self._failures: list[object] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self._producer = Producer(
            {
                **broker.librdkafka_settings(),
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "linger.ms": 5,
                "log_level": 0,
            }
        )

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Publish nothing more; return when every document is acknowledged."""
        self._stopping.set()
        self._thread.join()
        left = self._producer.flush(FLUSH_SECONDS)
        if left or self._failures:
            raise AssertionError(f"{left} documents not acknowledged, failed: {self._failures[:1]}")

    def _run(self) -> None:
        numbers = count()
        due = time.monotonic()
        while not self._stopping.is_set():
            room = self._per_burst if self._room is None else self._room(self.published)
            for _ in range(min(self._per_burst, max(0, room))):
                self._publish(next(numbers))
            due += BURST_SECONDS
            self._producer.poll(0)
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _publish(self, number: int) -> None:
        broken = self._broken_every and number % self._broken_every == self._broken_every - 1
        self.broken += bool(broken)
        value = NOT_JSON if broken else document(f"document-{number}", short_text(self._chance))
        try:
            self._producer.produce(
                self._topic,
                value,
                key=f"key-{number}".encode(),
                partition=number % self._partitions,
                on_delivery=self._answered,
            )
            self.published += 1
        except BufferError:  # the broker is away and the queue full: upstream waits
            self._producer.poll(0.1)

    def _answered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(error)


class Backlog:
    """Says how many more documents there may be for `size` of them to lie before the workers."""

    def __init__(self, topics: Topics, size: int) -> None:
        self._size = size
        self._partitions = [
            TopicPartition(topics.documents, number)
            for number in topics.broker.partitions(topics.documents)
        ]
        # Its own lines would tell of every broker that is killed on purpose.
        settings: dict[str, str | int] = {**topics.broker.librdkafka_settings(), "log_level": 0}
        self._consumer = Consumer({**settings, "group.id": topics.group})

    def room(self, published: int) -> int:
        """Return that number; 0 while nobody can tell."""
        try:
            found = self._consumer.committed(self._partitions, timeout=5)
        except KafkaException:
            return 0
        return self._size - published + sum(max(0, each.offset) for each in found)
