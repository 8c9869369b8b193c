"""dead-letters.v1: a record that could not be processed, whole, and why. Mirrors
schemas/dead-letter/v1.json.

Key, value and headers of the original stay untouched; what Onoma knows is added as `onoma-*`
headers, the names of the schema's properties. No header quotes the document. Sending the record
back is taking those headers off.
"""

from __future__ import annotations

from onoma.contracts.records import Headers, Output, Record
from onoma.errors import RejectedDocument

PREFIX = "onoma-"
REASON = "onoma-reason"
DETAIL = "onoma-detail"
SOURCE_TOPIC = "onoma-source-topic"
SOURCE_PARTITION = "onoma-source-partition"
SOURCE_OFFSET = "onoma-source-offset"
WORKER_VERSION = "onoma-worker-version"
FIRST_FAILURE_TIME = "onoma-first-failure-time"
"""RFC 3339 time of the first failure; added where the record is written, kept when it fails again.
"""
REQUEUED_FROM = "onoma-requeued-from"
"""Set by `deadletters requeue`: partition and offset in the dead letters of the record that was
sent back.
"""

MAX_DETAIL_CHARACTERS = 300


def dead_letter(record: Record, rejected: RejectedDocument, *, worker_version: str) -> Output:
    """Return `record` as a dead letter with its reason."""
    ours = {
        REASON: str(rejected.reason),
        DETAIL: rejected.detail[:MAX_DETAIL_CHARACTERS],
        SOURCE_TOPIC: record.topic,
        SOURCE_PARTITION: str(record.partition),
        SOURCE_OFFSET: str(record.offset),
        WORKER_VERSION: worker_version,
    }
    # A record that was sent back and fails again carries our old headers: the new ones take their
    # place.
    kept = tuple(item for item in record.headers if item[0] not in ours)
    added = tuple((name, value.encode()) for name, value in ours.items())
    # A record of neither key nor value can be received but, by the client's rules, not be sent.
    key = b"" if record.key is None and record.value is None else record.key
    return Output("dead_letters", key, record.value, kept + added)


def original_headers(headers: Headers) -> Headers:
    """Return the headers as upstream wrote them, without those of Onoma."""
    return tuple(item for item in headers if not item[0].startswith(PREFIX))
