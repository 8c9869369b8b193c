"""Accounts for every document of a range: event, dead letter, not yet, missing (`onoma reconcile`).

Reads three topics from outside of every group and commits nothing. The order is the rule: the
documents, then the group's offsets, then the outcomes up to ends that were asked for after the
offsets. So whatever is committed has its outcome in what is read, or is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from onoma.contracts import deadletter
from onoma.contracts.entities import event_id
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, Record, header
from onoma.pipeline import LIVE_RUN
from onoma.settings import Settings
from onoma.stream.client import IDLE_SECONDS, ends_of, partitions_of, reading, records_up_to
from onoma.stream.ledger import Account, Ledger
from onoma.stream.ranges import Bound, offsets_at, resolved
from onoma.stream.topics import committed_offsets

CLOCK_SKEW_MILLISECONDS = 3_600_000
"""How far the clock of whoever publishes documents may be ahead of the workers' before outcomes are
looked for in all of their topic.
"""


class _Source(msgspec.Struct):
    topic: str = ""
    partition: int = -1
    offset: int = -1


class _Evidence(msgspec.Struct):
    source: _Source


class _Event(msgspec.Struct):
    """What is read of an event: where it came from."""

    event_id: str
    evidence: _Evidence


_event_decoder = msgspec.json.Decoder(_Event)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The accounts of all partitions; `other_events` counts those of the range's places that this
    cluster's live run did not write, as before a topic was created anew.
    """

    topic: str
    group: str
    accounts: tuple[Account, ...]
    other_events: int


async def reconcile(
    settings: Settings, limits: Limits, begin: Bound | None, end: Bound | None
) -> Reconciliation:
    """Return what became of the documents from `begin` up to `end`."""
    inputs = await partitions_of(settings, limits, settings.topics.documents)
    async with reading(settings, limits, inputs) as documents:
        books = _Books(settings)
        await books.enter_documents(documents, await resolved(documents, inputs, begin, end))
        books.committed = await committed_offsets(settings, inputs)
        outputs = books.outcome_partitions()
        async with reading(settings, limits, outputs) as outcomes:
            await books.enter_outcomes(outcomes, await ends_of(settings, outputs))
        return await books.closed(documents)


class _Books:
    """The ledgers of one reconciliation, by the number of their partition."""

    def __init__(self, settings: Settings) -> None:
        self.committed: Mapping[TopicPartition, int] = {}
        self._settings = settings
        self._names = settings.topics
        self._ledgers: dict[int, Ledger] = {}
        self._other_events = 0
        self._oldest_event_ms: dict[int, int] = {}

    def outcome_partitions(self) -> list[TopicPartition]:
        """Return where the outcomes lie: the partitions with the inputs' numbers."""
        topics = (self._names.entities, self._names.dead_letters)
        return [TopicPartition(topic, number) for topic in topics for number in self._ledgers]

    async def enter_documents(
        self, consumer: AIOKafkaConsumer, ranges: Mapping[TopicPartition, range]
    ) -> None:
        """Note the records of `ranges`; an offset without one stays without."""
        for partition, offsets in ranges.items():
            consumer.seek(partition, offsets.start)
            ledger = Ledger(partition.partition, offsets.start, offsets.stop)
            self._ledgers[partition.partition] = ledger
        ends = {partition: offsets.stop for partition, offsets in ranges.items()}
        async for partition, records in records_up_to(consumer, ends):
            for record in records:
                self._ledgers[partition.partition].note_document(record.offset, record.timestamp)

    async def enter_outcomes(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> None:
        """Note all outcomes before `ends`.

        Those from about the time of the oldest document on come first: only where one is missing
        among them are all others read too, for a clock may be wrong by more.
        """
        firsts = await consumer.beginning_offsets(list(ends))
        times = {
            partition: oldest_ms - CLOCK_SKEW_MILLISECONDS
            for partition in ends
            if (oldest_ms := self._ledgers[partition.partition].oldest_ms) is not None
        }
        begins = {**ends, **await offsets_at(consumer, times, ends)}
        met = await self._enter(consumer, begins, ends)
        rest = {each: at for each, at in begins.items() if self._lacks(each.partition)}
        met |= await self._enter(consumer, firsts, rest)
        self._oldest_event_ms = {
            partition.partition: timestamp
            for partition, timestamp in met.items()
            if partition.topic == self._names.entities and firsts[partition] > 0
        }

    async def closed(self, documents: AIOKafkaConsumer) -> Reconciliation:
        """Return what all of it says."""
        topic = self._names.documents
        times = {TopicPartition(topic, n): ms for n, ms in self._oldest_event_ms.items()}
        ends = {each: self._ledgers[each.partition].offsets.stop for each in times}
        kept_from = await offsets_at(documents, times, ends)
        accounts = []
        for number, ledger in sorted(self._ledgers.items()):
            partition = TopicPartition(topic, number)
            committed = self.committed.get(partition)
            accounts.append(ledger.account(committed, kept_from.get(partition, 0)))
        return Reconciliation(
            topic, self._settings.kafka.group_id, tuple(accounts), self._other_events
        )

    def _lacks(self, number: int) -> bool:
        partition = TopicPartition(self._names.documents, number)
        return self._ledgers[number].lacks(self.committed.get(partition))

    async def _enter(
        self,
        consumer: AIOKafkaConsumer,
        begins: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
    ) -> dict[TopicPartition, int]:
        """Note the outcomes of `[begin, end)`; return the time of each partition's first."""
        met: dict[TopicPartition, int] = {}
        for partition in ends:
            consumer.seek(partition, begins[partition])
        # An open transaction hides what is behind it until it ends.
        patience = self._settings.delivery.transaction_timeout_seconds + IDLE_SECONDS
        async for partition, records in records_up_to(consumer, ends, idle_seconds=patience):
            met.setdefault(partition, records[0].timestamp)
            note = self._event if partition.topic == self._names.entities else self._letter
            for record in records:
                note(record)
        return met

    def _event(self, record: Any) -> None:
        try:
            event = _event_decoder.decode(record.value or b"")
        except msgspec.DecodeError:
            return  # none of ours
        source = event.evidence.source
        ledger = self._ledger(source.topic, source.partition)
        if ledger is None:
            return
        document = Record(source.topic, source.partition, source.offset, None, None)
        cluster = self._settings.kafka.cluster_name
        if event.event_id == event_id(document, cluster=cluster, run=LIVE_RUN):
            ledger.note_event(source.offset)
        else:
            self._other_events += source.offset in ledger.offsets

    def _letter(self, record: Any) -> None:
        partition = _told(record.headers, deadletter.SOURCE_PARTITION)
        offset = _told(record.headers, deadletter.SOURCE_OFFSET)
        if not (partition.isdecimal() and offset.isdecimal()):
            return  # none of ours
        topic = _told(record.headers, deadletter.SOURCE_TOPIC)
        if ledger := self._ledger(topic, int(partition)):
            ledger.note_dead_letter(int(offset), _told(record.headers, deadletter.REASON))

    def _ledger(self, topic: str, partition: int) -> Ledger | None:
        return self._ledgers.get(partition) if topic == self._names.documents else None


def _told(headers: Headers, name: str) -> str:
    return (header(headers, name) or b"").decode(errors="replace")
