"""One document's way from record to outcome: read this top to bottom and you know the product.

    admit:     decode -> segment -> windows of rows         (a Job, or a dead letter)
    read:      windows -> model -> readings                  (batched by the stream)
    conclude:  readings -> mentions, listed names -> alerts, event   (an Outcome)

Plain synchronous functions on frozen values: no Kafka, no clock, no logging. An outcome is a pure
function of the record and of the `Versions` that the document took when it was admitted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from onoma.alerting import Alerts, Subject, alerts_of
from onoma.contracts.cloudevents import output_headers
from onoma.contracts.deadletter import dead_letter
from onoma.contracts.decoders import decode
from onoma.contracts.document import Document
from onoma.contracts.entities import (
    Coverage,
    Entities,
    Entity,
    Evidence,
    InputSource,
    KafkaSource,
    Language,
    ModelVersion,
    Support,
    WorkerVersion,
    event_id,
    input_event_id,
)
from onoma.contracts.language import primary
from onoma.contracts.policy import Limits, PinnedPolicy
from onoma.contracts.records import Headers, Output, Record
from onoma.contracts.tracing import passed_on
from onoma.errors import RejectedDocument, RejectionReason
from onoma.gazetteer.listed import EntityList, listed_names
from onoma.gazetteer.running_text import RunningText, running_text
from onoma.gazetteer.served import NO_LISTS, ServedLists
from onoma.merging import Merged, merged, sure_enough
from onoma.ner.recogniser import AnyRecogniser, Emissions, Prepared, stitched
from onoma.ner.spans import Mention
from onoma.tenants import Screening
from onoma.text.script import dominant_script
from onoma.text.segmentation import Units, segment
from onoma.text.windows import Window

ENTITIES_TYPE = "onoma.entities.v1"
ALERT_TYPE = "onoma.alert.v1"
LIVE_RUN = "live"
"""The run of a worker on its topic, as it stands in every event id."""


@dataclass(frozen=True, slots=True)
class SupportedLanguages:
    """Languages a model was trained on, and those it reaches by transfer, as BCP 47."""

    trained: frozenset[str]
    zero_shot: frozenset[str]

    def support(self, declared: str | None) -> Support:
        """Return how well a document that declares `declared` is served."""
        if declared is None:
            return "undeclared"
        names = {declared, primary(declared)}
        if names & self.trained:
            return "trained"
        return "zero_shot" if names & self.zero_shot else "none"


@dataclass(frozen=True, slots=True)
class Versions:
    """All that decides about a document besides its record; taken once, kept until its outcome.

    `screening` is made of lists and policy.
    """

    recogniser: AnyRecogniser
    model: ModelVersion
    languages: SupportedLanguages
    policy: PinnedPolicy
    worker: WorkerVersion
    cluster: str
    run: str = LIVE_RUN
    lists: ServedLists = NO_LISTS
    screening: Screening = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "screening", Screening(self.lists, self.policy))


@dataclass(frozen=True, slots=True)
class Job:
    """An admitted document: `features[i]` are the rows of `windows[i]` that go into the model."""

    record: Record
    source: KafkaSource | InputSource
    document: Document
    units: Units
    windows: tuple[Window, ...]
    features: tuple[Sized, ...]
    versions: Versions


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model said about one window: `emissions` `(units of the window, labels)`."""

    window: Window
    emissions: Emissions


