"""alert.v1: one mention that may mean one entry of a watch list, and why. Mirrors
schemas/alert/v1.json.

One per tenant, document, span and list entry. The value is a pure function of what the document's
event is one of; everything that decided stands in it, so that "why this hit" is answered by the
alert alone. The order of the fields is the order of the bytes: they are only ever appended.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onoma.contracts.entities import ArtefactVersion, Entity, Evidence
from onoma.contracts.ids import id_over

Origin = Literal["scan", "corrected"]
"""Where a name comes from that is not among the event's."""


class ListedEntry(msgspec.Struct, frozen=True):
    """The entry as its list has it; `fingerprint` changes with anything that the list says of it.

    `name` is the primary one, which need not be the one that was hit.
    """

    entry_id: str
    type: str
    name: str
    programmes: tuple[str, ...]
    listed_on: str | None
    fingerprint: str


class NameHit(msgspec.Struct, frozen=True):
    """The name of the entry that met the mention, as the list writes it."""

    text: str
    quality: Literal["strong", "weak"]
    kind: str


class TokenPair(msgspec.Struct, frozen=True):
    """Words of the mention and of the name that stand for each other, and what the pair weighs."""

    mention: str
    entry: str
    similarity: float
    weight: float
    kind: str


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Why mention and name are taken for alike, by one documented rule.

    `rule` is the version of rule, normaliser and index. Scores go from 0 to 100; `alignment` is
    that of the words after `caps`, `uncapped` before.
    """

    name: NameHit
    mention_normalised: str
    name_normalised: str
    path: Literal["exact", "characters", "tokens"]
    score: float
    sorted_ratio: float
    joined_ratio: float
    alignment: float
    uncapped: float
    pairs: tuple[TokenPair, ...]
    unpaired_in_mention: tuple[str, ...]
    unpaired_in_entry: tuple[str, ...]
    caps: tuple[str, ...]
    rule: str


class Thresholds(msgspec.Struct, frozen=True):
    """The scores from which the policy asks for a review, and for an alert."""

    review: float
    alert: float


class ConsideredExclusion(msgspec.Struct, frozen=True):
    """A judgement of people about this mention and this entry, and what it meant here.

    An alert only ever has ones that are `reopened`: the entry has changed since.
    """

    ruling: Literal["excluded", "reopened"]
    reviewer: str
    reason: str
    reviewed_on: str
    expires_on: str | None


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """The alert; `gazetteer` is the list as it stood, `event_id` the event of the document.

    `origin` says where `entity` comes from if it is not among the event's: `scan` where only
    looking through the document for the list's names found it, `corrected` where the model read it
    so and a list of entities corrected it in the event.
    """

    alert_id: str
    event_id: str
    document_id: str
    tenant: str | None
    synthetic: bool
    text_sha256: str
    offset_unit: Literal["unicode_code_point"] = "unicode_code_point"
    entity: Entity
    gazetteer: ArtefactVersion
    entry: ListedEntry
    match: Match
    thresholds: Thresholds
    exclusions: tuple[ConsideredExclusion, ...]
    evidence: Evidence
    origin: Origin | msgspec.UnsetType = msgspec.UNSET


def alert_id(event_id: str, entity: Entity, gazetteer: str, entry_id: str) -> str:
    """Return the id of an alert: the same across versions of the list called `gazetteer`."""
    return id_over([event_id, entity.start, entity.end, gazetteer, entry_id])
