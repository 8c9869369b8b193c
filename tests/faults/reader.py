"""Reads all that a run left behind, as an independent client, for the account of it."""

from __future__ import annotations

from onoma.stream.chaos.account import Account, Place, Seen, account, seen_dead_letter, seen_event
from tests.stream.topics import Topics


def inputs(topics: Topics) -> frozenset[Place]:
    """Return every offset that holds a document."""
    records = topics.broker.read(topics.documents, timeout_seconds=120)
    return frozenset((record.partition, record.offset) for record in records)


def outcomes(topics: Topics) -> tuple[Seen, ...]:
    """Return every event and dead letter that a careful reader may see."""
    events = topics.broker.read(topics.entities, timeout_seconds=120)
    letters = topics.broker.read(topics.dead_letters, timeout_seconds=120)
    return (
        *(seen_event(r.partition, r.offset, r.value or b"", r.timestamp) for r in events),
        *(seen_dead_letter(r.partition, r.offset, r.headers, r.timestamp) for r in letters),
    )


def account_for(topics: Topics, *, repeats_allowed: bool) -> tuple[Account, tuple[Seen, ...]]:
    """Account for every document of the run."""
    seen = outcomes(topics)
    committed = topics.broker.committed(topics.group, topics.documents)
    return account(inputs(topics), seen, committed, repeats_allowed=repeats_allowed), seen
