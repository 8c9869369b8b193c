"""What the demo reads back: events, alerts and dead letters, until those of its documents are all
there.

Under `demo.py`, which tells the story. The rule: a step ends when every document has its outcome
and every alert that its event counts has come, never after a time.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onoma.contracts import deadletter
from onoma.contracts.alerts import ListedEntry, Match, Thresholds
from onoma.contracts.entities import ArtefactVersion, Coverage, Entity, Language
from onoma.contracts.records import header

TELL_SECONDS = 10.0
"""How often it is said what is waited for."""


class Event(msgspec.Struct, frozen=True):
    """What the demo shows of an entities.v1."""

    document_id: str
    language: Language
    entities: tuple[Entity, ...]
    coverage: Coverage


class Alert(msgspec.Struct, frozen=True):
    """What the demo shows of an alert.v1."""

    alert_id: str
    document_id: str
    entity: Entity
    gazetteer: ArtefactVersion
    entry: ListedEntry
    match: Match
    thresholds: Thresholds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document: an event, or a reason; `written_ms` is its record's timestamp."""

    document_id: str
    event: Event | None
    reason: str | None
    written_ms: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step takes long: `outcomes` of `documents` are there after `seconds`."""

    outcomes: int
    documents: int
    alerts: int
    seconds: float


Arrival = Outcome | Alert


@dataclass(slots=True, eq=False)
class Gathered:
    """The outcome of each document of `wanted`, and the alerts about them, as they come."""

    wanted: frozenset[str]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)

    def take(self, arrival: Arrival) -> None:
        """Keep what is about a wanted document."""
        if arrival.document_id not in self.wanted:
            return
        if isinstance(arrival, Alert):
            self.alerts[arrival.alert_id] = arrival
        else:
            self.outcomes[arrival.document_id] = arrival

    @property
    def missing(self) -> int:
        """Return how many documents have no outcome yet."""
        return len(self.wanted) - len(self.outcomes)

    @property
    def whole(self) -> bool:
        """Say whether every document has its outcome, and all alerts that events count came."""
        return not self.missing and len(self.alerts) >= sum(map(_alerts, self.outcomes.values()))


async def gather(
    gathered: Gathered,
    arrived: Callable[[], Awaitable[Iterable[Arrival]]],
    show: Callable[[Waiting], None],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Take in what arrives until `gathered` is whole; say now and then how far that is."""
    started = told = clock()
    while True:
        for arrival in await arrived():
            gathered.take(arrival)
        if gathered.whole:
            return
        if clock() - told >= TELL_SECONDS:
            told = clock()
            outcomes, wanted = len(gathered.outcomes), len(gathered.wanted)
            show(Waiting(outcomes, wanted, len(gathered.alerts), told - started))


def _alerts(outcome: Outcome) -> int:
    """Return how many alerts the event of a document counts."""
    screening = outcome.event.coverage.screening if outcome.event else ()
    return 0 if screening is msgspec.UNSET else sum(each.alerts for each in screening)


def alert_of(record: Any) -> Alert:
    """Return the alert in a record."""
    return msgspec.json.decode(record.value, type=Alert)


def event_of(record: Any) -> Outcome:
    """Return the event in a record, as what became of its document."""
    event = msgspec.json.decode(record.value, type=Event)
    return Outcome(event.document_id, event, None, record.timestamp)


def dead_letter_of(record: Any) -> Outcome:
    """Return the reason in a dead letter, as what became of its document."""
    reason = (header(tuple(record.headers), deadletter.REASON) or b"").decode()
    key = record.key or f"{record.partition}:{record.offset}".encode()
    return Outcome(key.decode(errors="backslashreplace"), None, reason, record.timestamp)
