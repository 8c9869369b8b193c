"""Passes a document's trace context on: from the headers of its record to those of what is written.

W3C Trace Context has two carriers here: Kafka headers `traceparent` and `tracestate`, which tracing
libraries write, and CloudEvents' distributed tracing extension (`ce_traceparent`, `ce_tracestate`;
attributes in structured mode). Either is passed on, and stands in for the other where that is
absent. The rule: what is malformed is left out and is never an error, and no value depends on it.
Dead letters keep all headers of their record anyway.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from onoma.contracts.cloudevents import is_structured
from onoma.contracts.records import Headers, Record

PARENT = "traceparent"
STATE = "tracestate"
CLOUDEVENT_PARENT = "ce_traceparent"
CLOUDEVENT_STATE = "ce_tracestate"

MAX_STATE_BYTES = 512
"""The least that a carrier has to keep, and the most that is kept here: outputs stay small."""
MAX_STATE_MEMBERS = 32

_PARENT = re.compile(
    rb"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-"
    rb"(?P<flags>[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_MEMBER = re.compile(
    rb"[a-z0-9][a-z0-9_*/-]{0,255}(@[a-z][a-z0-9_*/-]{0,13})?"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_VERSION, _UNKNOWN_VERSION = b"00", b"ff"
_SAMPLED = 1


class _Attributes(msgspec.Struct, frozen=True):
    """What a structured event says of its trace, of whatever type."""

    traceparent: object = None
    tracestate: object = None


def passed_on(record: Record) -> Headers:
    """Return the headers that carry the trace of `record` on; none if it has none."""
    carried = _context(_values(record.headers, PARENT), _values(record.headers, STATE))
    event = _event_context(record)
    return _named(PARENT, STATE, carried or event) + _named(
        CLOUDEVENT_PARENT, CLOUDEVENT_STATE, event or carried
    )


def _named(parent: str, state: str, context: tuple[bytes, bytes] | None) -> Headers:
    if context is None:
        return ()
    return ((parent, context[0]), (state, context[1])) if context[1] else ((parent, context[0]),)


def _event_context(record: Record) -> tuple[bytes, bytes] | None:
    if not is_structured(record.headers):
        return _context(
            _values(record.headers, CLOUDEVENT_PARENT), _values(record.headers, CLOUDEVENT_STATE)
        )
    try:
        found = msgspec.json.decode(record.value or b"", type=_Attributes)
    except (msgspec.DecodeError, RecursionError):
        return None
    return _context(_text(found.traceparent), _text(found.tracestate))


def _values(headers: Headers, name: str) -> list[bytes]:
    return [value or b"" for key, value in headers if key.lower() == name]


def _text(value: object) -> list[bytes]:
    return [value.encode(errors="replace")] if isinstance(value, str) else []


def _context(parents: Sequence[bytes], states: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return parent and state; None unless there is one parent and it is well formed."""
    parent = _parent(parents[0]) if len(parents) == 1 else None
    return (parent, _state(b",".join(states))) if parent else None


def _parent(value: bytes) -> bytes | None:
    """Return `value` as the version that we know would write it (Trace Context, 2.2.4 and 3.2)."""
    found = _PARENT.fullmatch(value)
    if not found or not found["trace"].strip(b"0") or not found["parent"].strip(b"0"):
        return None
    if found["version"] == _VERSION:
        return None if found["more"] else value
    if found["version"] == _UNKNOWN_VERSION:
        return None
    sampled = int(found["flags"], 16) & _SAMPLED
    return b"-".join((_VERSION, found["trace"], found["parent"], b"%02x" % sampled))


def _state(value: bytes) -> bytes:
    """Return the members of a well-formed list, the newest that fit; nothing of another one."""
    members = [member for part in value.split(b",") if (member := part.strip(b" \t"))]
    names = {member.partition(b"=")[0] for member in members}
    well_formed = len(names) == len(members) <= MAX_STATE_MEMBERS
    if not well_formed or not all(map(_MEMBER.fullmatch, members)):
        return b""
    while len(b",".join(members)) > MAX_STATE_BYTES:
        members.pop()
    return b",".join(members)
