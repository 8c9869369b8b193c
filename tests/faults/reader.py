"""Reads all that a run left behind, as an independent client, for the account of it."""

from __future__ import annotations

from onoma.stream.chaos.account import Account, Place, Seen, account, seen_dead_letter, seen_event
from tests.stream.topics import Topics

READ_SECONDS = 300.0


def inputs(topics: Topics) -> frozenset[Place]:
    """Return every offset that holds a document."""
    records = topics.broker.records(topics.documents, timeout_seconds=READ_SECONDS)
    return frozenset((record.partition, record.offset) for record in records)


def outcomes(topics: Topics) -> tuple[Seen, ...]:
    """Return every event and dead letter that a careful reader may see."""
    events = topics.broker.records(topics.entities, timeout_seconds=READ_SECONDS)
    letters = topics.broker.records(topics.dead_letters, timeout_seconds=READ_SECONDS)
    return (
        *(seen_event(r.partition, r.offset, r.value or b"", r.timestamp) for r in events),
        *(seen_dead_letter(r.partition, r.offset, r.headers, r.timestamp) for r in letters),
    )


def account_for(topics: Topics, *, repeats_allowed: bool) -> tuple[Account, tuple[Seen, ...]]:
    """Account for every document of the run."""
    seen = outcomes(topics)
    committed = topics.broker.committed(topics.group, topics.documents)
    return account(inputs(topics), seen, committed, repeats_allowed=repeats_allowed), seen