@dataclass(frozen=True, slots=True)
class Annotated:
    """The document was processed; `output` is the event as it goes to the topic, `alerts` are its
    alerts as they go to theirs.

    `known_tenant` says whether the policy has rules for the tenant, or there is none;
    `marked_synthetic` whether the document said that it is, which `event.synthetic` need not
    confirm.
    """

    event: Entities
    output: Output
    known_tenant: bool
    marked_synthetic: bool = False
    alerts: tuple[Output, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Return all that is to be published together."""
        return self.output, *self.alerts


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The document was rejected; `output` is the record with its reason."""

    rejected: RejectedDocument
    output: Output

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Return all that is to be published together."""
        return (self.output,)


Outcome = Annotated | DeadLettered


def process(
    record: Record, versions: Versions, *, source: KafkaSource | InputSource | None = None
) -> Outcome:
    """Return the outcome of one record, start to end."""
    job = admit(record, versions, source=source)
    if isinstance(job, DeadLettered):
        return job
    return conclude(job, read(job))


def admit(
    record: Record, versions: Versions, *, source: KafkaSource | InputSource | None = None
) -> Job | DeadLettered:
    """Decode and cut up a record; `source` is its topic, partition and offset unless given."""
    limits = versions.policy.policy.limits
    try:
        document = decode(record, limits)
        units = segment(document.text)
        _check_units(units, limits)
        budget = versions.policy.rules(document.tenant).budgets.units
        prepared = versions.recogniser.prepare(units.strings()[:budget])
        _check_work(prepared, versions.recogniser, limits)
    except RejectedDocument as rejected:
        return reject(record, rejected, versions)
    return Job(
        record=record,
        source=source or KafkaSource(record.topic, record.partition, record.offset),
        document=document,
        units=units,
        windows=prepared.windows,
        features=prepared.rows,
        versions=versions,
    )


def _check_units(units: Units, limits: Limits) -> None:
    if len(units) > limits.units:
        raise RejectedDocument(
            RejectionReason.TOO_MANY_UNITS,
            f"the text has {len(units)} words and punctuation marks, the limit is {limits.units}",
        )


def _check_work(prepared: Prepared[Sized], recogniser: AnyRecogniser, limits: Limits) -> None:
    each = zip(prepared.windows, prepared.rows, strict=True)
    rows = sum(recogniser.work(window, rows).computed for window, rows in each)
    if rows > limits.rows:
        raise RejectedDocument(
            RejectionReason.TOO_MUCH_WORK,
            f"the model would compute {rows} rows for it, the limit is {limits.rows}",
        )


def read(job: Job) -> list[Reading]:
    """Read all windows of one document, one call each; the stream packs those of many instead."""
    recogniser = job.versions.recogniser
    return [
        Reading(window, recogniser.emissions([rows])[0])
        for window, rows in zip(job.windows, job.features, strict=True)
    ]


def conclude(job: Job, readings: Sequence[Reading]) -> Outcome:
    """Return the event of a document from what was read of it."""
    return conclude_all([(job, readings)])[0]


def conclude_all(read_jobs: Sequence[tuple[Job, Sequence[Reading]]]) -> list[Outcome]:
    """Return the outcomes of documents of one model, each as `conclude` alone would give it."""
    recogniser = read_jobs[0][0].versions.recogniser
    found = recogniser.mentions([_stitched(job, readings) for job, readings in read_jobs])
    return [
        _outcome(job, readings, mentions)
        for (job, readings), mentions in zip(read_jobs, found, strict=True)
    ]


def reject(record: Record, rejected: RejectedDocument, versions: Versions) -> DeadLettered:
    """Return the outcome of a record that can't be processed."""
    output = dead_letter(record, rejected, worker_version=versions.worker.version)
    return DeadLettered(rejected, output)


def _outcome(job: Job, readings: Sequence[Reading], mentions: Sequence[Mention]) -> Outcome:
    versions, document = job.versions, job.document
    lists = versions.screening.lists(document.tenant)
    text = running_text(job.units) if lists.read_whole_texts else None
    subject = _subject(job, _merged(job, mentions, text, lists.giving))
    alerts = alerts_of(subject, text, versions.screening, versions.policy)
    event = _event(job, readings, subject, alerts)
    value = msgspec.json.encode(event)
    limit = versions.policy.policy.limits.event_bytes
    if len(value) > limit:
        detail = f"the event has {len(value)} bytes, the limit is {limit}"
        return reject(
            job.record, RejectedDocument(RejectionReason.EVENT_TOO_LARGE, detail), versions
        )
    trace = passed_on(job.record)
    return Annotated(
        event=event,
        output=_output(job, "entities", event.event_id, value, trace),
        known_tenant=versions.policy.knows(document.tenant),
        marked_synthetic=document.marked_synthetic,
        alerts=tuple(
            _output(job, "alerts", written.alert.alert_id, written.value, trace)
            for written in alerts.written
        ),
    )


def _merged(
    job: Job, mentions: Sequence[Mention], text: RunningText | None, giving: Sequence[EntityList]
) -> Merged:
    """Return the names of the event: the model's, and those of the lists that give entities."""
    entities = _entities(job, mentions)
    if text is None or not giving:
        return Merged(entities)
    document = job.document
    rules = job.versions.policy.rules(document.tenant)
    listed = sure_enough(
        listed_names(text, giving), lambda label: rules.threshold(label, document.language)
    )
    return merged(entities, listed, document.text)


def _subject(job: Job, names: Merged) -> Subject:
    versions, document = job.versions, job.document
    text_sha256 = _text_sha256(document.text)
    return Subject(
        event_id=_event_id(job),
        document_id=document.document_id,
        tenant=document.tenant,
        text_sha256=text_sha256,
        entities=names.entities,
        evidence=Evidence(
            source=job.source,
            models=(versions.model,),
            gazetteers=tuple(versions.screening.versions.values()),
            policy=versions.policy.version,
            worker=versions.worker,
        ),
        synthetic=document.marked_synthetic and text_sha256 in versions.policy.policy.canaries,
        corrected=names.corrected,
    )


def _event(job: Job, readings: Sequence[Reading], subject: Subject, alerts: Alerts) -> Entities:
    document = job.document
    return Entities(
        event_id=subject.event_id,
        document_id=subject.document_id,
        tenant=subject.tenant,
        synthetic=subject.synthetic,
        text_sha256=subject.text_sha256,
        text_length=len(document.text),
        language=Language(
            document.language,
            dominant_script(document.text),
            job.versions.languages.support(document.language),
        ),
        entities=subject.entities,
        coverage=_coverage(job, readings, alerts),
        evidence=subject.evidence,
    )


def _entities(job: Job, mentions: Sequence[Mention]) -> tuple[Entity, ...]:
    document = job.document
    rules = job.versions.policy.rules(document.tenant)
    least = {
        label: rules.threshold(label, document.language)
        for label in {mention.label for mention in mentions}
    }
    sure = [mention for mention in mentions if mention.confidence >= least[mention.label]]
    starts = job.units.starts[[mention.start for mention in sure]].tolist() if sure else []
    ends = job.units.ends[[mention.end - 1 for mention in sure]].tolist() if sure else []
    return tuple(
        Entity(start, end, mention.label, round(mention.confidence, 3), document.text[start:end])
        for mention, start, end in zip(sure, starts, ends, strict=True)
    )


def _stitched(job: Job, readings: Sequence[Reading]) -> Emissions:
    parts = [(reading.window, reading.emissions) for reading in readings]
    return stitched(parts, len(job.units), job.versions.recogniser.labels)


def _coverage(job: Job, readings: Sequence[Reading], alerts: Alerts) -> Coverage:
    """Return how much was read: summed over the readings that there are, never over the text's
    length.
    """
    borders = job.units.borders()
    total = int(borders[-1])
    cores = [(reading.window.core_start, reading.window.core_end) for reading in readings]
    characters = sum(int(borders[end]) - int(borders[start]) for start, end in cores)
    return Coverage(
        characters_total=total,
        characters_read=characters,
        # Rounded down, so that a single unread character is never rounded away.
        ratio=math.floor(characters / total * 1e6) / 1e6,
        windows=len(readings),
        truncated=characters < total,
        screening=alerts.screening or msgspec.UNSET,
        scans=alerts.scans or msgspec.UNSET,
    )


def _event_id(job: Job) -> str:
    if isinstance(job.source, InputSource):
        return input_event_id(job.source, _text_sha256(job.document.text))
    return event_id(job.record, cluster=job.versions.cluster, run=job.versions.run)


def _output(
    job: Job, destination: Literal["entities", "alerts"], id_: str, value: bytes, trace: Headers
) -> Output:
    headers = output_headers(
        event_id=id_,
        event_type=ENTITIES_TYPE if destination == "entities" else ALERT_TYPE,
        source=f"/onoma/{job.versions.cluster}/{job.record.topic}",
        subject=job.document.document_id,
    )
    key = job.record.key or job.document.document_id.encode()
    return Output(destination, key, value, headers + trace)


def _text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
