"""What holds for the outcome of any record, whatever its bytes; a breach is told in one line."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

from onoma.contracts.deadletter import MAX_DETAIL_CHARACTERS, PREFIX
from onoma.contracts.decoders import decode
from onoma.contracts.entities import Entities
from onoma.contracts.records import Record
from onoma.errors import RejectedDocument, RejectionReason
from onoma.pipeline import DeadLettered, Outcome, Versions
from tests.contract.schemas import producer

EVENT_TIME = "2026-03-01T04:00:00Z"
WITHIN_THE_PIPELINE = frozenset(RejectionReason) - {
    RejectionReason.PROCESSING_FAILED,
    RejectionReason.KILLED_WORKER,
    RejectionReason.TOO_SLOW,
}


class BrokenError(Exception):
    """An invariant that does not hold."""


def check(record: Record, outcome: Outcome, versions: Versions, *, by_schema: bool) -> None:
    """Raise BrokenError unless the outcome keeps what is promised of every outcome."""
    for name, value in outcome.output.headers:
        name.encode()
        _hold(value is None or isinstance(value, bytes), "a header is bytes or nothing")
    if isinstance(outcome, DeadLettered):
        _check_rejection(record, outcome, by_schema=by_schema)
        return
    try:
        text = decode(record, versions.policy.policy.limits).text
    except RejectedDocument:
        raise BrokenError("a record that can't be decoded has an event") from None
    _check_event(outcome.event, text)
    value = outcome.output.value or b""
    _hold(json.loads(value)["text_length"] == len(text), "the value is the event")
    if by_schema:
        errors = list(producer("entities").iter_errors(json.loads(value)))
        _hold(not errors, f"the event fits its schema: {[e.json_path for e in errors]}")


def _check_rejection(record: Record, outcome: DeadLettered, *, by_schema: bool) -> None:
    rejected, output = outcome.rejected, outcome.output
    _hold(rejected.reason in WITHIN_THE_PIPELINE, f"no stage fails: {rejected.detail}")
    _hold(output.value == record.value, "a dead letter has the record's value")
    ours = {name: value for name, value in output.headers if name.startswith(PREFIX)}
    kept = tuple(each for each in output.headers if not each[0].startswith(PREFIX))
    theirs = tuple(each for each in record.headers if not each[0].startswith(PREFIX))
    _hold(kept == theirs, "a dead letter has the record's headers")
    told = {name: (value or b"").decode() for name, value in ours.items()}
    _hold(len(told["onoma-detail"]) <= MAX_DETAIL_CHARACTERS, "the detail is short")
    if by_schema:
        told["onoma-first-failure-time"] = EVENT_TIME
        errors = list(producer("dead-letter").iter_errors(told))
        _hold(not errors, f"a dead letter fits its schema: {[e.json_path for e in errors]}")


def _check_event(event: Entities, text: str) -> None:
    coverage = event.coverage
    _hold(event.text_length == len(text), "the length is the text's")
    _hold(event.text_sha256 == hashlib.sha256(text.encode()).hexdigest(), "the hash is the text's")
    _hold(coverage.characters_total == coverage.characters_read == len(text), "all is read")
    _hold((coverage.ratio, coverage.truncated) == (1.0, False), "the coverage says so")
    for each in event.entities:
        _hold(0 <= each.start < each.end <= len(text), "an entity lies in the text")
        _hold(text[each.start : each.end] == each.text, "offsets give the entity's text")
        _hold(0 <= each.score <= 1, "a score is a probability")
    for one, other in pairwise(event.entities):
        _hold(one.end <= other.start, "entities are in order and apart")


def _hold(true: bool, what: str) -> None:
    if not true:
        raise BrokenError(what)
