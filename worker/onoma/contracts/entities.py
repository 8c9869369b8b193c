"""entities.v1: what was found in one document, and the proof. Mirrors schemas/entities/v1.json.

The value is a pure function of the record and of the versions named in it: no time, host or
neighbour. The order of the fields is the order of the bytes, and replay compares bytes, so fields
are only ever appended.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onoma.contracts.ids import id_over
from onoma.contracts.records import Record

Support = Literal["trained", "zero_shot", "none", "undeclared"]


class Entity(msgspec.Struct, frozen=True):
    """One name: `text` is the document's `[start, end)` in code points, `score` rounded to .001.

    `score` is the model's confidence; of a list's name what the policy says of the list, and where
    both agree (`merged`) the greater. `gazetteer` is the list, where one decided.
    """

    start: int
    end: int
    label: str
    score: float
    text: str
    source: Literal["model", "gazetteer", "merged", "rule"] = "model"
    gazetteer: str | msgspec.UnsetType = msgspec.UNSET


class Language(msgspec.Struct, frozen=True):
    """What upstream declared, the script most letters belong to, and how well the model knows the
    language.
    """

    declared: str | None
    script: str
    support: Support


class ListScreening(msgspec.Struct, frozen=True):
    """What came of the names of one document with one watch list.

    `names` were compared. Of their matches `alerts` were published, `reviews` are below the alert,
    `excluded` were judged to be none by people, and `omitted` are alerts beyond the policy's
    budget. `unscreened` names were not compared, because the policy's budget of names was spent;
    left out where there are none.
    """

    gazetteer: str
    names: int
    alerts: int
    reviews: int
    excluded: int
    omitted: int
    unscreened: int | msgspec.UnsetType = msgspec.UNSET


class ListScan(msgspec.Struct, frozen=True):
    """How far one document was looked through for the names of one watch list.

    `candidates` stretches were compared: all that begin before `exact_until` with equal names, and
    before `near_until` with near ones, where these are asked for. `truncated` says that the
    policy's budget ended it. Of the matches that came of it, and of no name of the model's,
    `matches` are for review or above.
    """

    gazetteer: str
    candidates: int
    exact_until: int
    near_until: int | None
    truncated: bool
    matches: int


class Coverage(msgspec.Struct, frozen=True):
    """How much was read; `characters_read` is summed over the units that came back from a model
    call. `screening` has a part for each list, and is left out where there is no list; `scans` has
    one for each list whose names whole documents are looked through for.
    """

    characters_total: int
    characters_read: int
    ratio: float
    windows: int
    truncated: bool
    screening: tuple[ListScreening, ...] | msgspec.UnsetType = msgspec.UNSET
    scans: tuple[ListScan, ...] | msgspec.UnsetType = msgspec.UNSET


class KafkaSource(msgspec.Struct, frozen=True):
    """The record that the document came from."""

    topic: str
    partition: int
    offset: int


class InputSource(msgspec.Struct, frozen=True):
    """The file or stream that the document came from, and its place in it, counted from one."""

    input: str
    record: int


class ModelVersion(msgspec.Struct, frozen=True):
    """A model that decided; `sha256` is its manifest's, which names the hash of every file."""

    name: str
    version: str
    sha256: str
    gate: str


class ArtefactVersion(msgspec.Struct, frozen=True):
    """A list or a policy that decided."""

    name: str
    version: str
    sha256: str


class WorkerVersion(msgspec.Struct, frozen=True):
    """The code that decided: release, sha256 over its files, and what else the bytes depend on."""

    version: str
    sha256: str
    runtime: str


class Evidence(msgspec.Struct, frozen=True):
    """Everything needed to compute the event again."""

    source: KafkaSource | InputSource
    models: tuple[ModelVersion, ...]
    gazetteers: tuple[ArtefactVersion, ...]
    policy: ArtefactVersion
    worker: WorkerVersion


class Entities(msgspec.Struct, frozen=True, kw_only=True):
    """The event: one per document, also when nothing was found."""

    event_id: str
    document_id: str
    tenant: str | None
    synthetic: bool
    text_sha256: str
    text_length: int
    offset_unit: Literal["unicode_code_point"] = "unicode_code_point"
    language: Language
    entities: tuple[Entity, ...]
    coverage: Coverage
    evidence: Evidence


def event_id(record: Record, *, cluster: str, run: str) -> str:
    """Return the id of the event of `record`: no version in it, a redelivery keeps its id."""
    return id_over([cluster, record.topic, record.partition, record.offset, run])


def input_event_id(source: InputSource, text_sha256: str) -> str:
    """Return the id of the event of a document that came from a file."""
    return id_over([source.input, source.record, text_sha256])
