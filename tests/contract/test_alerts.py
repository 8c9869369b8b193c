"""alert.v1: alerts validate, instances of the schema fit the records, the bytes are fixed."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.alerts import (
    Alert,
    ConsideredExclusion,
    ListedEntry,
    Match,
    NameHit,
    Thresholds,
    TokenPair,
    alert_id,
)
from onoma.contracts.entities import (
    ArtefactVersion,
    Entity,
    Evidence,
    KafkaSource,
    ModelVersion,
    WorkerVersion,
    event_id,
)
from onoma.contracts.records import Record
from onoma.gazetteer.entries import EntryType, NameKind, Quality
from onoma.gazetteer.exclusions import Ruling
from tests.contract.evidence import evidence_of
from tests.contract.instances import instances
from tests.contract.schemas import ROOT, examples, producer, reader, schema

LIST = ArtefactVersion("zub", "2031-01", "e" * 64)
EVIDENCE = Evidence(
    source=KafkaSource("documents.v1", 0, 17),
    models=(ModelVersion("onoma-default", "1", "a" * 64, "d" * 64),),
    gazetteers=(LIST, ArtefactVersion("judged", "2031-01-04", "f" * 64)),
    policy=ArtefactVersion("default", "1", "b" * 64),
    worker=WorkerVersion("0.1.0", "c" * 64, "onnxruntime 1.32.0; unicode 14.0.0"),
)


def _alert(entity: Entity, match: Match, exclusions: tuple[ConsideredExclusion, ...]) -> Alert:
    event = event_id(Record("documents.v1", 0, 17, None, None), cluster="example", run="live")
    return Alert(
        alert_id=alert_id(event, entity, LIST.name, "z:1"),
        event_id=event,
        document_id="letter-4",
        tenant="north",
        synthetic=False,
        text_sha256=sha256(b"the text").hexdigest(),
        entity=entity,
        gazetteer=LIST,
        entry=ListedEntry("z:1", "person", "VANT, Orbal", ("AAA",), "2030-01-02", "9" * 64),
        match=match,
        thresholds=Thresholds(80.0, 85.0),
        exclusions=exclusions,
        evidence=EVIDENCE,
    )


def _exact() -> Alert:
    match = Match(
        name=NameHit("VANT, Orbal", "strong", "primary"),
        mention_normalised="orbal vant",
        name_normalised="vant orbal",
        path="characters",
        score=100.0,
        sorted_ratio=100.0,
        joined_ratio=66.67,
        alignment=100.0,
        uncapped=100.0,
        pairs=(
            TokenPair("orbal", "orbal", 1.0, 1.0, "equal"),
            TokenPair("vant", "vant", 1.0, 1.0, "equal"),
        ),
        unpaired_in_mention=(),
        unpaired_in_entry=(),
        caps=(),
        rule="1.1.1",
    )
    return _alert(Entity(10, 20, "PER", 0.981, "Orbal Vant"), match, ())


def _reopened() -> Alert:
    match = Match(
        name=NameHit("Vant, Orbal Tessim", "strong", "alias"),
        mention_normalised="orbaal vant",
        name_normalised="vant orbal tessim",
        path="tokens",
        score=85.0,
        sorted_ratio=71.43,
        joined_ratio=52.0,
        alignment=85.0,
        uncapped=87.2,
        pairs=(
            TokenPair("vant", "vant", 1.0, 1.0, "equal"),
            TokenPair("orbaal", "orbal", 0.82, 1.0, "sound"),
        ),
        unpaired_in_mention=(),
        unpaired_in_entry=("tessim",),
        caps=("sound",),
        rule="1.1.1",
    )
    judged = ConsideredExclusion(
        "reopened", "r.quoro", "a baker, born 1990", "2031-01-02", "2031-12-31"
    )
    return _alert(Entity(30, 41, "PER", 0.745, "Orbaal Vant"), match, (judged,))


@pytest.mark.parametrize(
    ("alert", "golden"), [(_exact(), "exact.json"), (_reopened(), "reopened.json")], ids=str
)
def test_a_fixed_alert_has_the_bytes_of_its_golden(alert: Alert, golden: str) -> None:
    expected = (ROOT / "examples" / "alert" / "v1.0" / golden).read_bytes()

    assert msgspec.json.encode(alert) + b"\n" == expected


@pytest.mark.parametrize("path", examples("alert"), ids=lambda path: path.name)
def test_every_example_is_an_alert_of_the_schema_and_nothing_besides(path: Path) -> None:
    producer("alert").validate(json.loads(path.read_bytes()))


@settings(max_examples=30, deadline=None)
@given(instances(schema("alert"), closed=True))
def test_what_the_schema_allows_fits_the_records_and_comes_back_whole(
    instance: dict[str, Any],
) -> None:
    reader("alert").validate(instance)

    alert = Alert(
        evidence=evidence_of(instance),
        **{
            field.name: msgspec.convert(instance[field.name], field.type)
            for field in msgspec.structs.fields(Alert)
            if field.name != "evidence" and field.name in instance
        },
    )

    assert json.loads(msgspec.json.encode(alert)) == instance


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Alert, schema("alert")),
        (ListedEntry, schema("alert")["$defs"]["listed_entry"]),
        (NameHit, schema("alert")["$defs"]["name_hit"]),
        (TokenPair, schema("alert")["$defs"]["token_pair"]),
        (Match, schema("alert")["$defs"]["match"]),
        (Thresholds, schema("alert")["properties"]["thresholds"]),
        (ConsideredExclusion, schema("alert")["$defs"]["considered_exclusion"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_each_record_has_the_fields_of_the_schema_in_its_order(
    kind: type[msgspec.Struct], part: dict[str, Any]
) -> None:
    assert kind.__struct_fields__ == tuple(part["properties"])
    assert set(part["required"]) == {
        field.name for field in msgspec.structs.fields(kind) if field.default is not msgspec.UNSET
    }


@pytest.mark.parametrize("name", ["entity", "artefact", "model", "worker", "kafka_source"])
def test_what_alerts_share_with_events_is_described_alike(name: str) -> None:
    assert schema("alert")["$defs"][name] == schema("entities")["$defs"][name]
    assert schema("alert")["properties"]["evidence"] == schema("entities")["properties"]["evidence"]


def test_the_words_of_the_schema_are_those_of_lists() -> None:
    parts = schema("alert")["$defs"]

    assert parts["name_hit"]["properties"]["quality"]["enum"] == list(Quality)
    assert parts["considered_exclusion"]["properties"]["ruling"]["enum"] == list(Ruling)
    assert all(kind in parts["name_hit"]["properties"]["kind"]["description"] for kind in NameKind)
    assert all(
        kind in parts["listed_entry"]["properties"]["type"]["description"] for kind in EntryType
    )


@given(
    st.sampled_from(["1", "2"]),
    st.integers(0, 3),
    st.integers(4, 6),
    st.sampled_from(["zub", "other"]),
    st.sampled_from(["z:1", "z:2"]),
)
def test_an_alert_id_is_that_of_its_event_span_list_and_entry_alone(
    event: str, start: int, end: int, gazetteer: str, entry_id: str
) -> None:
    asked = (event, start, end, gazetteer, entry_id)
    fixed = ("1", 0, 5, "zub", "z:1")
    same = alert_id(event, Entity(start, end, "LOC", 0.5, "x"), gazetteer, entry_id)
    other = alert_id("1", Entity(0, 5, "PER", 0.9, "Orbal"), "zub", "z:1")

    assert (same == other) == (asked == fixed)
