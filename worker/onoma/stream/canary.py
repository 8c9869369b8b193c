"""Sends synthetic documents through the real topics at an interval, and watches what comes back.

A process of its own (`onoma canary run`), for a worker can't say of itself that it is silent. It
belongs to no group, commits nothing, and reads events and alerts only while a canary is on its way,
from the ends that they had before it was sent. Its rule: whatever happens to the brokers, it goes
on; what it could not see shows as answers that are missing.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from onoma import logs
from onoma.contracts.policy import Limits
from onoma.contracts.records import header
from onoma.errors import FatalError
from onoma.metrics import CANARY, Metrics
from onoma.settings import Settings
from onoma.stream.answers import Answers
from onoma.stream.app import load_policy
from onoma.stream.canaries import Canaries, Canary, load, refuse_unknown
from onoma.stream.client import (
    RECORDS_PER_FETCH,
    START_SECONDS,
    partitions_of,
    producing,
    reading,
)
from onoma.stream.health import Health, HealthServer
from onoma.stream.publishing import Message, Place, send_all

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 5.0
"""Between two attempts to reach brokers that are away."""
REST_SECONDS = 300.0
"""How long a partition gets no canary after one was taken for real there: each would be an alert
among those that officers look at.
"""
SLICE_SECONDS = 0.5
BEAT_SECONDS = 1.0


def run(settings: Settings) -> None:
    """Run until SIGTERM or Ctrl-C. Raises FatalError for what a person has to mend first."""
    policy = load_policy(settings.policy.path).policy
    canaries = load(settings.canary.path)
    refuse_unknown(canaries, policy)
    logs.configure(level=settings.logs.level, format_=settings.logs.format)
    metrics = Metrics(catalogue=CANARY)
    health = Health()
    health.started = health.joined = True
    flight = Flight(settings, policy.limits, canaries, metrics, health)
    server = HealthServer(settings.server, health, metrics.exposition)
    server.start()
    log.info("canary started", address=server.address, topic=settings.topics.documents)
    try:
        asyncio.run(_until_told(flight, health))
    finally:
        server.stop()


async def _until_told(flight: Flight, health: Health) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    beating = asyncio.create_task(_beat(health))
    try:
        await flight.run(stopping)
    finally:
        beating.cancel()
        await asyncio.wait([beating])


async def _beat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(BEAT_SECONDS)


class Flight:
    """Rounds of canaries, one for each partition in every round, until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        limits: Limits,
        canaries: Canaries,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._texts = canaries.canaries
        self._metrics = metrics
        self._health = health
        self._answers = Answers(settings.canary.lists, metrics)
        self._session = uuid4().hex[:12]
        self._round = 0
        self._resting: dict[int, float] = {}
        metrics.extend_canaries((canary.name for canary in self._texts), settings.canary.lists)

    async def run(self, stopping: asyncio.Event) -> None:
        """Send and watch until `stopping`. Raises FatalError if it never could."""
        inputs = await self._partitions(stopping)
        now = time.time()
        for each in inputs:
            partition = str(each.partition)
            self._metrics.set("canary_last_answer_timestamp_seconds", now, partition=partition)
        while not stopping.is_set():
            try:
                async with (
                    producing(self._settings) as producer,
                    reading(self._settings, self._limits, self._outputs(inputs)) as consumer,
                ):
                    await self._fly(producer, consumer, inputs, stopping)
            except FatalError as error:
                self._health.broker_answers = False
                log.warning("canary can't be sent or seen", error=str(error))
                await _wait(stopping, PAUSE_SECONDS)

    async def _partitions(self, stopping: asyncio.Event) -> list[TopicPartition]:
        """Return the documents' partitions; wait for them as a worker does at its start."""
        deadline = _now() + self._settings.kafka.start_retry_seconds
        while not stopping.is_set():
            try:
                return await partitions_of(
                    self._settings, self._limits, self._settings.topics.documents
                )
            except FatalError:
                if _now() >= deadline:
                    raise
                await _wait(stopping, PAUSE_SECONDS)
        return []

    def _outputs(self, inputs: list[TopicPartition]) -> list[TopicPartition]:
        """Return where answers come: the partitions with the inputs' numbers."""
        topics = self._settings.topics
        watched = [topics.entities, *([topics.alerts] if self._settings.canary.lists else [])]
        return [TopicPartition(topic, each.partition) for topic in watched for each in inputs]

    async def _fly(
        self,
        producer: AIOKafkaProducer,
        consumer: AIOKafkaConsumer,
        inputs: list[TopicPartition],
        stopping: asyncio.Event,
    ) -> None:
        """Fly rounds until stopped, or until one is lost: then a client may be what hangs."""
        await _seek_to_ends(consumer)
        while not stopping.is_set():
            due = _now() + self._settings.canary.interval_seconds
            if not len(self._answers):
                await _seek_to_ends(consumer)
            await self._send(producer, inputs)
            self._health.broker_answers = True
            await self._watch(consumer, due, stopping)
            if self._answers.expire(_now(), self._settings.canary.lost_seconds):
                log.warning("canary lost, clients are opened anew")
                return

    async def _send(self, producer: AIOKafkaProducer, inputs: list[TopicPartition]) -> None:
        self._round += 1
        started = _now()
        chosen = dict(self._chosen(inputs, started))

        def note(message: Message, place: Place) -> None:
            document_id = (message.key or b"").decode()
            self._answers.sent(document_id, chosen[place.partition], place.partition, started)

        tenant = self._settings.canary.tenant
        messages = [
            canary.message(f"onoma-canary-{self._session}-{self._round}-{number}", tenant, number)
            for number, canary in chosen.items()
        ]
        topic = self._settings.topics.documents
        await send_all(producer, topic, messages, self._settings, note)

    def _chosen(self, inputs: list[TopicPartition], now: float) -> Iterator[tuple[int, Canary]]:
        """Yield each partition that gets one now, with its text: all texts come round."""
        for number in self._answers.taken_for_real:
            self._resting[number] = now + REST_SECONDS
        self._answers.taken_for_real.clear()
        for partition in inputs:
            number = partition.partition
            if self._resting.get(number, now) <= now:
                yield number, self._texts[(self._round + number) % len(self._texts)]

    async def _watch(self, consumer: AIOKafkaConsumer, due: float, stopping: asyncio.Event) -> None:
        """Read answers until the next round is due; nothing while none is to come."""
        while (left := due - _now()) > 0 and not stopping.is_set():
            if not len(self._answers):
                await _wait(stopping, left)
                continue
            fetched = await consumer.getmany(
                timeout_ms=int(min(left, SLICE_SECONDS) * 1000), max_records=RECORDS_PER_FETCH
            )
            for partition, records in fetched.items():
                for record in records:
                    self._see(partition.topic, record.headers, record.value)

    def _see(self, topic: str, headers: tuple[tuple[str, bytes], ...], value: bytes) -> None:
        """Look into what is about a canary of ours; all else is passed over undecoded."""
        subject = header(headers, "ce_subject") or b""
        if subject.decode(errors="replace") not in self._answers:
            return
        if topic == self._settings.topics.entities:
            self._answers.see_event(value, _now(), time.time())
        else:
            self._answers.see_alert(value)


async def _seek_to_ends(consumer: AIOKafkaConsumer) -> None:
    """Pass over what others wrote: an answer is behind it."""
    async with asyncio.timeout(START_SECONDS):
        await consumer.seek_to_end()


async def _wait(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


def _now() -> float:
    return asyncio.get_running_loop().time()
