"""Alerts say why, and keep their ids in the next version of a list."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from onoma.alerting import Subject, alert_of
from onoma.contracts.alerts import Alert
from onoma.contracts.entities import (
    ArtefactVersion,
    Entity,
    Evidence,
    KafkaSource,
    ModelVersion,
    WorkerVersion,
)
from onoma.errors import GazetteerError
from onoma.gazetteer.chain import Chain, open_chain
from onoma.gazetteer.entries import Entry, fingerprint
from onoma.gazetteer.exclusions import Exclusion, Exclusions
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.matching import ListMatcher, Mention
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.screening import ScreeningHit, ScreeningList, screen
from onoma.gazetteer.segment import write_segment
from tests.contract.schemas import producer
from tests.unit.gazetteer.lists import built, entry, identity

ORBAL = entry("z:1", "Kandrabov, Tessim", "Tessim Kandrabov the Elder", programmes=("AAA",))
JUDGED = Exclusion(
    mention="Tessim KANDRABOV",
    gazetteer="zub",
    entry_id="z:1",
    fingerprint="0" * 64,
    reviewer="r.quoro",
    reason="a baker, born 1990",
    reviewed_on="2031-01-02",
)


def alert(directory: Path, text: str, listed: Entry = ORBAL, *judged: Exclusion) -> Alert:
    """Return the alert about `text` in a document, by a list of one entry."""
    write_segment(directory, [listed], replace(identity("1"), name="zub"), INDEX)
    chain: Chain = open_chain(directory, INDEX)
    version = ArtefactVersion("zub", "1", chain.newest.sha256)
    exclusions = Exclusions(judged, normalise)
    hit: ScreeningHit
    (hit,) = screen(
        [Mention(text, "PER")],
        [ScreeningList("zub", ListMatcher(chain), ListPolicy(), exclusions)],
    )
    entity = Entity(0, len(text), "PER", 0.9, text)
    return alert_of(_subject((entity,)), entity, version, hit)


def test_an_alert_is_one_of_the_schema_and_says_what_decided(tmp_path: Path) -> None:
    made = alert(tmp_path / "1", "Tessym Kandraboff")

    producer("alert").validate(json.loads(msgspec.json.encode(made)))
    assert made.match.name.text == "Kandrabov, Tessim"
    assert made.match.mention_normalised == "tessym kandraboff"
    assert {(pair.mention, pair.entry) for pair in made.match.pairs} == {
        ("tessym", "tessim"),
        ("kandraboff", "kandrabov"),
    }
    assert made.thresholds.alert <= made.match.score < 100
    assert (made.entry.programmes, made.entry.fingerprint) == (("AAA",), fingerprint(ORBAL))
    assert made.exclusions == ()


def test_an_alert_about_a_hit_that_is_open_again_says_who_had_judged_it(tmp_path: Path) -> None:
    made = alert(tmp_path / "1", "Tessim Kandrabov", ORBAL, JUDGED)
    (considered,) = made.exclusions

    producer("alert").validate(json.loads(msgspec.json.encode(made)))
    assert (considered.ruling, considered.reviewer) == ("reopened", "r.quoro")


def test_an_alert_keeps_its_id_in_the_next_version_of_the_list(tmp_path: Path) -> None:
    one = alert(tmp_path / "1", "Tessim Kandrabov")
    other = alert(tmp_path / "2", "Tessim Kandrabov", replace(ORBAL, remarks="Tall."))

    assert one.alert_id == other.alert_id
    assert one.gazetteer != other.gazetteer
    assert one.entry.fingerprint != other.entry.fingerprint


def test_the_same_hit_has_the_same_bytes(tmp_path: Path) -> None:
    one, other = (alert(tmp_path / place, "Tessym Kandraboff") for place in "12")

    assert msgspec.json.encode(one) == msgspec.json.encode(other)


def test_a_list_that_was_built_for_another_index_is_not_matched_with(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match="was built for index lengths-1, this version reads"):
        ListMatcher(built(tmp_path / "1", [ORBAL]))


def _subject(entities: tuple[Entity, ...]) -> Subject:
    return Subject(
        event_id="69787481-4fc9-5d78-a398-3b45b54a30ea",
        document_id="letter-4",
        tenant="north",
        text_sha256="a" * 64,
        entities=entities,
        evidence=Evidence(
            source=KafkaSource("documents.v1", 0, 17),
            models=(ModelVersion("m", "1", "a" * 64, "none"),),
            gazetteers=(),
            policy=ArtefactVersion("default", "1", "b" * 64),
            worker=WorkerVersion("0.1.0", "c" * 64, "x"),
        ),
    )
