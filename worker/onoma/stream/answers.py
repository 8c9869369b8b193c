"""Compares what comes back of canaries with what has to: latency, names found, planted entries hit.

Between `canary.py`, which sends and reads, and the metrics. No I/O: times come in. Its rule: each
canary is judged once, by its own event and the alerts that this event announces, and one that never
comes back is lost, not forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
import structlog

from onoma.contracts.entities import ListScreening
from onoma.metrics import Metrics
from onoma.stream.canaries import Canary, ExpectedHit

log = structlog.get_logger(__name__)

ALERT_SECONDS = 30.0
"""How long an alert that an event announces may take: both come of one transaction."""


class Found(msgspec.Struct, frozen=True):
    """What is read of an entity."""

    start: int
    end: int
    label: str
    source: str = "model"


class Screened(msgspec.Struct, frozen=True):
    """What is read of a coverage."""

    screening: tuple[ListScreening, ...] = ()


class Event(msgspec.Struct, frozen=True):
    """What is read of an event."""

    document_id: str
    synthetic: bool
    entities: tuple[Found, ...]
    coverage: Screened


class Listed(msgspec.Struct, frozen=True):
    """What is read of an alert's entry."""

    entry_id: str


class Named(msgspec.Struct, frozen=True):
    """What is read of an alert's list."""

    name: str


class Alert(msgspec.Struct, frozen=True):
    """What is read of an alert."""

    alert_id: str
    document_id: str
    gazetteer: Named
    entry: Listed


@dataclass(slots=True)
class _Sent:
    """A canary on its way since `at`; `open_hits` are not decided yet, `announced` says how many
    alerts of a list its event, which came at `answered_at`, promises.
    """

    canary: Canary
    partition: int
    at: float
    open_hits: set[ExpectedHit]
    answered_at: float | None = None
    announced: dict[str, int] = field(default_factory=dict)
    alerts: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


_event = msgspec.json.Decoder(Event)
_alert = msgspec.json.Decoder(Alert)


class Answers:
    """The canaries on their way, and what those before made of the metrics."""

    def __init__(self, lists: tuple[str, ...], metrics: Metrics) -> None:
        self._lists = lists
        self._metrics = metrics
        self._sent: dict[str, _Sent] = {}
        self.taken_for_real: set[int] = set()
        """Partitions whose last answer did not say that it is synthetic."""

    def __len__(self) -> int:
        """Return how many canaries are on their way."""
        return len(self._sent)

    def __contains__(self, document_id: str) -> bool:
        return document_id in self._sent

    def sent(self, document_id: str, canary: Canary, partition: int, now: float) -> None:
        """Note a canary that the broker has acknowledged; it was given to it at `now`."""
        hits = {hit for hit in canary.hits if hit.gazetteer in self._lists}
        self._sent[document_id] = _Sent(canary, partition, now, hits)
        self._metrics.count("canary_documents_total", outcome="sent")

    def see_event(self, value: bytes, now: float, wall_clock: float) -> None:
        """Judge the event of a canary; those of others, and repeated ones, are passed over."""
        event = _event.decode(value)
        sent = self._sent.get(event.document_id)
        if sent is None or sent.answered_at is not None:
            return
        partition = str(sent.partition)
        self._metrics.count("canary_documents_total", outcome="answered")
        self._metrics.observe("canary_latency_seconds", max(0.0, now - sent.at))
        self._metrics.set("canary_last_answer_timestamp_seconds", wall_clock, partition=partition)
        self._judge_mark(sent.partition, event.synthetic)
        self._judge_names(sent.canary, event)
        sent.answered_at, sent.announced = now, self._judge_lists(event)
        self._decide(event.document_id, sent)

    def see_alert(self, value: bytes) -> None:
        """Take an alert of a canary into account; those of others are passed over."""
        alert = _alert.decode(value)
        sent = self._sent.get(alert.document_id)
        if sent is not None:
            sent.alerts[alert.gazetteer.name][alert.alert_id] = alert.entry.entry_id
            self._decide(alert.document_id, sent)

    def expire(self, now: float, lost_seconds: float) -> int:
        """Give up canaries that are too old; return how many of them had no answer."""
        lost = [
            document_id
            for document_id, sent in self._sent.items()
            if sent.answered_at is None and now - sent.at > lost_seconds
        ]
        for document_id in lost:
            del self._sent[document_id]
            self._metrics.count("canary_documents_total", outcome="lost")
        for document_id, sent in tuple(self._sent.items()):
            if sent.answered_at is not None and now - sent.answered_at > ALERT_SECONDS:
                self._decide(document_id, sent, at_last=True)
        return len(lost)

    def _judge_mark(self, partition: int, synthetic: bool) -> None:
        if synthetic:
            self.taken_for_real.discard(partition)
            return
        self._metrics.count("canary_documents_total", outcome="taken_for_real")
        self.taken_for_real.add(partition)
        log.error("canary taken for real", partition=partition, do="compare the workers' policy")

    def _judge_names(self, canary: Canary, event: Event) -> None:
        expected = canary.spans()
        # A name that only a list gave says nothing of the model, which is what names watch.
        models = [each for each in event.entities if each.source in ("model", "merged")]
        found = {(each.start, each.end, each.label) for each in models} & expected
        for outcome, count in (("found", len(found)), ("missed", len(expected) - len(found))):
            self._metrics.count("canary_names_total", count, canary=canary.name, outcome=outcome)

    def _judge_lists(self, event: Event) -> dict[str, int]:
        """Count the lists that were compared with names; return the alerts that each announces."""
        announced = {each.gazetteer: each.alerts for each in event.coverage.screening if each.names}
        for name in self._lists:
            outcome = "screened" if name in announced else "missed"
            self._metrics.count("canary_lists_total", gazetteer=name, outcome=outcome)
        return announced

    def _decide(self, document_id: str, sent: _Sent, *, at_last: bool = False) -> None:
        """Decide about the open hits, `at_last` about all; with none left the canary has come
        back.
        """
        for hit in tuple(sent.open_hits):
            alerts, announced = sent.alerts[hit.gazetteer], sent.announced.get(hit.gazetteer, 0)
            complete = sent.answered_at is not None and len(alerts) >= announced
            if hit.entry_id in alerts.values():
                self._count_hit(hit, "hit")
            elif complete or at_last:
                self._count_hit(hit, "missed")
            else:
                continue
            sent.open_hits.discard(hit)
        if sent.answered_at is not None and not sent.open_hits:
            del self._sent[document_id]

    def _count_hit(self, hit: ExpectedHit, outcome: str) -> None:
        self._metrics.count("canary_entries_total", gazetteer=hit.gazetteer, outcome=outcome)
