"""Accounts for every document of a range: event, dead letter, not yet, missing (`onoma reconcile`).

Reads three topics from outside of every group and commits nothing. The order is the rule: the
documents, then the group's offsets, then the outcomes up to ends that were asked for after the
offsets. So whatever is committed has its outcome in what is read, or is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from onoma.contracts.policy import Limits
from onoma.settings import Settings
from onoma.stream.client import partitions_of, reading, records_up_to
from onoma.stream.ledger import Account, Ledger
from onoma.stream.outcomes import Event, Letter, Listener, OutcomeReader
from onoma.stream.ranges import Bound, offsets_at, resolved
from onoma.stream.topics import committed_offsets


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
        ledgers = await noted_documents(documents, await resolved(documents, inputs, begin, end))
        committed = await committed_offsets(settings, inputs)
        books = _Books(ledgers)
        reader = OutcomeReader(settings, limits, ledgers, books.listener())
        oldest_events_ms = await reader.read(
            lambda number: ledgers[number].lacks(committed.get(inputs[number]))
        )
        kept_from = await _kept_from(documents, ledgers, oldest_events_ms, inputs)
    accounts = tuple(
        ledger.account(committed.get(inputs[number]), kept_from.get(inputs[number], 0))
        for number, ledger in sorted(ledgers.items())
    )
    return Reconciliation(
        settings.topics.documents, settings.kafka.group_id, accounts, books.other_events
    )


async def noted_documents(
    consumer: AIOKafkaConsumer, ranges: Mapping[TopicPartition, range]
) -> dict[int, Ledger]:
    """Return ledgers of `ranges` with their records noted, by the number of the partition."""
    ledgers = {}
    for partition, offsets in ranges.items():
        consumer.seek(partition, offsets.start)
        ledgers[partition.partition] = Ledger(partition.partition, offsets.start, offsets.stop)
    ends = {partition: offsets.stop for partition, offsets in ranges.items()}
    async for partition, records in records_up_to(consumer, ends):
        for record in records:
            ledgers[partition.partition].note_document(record.offset, record.timestamp)
    return ledgers


async def _kept_from(
    consumer: AIOKafkaConsumer,
    ledgers: Mapping[int, Ledger],
    oldest_events_ms: Mapping[int, int],
    inputs: list[TopicPartition],
) -> dict[TopicPartition, int]:
    """Return the first document that is not older than the oldest event that is kept."""
    times = {inputs[number]: ms for number, ms in oldest_events_ms.items()}
    ends = {partition: ledgers[partition.partition].offsets.stop for partition in times}
    return await offsets_at(consumer, times, ends)


class _Books:
    """Notes outcomes in their ledgers."""

    def __init__(self, ledgers: Mapping[int, Ledger]) -> None:
        self.other_events = 0
        self._ledgers = ledgers

    def listener(self) -> Listener:
        """Return what a reader of outcomes tells."""
        return Listener(self._event, self._letter, self._other_event)

    def _event(self, event: Event, _: bytes) -> None:
        source = event.evidence.source
        self._ledgers[source.partition].note_event(source.offset)

    def _letter(self, letter: Letter) -> None:
        source = letter.source
        self._ledgers[source.partition].note_dead_letter(source.offset, letter.reason)

    def _other_event(self) -> None:
        self.other_events += 1
