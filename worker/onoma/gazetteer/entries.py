"""What a watch list says about one person, organisation, place or vessel.

Readers make entries of published lists, segments keep them, alerts name them. The rule: an entry is
what its list says, word for word; nothing is normalised here, so that an officer sees what the
authority wrote. A name is `weak` where its list marks it so (low quality, or quoted in remarks): it
supports a match and never makes one alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Quality(StrEnum):
    """How far a list trusts a name."""

    STRONG = "strong"
    WEAK = "weak"


class NameKind(StrEnum):
    """What a name is to its entry."""

    PRIMARY = "primary"
    ALIAS = "alias"
    FORMER = "former"
    ORIGINAL_SCRIPT = "original_script"


class EntryType(StrEnum):
    """What an entry is; which labels of a model may mean it is the policy's to say."""

    PERSON = "person"
    ORGANISATION = "organisation"
    PLACE = "place"
    VESSEL = "vessel"
    AIRCRAFT = "aircraft"
    OTHER = "other"


TYPES = tuple(EntryType)
"""Segments write a type as its position here: the order is part of their format."""
QUALITIES = tuple(Quality)
"""As `TYPES`."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name as the list writes it."""

    text: str
    quality: Quality = Quality.STRONG
    kind: NameKind = NameKind.ALIAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One listed party: names with the primary first, and what tells it from its namesakes.

    `source` is who published it, where the list says so. Dates are as the list writes them: some
    know a year or a span only.
    """

    entry_id: str
    type: EntryType
    names: tuple[Name, ...]
    source: str | None = None
    programmes: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    births: tuple[str, ...] = ()
    listed_on: str | None = None
    remarks: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """Return the one way to write `entry` as a line of JSON, without its end."""
    return _ENCODER.encode(entry)


def decode(line: bytes | memoryview) -> Entry:
    """Return the entry that `encode` wrote. Raises msgspec.DecodeError."""
    return _DECODER.decode(line)


def fingerprint(entry: Entry) -> str:
    """Return a hash that changes with anything the list says about the entry."""
    return hashlib.sha256(encode(entry)).hexdigest()
