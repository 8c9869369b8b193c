"""One document's way, on a fake graph: what is found, where, how much was read, and the proof."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.entities import Entities, InputSource, KafkaSource, WorkerVersion
from onoma.contracts.policy import Budgets, Limits, Policy, Rules
from onoma.contracts.records import Record
from onoma.errors import RejectionReason
from onoma.ner.wordhash import WINDOW_UNITS, WordHashRecogniser
from onoma.pipeline import (
    Annotated,
    DeadLettered,
    Job,
    Reading,
    SupportedLanguages,
    Versions,
    admit,
    conclude,
    conclude_all,
    process,
    read,
)
from onoma.text.segmentation import segment
from tests.fakes import LABELS, record, text_record, versions
from tests.texts import documents

NAMES = {"Amina": "B-PER", "Sule": "I-PER", "Zaria": "B-LOC"}
VERSIONS = versions(names=NAMES)
QUIET_VERSIONS = versions(names=NAMES, quiet=True)


def _event(source: Record, by: Versions = VERSIONS) -> Entities:
    outcome = process(source, by)
    assert isinstance(outcome, Annotated)
    return outcome.event


def _job(source: Record, by: Versions = VERSIONS) -> Job:
    job = admit(source, by)
    assert isinstance(job, Job)
    return job


def _found(event: Entities) -> list[tuple[int, int, str, str]]:
    return [(entity.start, entity.end, entity.label, entity.text) for entity in event.entities]


def _long_text(words: int) -> str:
    """Return a text whose every thousandth word is a known name."""
    return " ".join("Zaria" if n % 1000 == 999 else f"word{n * 7919 % 5003}" for n in range(words))


@settings(max_examples=150, deadline=None)
@given(documents)
def test_every_entity_is_its_stretch_of_the_text(text: str) -> None:
    event = _event(text_record(text))

    assert all(text[entity.start : entity.end] == entity.text for entity in event.entities)
    assert all(entity.text == entity.text.strip() != "" for entity in event.entities)
    assert all(a.end <= b.start for a, b in pairwise(event.entities))
    assert all(0 <= entity.score <= 1 for entity in event.entities)


@settings(max_examples=150, deadline=None)
@given(st.lists(documents, max_size=3), documents)
def test_a_known_name_is_found_at_its_very_characters_behind_any_text(
    before: list[str], after: str
) -> None:
    prefix = "".join(f"{text}\r\n" for text in before) + "👩🏽‍⚕️ nai\u0308ve مریم "
    text = f"{prefix}Amina Sule {after}"

    event = _event(text_record(text), QUIET_VERSIONS)

    assert (len(prefix), len(prefix) + 10, "PER", "Amina Sule") in _found(event)


@settings(max_examples=100, deadline=None)
@given(documents)
def test_a_document_is_read_to_its_end(text: str) -> None:
    event = _event(text_record(text))

    assert event.coverage.characters_total == len(text) == event.text_length
    assert event.coverage.characters_read == len(text)
    assert event.coverage.ratio == 1.0
    assert event.coverage.truncated is False


def test_u_0000_counts_as_a_character() -> None:
    text = "\0a\0 Zaria\0"

    event = _event(record(json.dumps({"document_id": "d", "text": text}).encode()), QUIET_VERSIONS)

    assert _found(event) == [(4, 9, "LOC", "Zaria")]
    assert event.text_length == 10


def test_an_event_says_what_was_read_and_by_what() -> None:
    value = {"document_id": "d", "text": "From Zaria.", "language": "hau", "tenant": "north"}

    event = _event(record(json.dumps(value).encode()), QUIET_VERSIONS)

    assert _found(event) == [(5, 10, "LOC", "Zaria")]
    assert (event.document_id, event.tenant, event.synthetic) == ("d", "north", False)
    assert event.text_sha256 == sha256(b"From Zaria.").hexdigest()
    assert event.offset_unit == "unicode_code_point"
    assert (event.language.declared, event.language.script) == ("ha", "Latn")
    assert event.language.support == "trained"
    assert event.evidence.source == KafkaSource("documents.v1", 2, 17)
    assert event.evidence.models == (QUIET_VERSIONS.model,)
    assert event.evidence.policy == QUIET_VERSIONS.policy.version
    assert event.evidence.worker == QUIET_VERSIONS.worker


def test_a_document_without_names_gives_an_event_too() -> None:
    outcome = process(text_record("Nobody is named here."), QUIET_VERSIONS)

    assert isinstance(outcome, Annotated)
    assert outcome.event.entities == ()
    assert outcome.output.destination == "entities"


@pytest.mark.parametrize("units", [1, 511, 512, 513, 516, 520, 1023, 1024, 1025, 1540])
def test_the_edges_of_windows_do_not_show(units: int) -> None:
    text = _long_text(units)
    job = _job(text_record(text))
    recogniser = VERSIONS.recogniser
    assert isinstance(recogniser, WordHashRecogniser)

    whole = recogniser.emissions([recogniser.rows(segment(text).strings())])[0]

    for reading in read(job):
        window = reading.window
        core = slice(window.core_start - window.start, window.core_end - window.start)
        kept = reading.emissions[core]
        assert kept.tobytes() == whole[window.core_start : window.core_end].tobytes()


def test_a_document_of_50_000_words_gets_the_event_of_one_pass_over_it() -> None:
    text = _long_text(50_000)
    source = text_record(text)
    event = _event(source)
    units = segment(text)

    recogniser = VERSIONS.recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    emissions = recogniser.emissions([recogniser.rows(units.strings())])
    (mentions,) = recogniser.mentions(emissions)
    in_one_pass = [
        (int(units.starts[m.start]), int(units.ends[m.end - 1]), m.label, round(m.confidence, 3))
        for m in mentions
    ]

    assert [(e.start, e.end, e.label, e.score) for e in event.entities] == in_one_pass
    assert event.coverage.windows == -(-50_000 // WINDOW_UNITS)
    assert event.coverage.ratio == 1.0


def test_a_name_in_every_thousandth_of_a_long_document_is_found_throughout() -> None:
    text = _long_text(50_000)

    found = _found(_event(text_record(text), QUIET_VERSIONS))

    places = [place for place in range(len(text)) if text.startswith("Zaria", place)]
    assert len(places) == 50
    assert found == [(place, place + 5, "LOC", "Zaria") for place in places]


@pytest.mark.parametrize("dropped", [0, 1, 4])
def test_a_window_that_did_not_come_back_shows_in_the_coverage(dropped: int) -> None:
    text = _long_text(2500)
    job = _job(text_record(text), QUIET_VERSIONS)
    readings = read(job)
    lost = readings.pop(dropped).window

    outcome = conclude(job, readings)

    assert isinstance(outcome, Annotated)
    coverage = outcome.event.coverage
    unread = int(job.units.owned_characters()[lost.core_start : lost.core_end].sum())
    assert coverage.characters_read == len(text) - unread
    assert coverage.ratio == int((1 - unread / len(text)) * 1e6) / 1e6
    assert coverage.truncated is True
    assert coverage.windows == 4


def test_what_was_not_read_holds_no_name_and_hides_none_elsewhere() -> None:
    job = _job(text_record(_long_text(2500)), QUIET_VERSIONS)
    readings = read(job)
    whole = conclude(job, readings)

    partial = conclude(job, readings[:1] + readings[2:])

    assert isinstance(whole, Annotated)
    assert isinstance(partial, Annotated)
    lost = readings[1].window
    begin = int(job.units.starts[lost.core_start])
    end = int(job.units.ends[lost.core_end - 1])
    kept = [e for e in whole.event.entities if not begin <= e.start < end]
    assert len(whole.event.entities) == 2
    assert list(partial.event.entities) == kept
    assert len(kept) == 1


def test_a_document_of_which_nothing_came_back_says_so() -> None:
    job = _job(text_record("Amina moved to Zaria."))

    outcome = conclude(job, [])

    assert isinstance(outcome, Annotated)
    assert outcome.event.entities == ()
    assert outcome.event.coverage.characters_read == 0
    assert outcome.event.coverage.ratio == 0.0
    assert outcome.event.coverage.truncated is True


def test_a_single_character_that_was_not_read_is_never_rounded_away() -> None:
    units = 130_000
    rules = Rules(budgets=Budgets(units=units))
    by = versions(policy=Policy(name="n", version="1", default=rules))
    text = "x" * 16 * units + "y"
    job = _job(text_record(text), by)

    outcome = conclude(
        job, [Reading(w, np.zeros((w.end - w.start, len(LABELS)), np.float32)) for w in job.windows]
    )

    assert isinstance(outcome, Annotated)
    assert outcome.event.coverage.characters_read == len(text) - 1
    assert outcome.event.coverage.ratio == 0.999999
    assert outcome.event.coverage.truncated is True


def test_text_beyond_the_budget_is_not_read_and_the_event_says_so() -> None:
    text = "one two Zaria four Zaria six"
    policy = Policy(name="n", version="1", default=Rules(budgets=Budgets(units=4)))

    event = _event(text_record(text), versions(names=NAMES, policy=policy))

    assert (8, 13, "LOC", "Zaria") in _found(event)
    assert all(entity.end <= 18 for entity in event.entities)
    assert event.coverage.characters_read == len("one two Zaria four ")
    assert event.coverage.characters_total == len(text)
    assert event.coverage.truncated is True


def test_a_budget_is_that_of_the_tenant() -> None:
    policy = Policy(name="n", version="1", tenants={"north": Rules(budgets=Budgets(units=1))})
    by = versions(policy=policy)

    windows = {
        tenant: _event(
            record(json.dumps({"document_id": "d", "text": "a b", "tenant": tenant}).encode()), by
        ).coverage.truncated
        for tenant in ("north", "south", None)
    }

    assert windows == {"north": True, "south": False, None: False}


@pytest.mark.parametrize(("language", "threshold"), [("yo", 0.5), ("ha-NG", 0.25), (None, 0.5)])
def test_an_entity_below_the_threshold_of_its_label_and_language_is_left_out(
    language: str | None, threshold: float
) -> None:
    rules = Rules(thresholds={"LOC": 0.5}, language_thresholds={"ha": {"LOC": 0.25}})
    by = versions(policy=Policy(name="n", version="1", default=rules))
    value = {"document_id": "d", "text": _long_text(900), "language": language}
    source = record(json.dumps(value).encode())

    unfiltered = _event(source, versions()).entities
    filtered = _event(source, by).entities

    kept = [e for e in unfiltered if e.label != "LOC" or e.score >= threshold]
    assert list(filtered) == kept
    assert 0 < len(kept) < len(unfiltered)


def test_an_event_over_the_limit_is_a_dead_letter_with_its_record_whole() -> None:
    policy = Policy(name="n", version="1", limits=Limits(event_bytes=500))
    source = text_record("Amina moved to Zaria.")

    outcome = process(source, versions(names=NAMES, policy=policy))

    assert isinstance(outcome, DeadLettered)
    assert outcome.rejected.reason == RejectionReason.EVENT_TOO_LARGE
    assert "the limit is 500" in outcome.rejected.detail
    assert "Zaria" not in outcome.rejected.detail
    assert (outcome.output.destination, outcome.output.value) == ("dead_letters", source.value)


def test_a_record_that_is_no_document_is_a_dead_letter_of_this_worker() -> None:
    outcome = process(record(b"{"), VERSIONS)

    assert isinstance(outcome, DeadLettered)
    assert outcome.rejected.reason == RejectionReason.INVALID_JSON
    assert dict(outcome.output.headers)["onoma-worker-version"] == b"0.0.0"


def test_an_event_keeps_its_id_across_versions_of_everything() -> None:
    source = text_record("From Zaria.")
    ids = {
        _event(source, by).event_id
        for by in (
            VERSIONS,
            QUIET_VERSIONS,
            versions(model_version="2"),
            versions(labels=("O", "B-X", "I-X")),
            replace(VERSIONS, worker=WorkerVersion("9.9.9", "e" * 64, "another")),
        )
    }

    assert len(ids) == 1


def test_an_event_of_another_run_or_another_place_has_another_id() -> None:
    ids = {
        _event(text_record("From Zaria.")).event_id,
        _event(text_record("From Zaria."), versions(run="replay-1")).event_id,
        _event(record(b"From Zaria.", content_type="text/plain", offset=18)).event_id,
    }

    assert len(ids) == 3


def test_an_event_is_the_same_bytes_whatever_was_read_before() -> None:
    source = text_record("Amina Sule moved from Jos to Zaria.")
    fresh = process(source, versions(names=NAMES))
    used = versions(names=NAMES)
    for number in range(20):
        process(text_record(f"Amina {number} went to see word{number} in Jos"), used)

    assert process(source, used).output == fresh.output


@settings(max_examples=30, deadline=None)
@given(st.lists(documents, min_size=2, max_size=5))
def test_documents_that_share_a_call_get_the_events_that_each_gets_alone(texts: list[str]) -> None:
    sources = [text_record(text) for text in texts]
    jobs = [_job(source) for source in sources]
    shared = VERSIONS.recogniser.emissions([rows for job in jobs for rows in job.features])
    emissions = iter(shared)

    together = conclude_all(
        [(job, [Reading(window, next(emissions)) for window in job.windows]) for job in jobs]
    )

    alone = [process(source, VERSIONS) for source in sources]
    assert [outcome.output for outcome in together] == [outcome.output for outcome in alone]


def test_a_document_in_many_windows_gets_its_event_whatever_it_is_concluded_with() -> None:
    small = versions(
        names=NAMES, policy=Policy(name="n", version="1", limits=Limits(event_bytes=9))
    )
    jobs = [
        _job(text_record(_long_text(1500))),
        _job(text_record("Zaria.")),
        _job(text_record(_long_text(40)), small),
        _job(text_record(_long_text(700))),
    ]

    together = conclude_all([(job, read(job)) for job in jobs])

    assert [outcome.output for outcome in together] == [
        conclude(job, read(job)).output for job in jobs
    ]
    assert [type(outcome) for outcome in together] == [
        Annotated,
        Annotated,
        DeadLettered,
        Annotated,
    ]


def test_labels_are_those_of_the_model_whatever_they_are() -> None:
    labels = ("O", "B-Schiff", "I-Schiff", "B-علم", "I-علم")
    names = {"Gorch": "B-Schiff", "Fock": "I-Schiff", "Zaria": "B-علم"}
    by = versions(labels=labels, names=names, quiet=True)

    event = _event(text_record("The Gorch Fock left Zaria."), by)

    assert _found(event) == [(4, 14, "Schiff", "Gorch Fock"), (20, 25, "علم", "Zaria")]


def test_the_outside_label_may_stand_anywhere_among_the_labels() -> None:
    labels = ("B-PER", "I-PER", "O")
    by = versions(labels=labels, names={"Amina": "B-PER"}, quiet=True)
    job = _job(text_record("Amina came to Jos"), by)

    outcome, unread = conclude(job, read(job)), conclude(job, [])

    assert isinstance(outcome, Annotated)
    assert isinstance(unread, Annotated)
    assert _found(outcome.event) == [(0, 5, "PER", "Amina")]
    assert unread.event.entities == ()


@pytest.mark.parametrize(
    ("key", "expected"), [(b"\xff\x00", b"\xff\x00"), (None, b"d\xc3\xa9"), (b"", b"d\xc3\xa9")]
)
def test_an_event_has_the_key_of_its_record_else_the_id_of_its_document(
    key: bytes | None, expected: bytes
) -> None:
    value = json.dumps({"document_id": "dé", "text": "t"}).encode()

    outcome = process(record(value, key=key), VERSIONS)

    assert outcome.output.key == expected


def test_a_document_from_a_file_is_named_by_its_place_there() -> None:
    source = InputSource("letters.jsonl", 3)

    outcome = process(text_record("From Zaria."), VERSIONS, source=source)
    again = process(text_record("From Zaria.", key=b"other"), VERSIONS, source=source)
    other = process(text_record("From Jos."), VERSIONS, source=source)

    assert isinstance(outcome, Annotated)
    assert isinstance(again, Annotated)
    assert isinstance(other, Annotated)
    assert outcome.event.evidence.source == source
    assert outcome.event.event_id == again.event.event_id != other.event.event_id


@pytest.mark.parametrize(
    ("declared", "support"),
    [
        (None, "undeclared"),
        ("ha", "trained"),
        ("ha-NG", "trained"),
        ("sr-Latn", "trained"),
        ("sr", "none"),
        ("sr-Cyrl", "none"),
        ("zu", "zero_shot"),
        ("zu-ZA", "zero_shot"),
        ("xx", "none"),
    ],
)
def test_a_language_is_served_as_the_model_lists_it_or_its_primary_language(
    declared: str | None, support: str
) -> None:
    languages = SupportedLanguages(frozenset({"ha", "sr-Latn"}), frozenset({"zu"}))

    assert languages.support(declared) == support


def test_a_job_keeps_the_versions_it_was_admitted_with() -> None:
    before = versions(names=NAMES, model_version="1")
    job = _job(text_record("From Zaria."), before)
    readings = read(job)

    outcome = conclude(job, readings)

    assert isinstance(outcome, Annotated)
    assert job.versions is before
    assert outcome.event.evidence.models[0].version == "1"
