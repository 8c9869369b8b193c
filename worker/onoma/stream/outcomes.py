"""Reads the outcomes of a range of documents: events, alerts and dead letters, from their topics.

Shared by reconciling and replaying. A reader outside of every group, up to ends that were asked for
beforehand. Its rule: it may pass over what is surely too old, but says that an outcome is not there
only when all of its topic was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from onoma.contracts import deadletter
from onoma.contracts.entities import (
    ArtefactVersion,
    ModelVersion,
    WorkerVersion,
    event_id,
)
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, Record, header
from onoma.pipeline import LIVE_RUN
from onoma.settings import Settings
from onoma.stream.client import IDLE_SECONDS, ends_of, reading, records_up_to
from onoma.stream.ledger import Ledger
from onoma.stream.ranges import offsets_at

CLOCK_SKEW_MILLISECONDS = 3_600_000
"""How far the clock of whoever publishes documents may be ahead of the workers' before outcomes are
looked for in all of their topic.
"""


class Source(msgspec.Struct, frozen=True):
    """Where a document lies; nowhere, for one that came from a file."""

    topic: str = ""
    partition: int = -1
    offset: int = -1


class Evidence(msgspec.Struct, frozen=True):
    """What an event says of its document and of those who decided."""

    source: Source
    models: tuple[ModelVersion, ...]
    gazetteers: tuple[ArtefactVersion, ...]
    policy: ArtefactVersion
    worker: WorkerVersion


class Event(msgspec.Struct, frozen=True):
    """What is read of an event."""

    event_id: str
    evidence: Evidence


class Alert(msgspec.Struct, frozen=True):
    """What is read of an alert: `evidence` is that of its event."""

    event_id: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Letter:
    """What is read of a dead letter."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of the range's outcomes; `other_event` is of a place in the range, but not of
    this cluster's live run. Alerts are read only for who listens to them.
    """

    event: Callable[[Event, bytes], None]
    letter: Callable[[Letter], None]
    other_event: Callable[[], None]
    alert: Callable[[Alert, bytes], None] | None = None


_event_decoder = msgspec.json.Decoder(Event)
_alert_decoder = msgspec.json.Decoder(Alert)


class OutcomeReader:
    """Reads the outcomes of the documents in `ledgers`, by the number of their partition."""

    def __init__(
        self, settings: Settings, limits: Limits, ledgers: Mapping[int, Ledger], told: Listener
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._names = names = settings.topics
        self._ledgers = ledgers
        self._told = told
        self._tellers = {names.entities: self._event, names.dead_letters: self._letter}
        if told.alert is not None:
            self._tellers[names.alerts] = partial(self._alert, told.alert)

    async def read(self, lacks: Callable[[int], bool]) -> dict[int, int]:
        """Read all outcomes that there are now.

        Those from about the time of the oldest document on come first. Only for partitions that
        then still lack one are all others read too, for a clock may be wrong by more. Return the
        time in milliseconds of the oldest event of each partition from which events are gone.
        """
        names = self._names
        gone, whole = await self._read_topics((names.entities, names.dead_letters), lacks)
        if names.alerts in self._tellers:
            # An event that was read is committed, and so are its alerts: they end behind it.
            await self._read_topics((names.alerts,), whole.__contains__)
        return {
            partition.partition: timestamp
            for partition, timestamp in gone.items()
            if partition.topic == names.entities
        }

    async def _read_topics(
        self, topics: Iterable[str], lacks: Callable[[int], bool]
    ) -> tuple[dict[TopicPartition, int], set[int]]:
        """Return when what is left of cut partitions begins, and which were read as a whole."""
        partitions = [TopicPartition(topic, number) for topic in topics for number in self._ledgers]
        ends = await ends_of(self._settings, partitions)
        async with reading(self._settings, self._limits, partitions) as consumer:
            firsts = await consumer.beginning_offsets(partitions)
            begins = {**ends, **await offsets_at(consumer, self._likely_times(partitions), ends)}
            met = await self._read(consumer, begins, ends)
            rest = {each: at for each, at in begins.items() if lacks(each.partition)}
            met |= await self._read(consumer, firsts, rest)
        gone = {partition: at for partition, at in met.items() if firsts[partition] > 0}
        return gone, {partition.partition for partition in rest}

    def _likely_times(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {
            partition: oldest_ms - CLOCK_SKEW_MILLISECONDS
            for partition in partitions
            if (oldest_ms := self._ledgers[partition.partition].oldest_ms) is not None
        }

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        begins: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> dict[TopicPartition, int]:
        """Tell of the outcomes of `[begin, end)`; return the time of each partition's first."""
        met: dict[TopicPartition, int] = {}
        for partition in ends:
            consumer.seek(partition, begins[partition])
        # An open transaction hides what is behind it until it ends.
        patience = self._settings.delivery.transaction_timeout_seconds + IDLE_SECONDS
        async for partition, records in records_up_to(consumer, ends, idle_seconds=patience):
            met.setdefault(partition, records[0].timestamp)
            for record in records:
                self._tellers[partition.topic](record)
        return met

    def _event(self, record: Any) -> None:
        value = record.value or b""
        try:
            event = _event_decoder.decode(value)
        except msgspec.DecodeError:
            return  # none of ours
        source = event.evidence.source
        if not self._in_range(source):
            return
        document = Record(source.topic, source.partition, source.offset, None, None)
        cluster = self._settings.kafka.cluster_name
        if event.event_id == event_id(document, cluster=cluster, run=LIVE_RUN):
            self._told.event(event, value)
        else:
            self._told.other_event()

    def _alert(self, told: Callable[[Alert, bytes], None], record: Any) -> None:
        value = record.value or b""
        try:
            alert = _alert_decoder.decode(value)
        except msgspec.DecodeError:
            return  # none of ours
        if self._in_range(alert.evidence.source):
            told(alert, value)

    def _letter(self, record: Any) -> None:
        partition = _told(record.headers, deadletter.SOURCE_PARTITION)
        offset = _told(record.headers, deadletter.SOURCE_OFFSET)
        if not (partition.isdecimal() and offset.isdecimal()):
            return  # none of ours
        topic = _told(record.headers, deadletter.SOURCE_TOPIC)
        source = Source(topic, int(partition), int(offset))
        if self._in_range(source):
            self._told.letter(Letter(source, _told(record.headers, deadletter.REASON)))

    def _in_range(self, source: Source) -> bool:
        ledger = self._ledgers.get(source.partition)
        return (
            ledger is not None
            and source.topic == self._names.documents
            and source.offset in ledger.offsets
        )


def _told(headers: Headers, name: str) -> str:
    return (header(headers, name) or b"").decode(errors="replace")
