"""entities.v1: events validate, instances of the schema fit the records, the bytes are fixed."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.entities import (
    ArtefactVersion,
    Coverage,
    Entities,
    Entity,
    Evidence,
    InputSource,
    KafkaSource,
    Language,
    ListScan,
    ListScreening,
    ModelVersion,
    WorkerVersion,
    event_id,
    input_event_id,
)
from onoma.contracts.records import Record
from onoma.pipeline import Annotated, process
from tests.contract.evidence import evidence_of
from tests.contract.instances import instances
from tests.contract.schemas import ROOT, examples, producer, reader, schema
from tests.fakes import record, versions
from tests.texts import documents, mixed_texts

WORKER = WorkerVersion(
    "0.1.0", "c" * 64, "onnxruntime 1.32.0; numpy 2.4.6; unicode 14.0.0; x86_64 avx512_vnni"
)
VERSIONS = versions()


def _entities(instance: dict[str, Any]) -> Entities:
    parts = {
        "language": msgspec.convert(instance["language"], Language),
        "entities": msgspec.convert(instance["entities"], tuple[Entity, ...]),
        "coverage": msgspec.convert(instance["coverage"], Coverage),
        "evidence": evidence_of(instance),
    }
    return Entities(**{name: instance[name] for name in Entities.__struct_fields__} | parts)


def _evidence(source: KafkaSource | InputSource, *, gate: str) -> Evidence:
    return Evidence(
        source=source,
        models=(ModelVersion("onoma-default", "1", "a" * 64, gate),),
        gazetteers=(),
        policy=ArtefactVersion("default", "1", "b" * 64),
        worker=WORKER,
    )


def _event_of_a_record() -> Entities:
    text = "👩🏽‍⚕️ Dr. Ćosić flew to Rijeka on 3 May.\r\n"
    return Entities(
        event_id=event_id(Record("documents.v1", 0, 17, None, None), cluster="example", run="live"),
        document_id="letter-4",
        tenant="north",
        synthetic=False,
        text_sha256=sha256(text.encode()).hexdigest(),
        text_length=len(text),
        language=Language("hr", "Latn", "trained"),
        entities=(
            Entity(10, 15, "PER", 0.981, "Ćosić"),
            Entity(24, 30, "LOC", 1.0, "Rijeka"),
            Entity(34, 39, "DATE", 0.5, "3 May"),
        ),
        coverage=Coverage(42, 42, 1.0, 1, False),
        evidence=_evidence(KafkaSource("documents.v1", 0, 17), gate="d" * 64),
    )


def _event_of_a_file() -> Entities:
    text = "Nobody is named here."
    source = InputSource("letters.jsonl", 3)
    digest = sha256(text.encode()).hexdigest()
    return Entities(
        event_id=input_event_id(source, digest),
        document_id="letter-3",
        tenant=None,
        synthetic=False,
        text_sha256=digest,
        text_length=len(text),
        language=Language(None, "Latn", "undeclared"),
        entities=(),
        coverage=Coverage(21, 21, 1.0, 1, False),
        evidence=_evidence(source, gate="none"),
    )


def _event_that_was_screened() -> Entities:
    event = _event_of_a_record()
    screening = (ListScreening("zub", 2, 1, 1, 0, 0), ListScreening("zub-south", 2, 0, 0, 1, 0))
    lists = (("judged", "f"), ("zub", "e"), ("zub-south", "9"))
    return msgspec.structs.replace(
        event,
        coverage=msgspec.structs.replace(event.coverage, screening=screening),
        evidence=msgspec.structs.replace(
            event.evidence,
            gazetteers=tuple(ArtefactVersion(name, "2031-01", sha * 64) for name, sha in lists),
        ),
    )


@pytest.mark.parametrize(
    ("event", "golden"),
    [
        (_event_of_a_record(), "kafka.json"),
        (_event_of_a_file(), "nothing-found.json"),
        (_event_that_was_screened(), "screened.json"),
    ],
    ids=["record", "file", "screened"],
)
def test_a_fixed_event_has_the_bytes_of_its_golden(event: Entities, golden: str) -> None:
    expected = (ROOT / "examples" / "entities" / "v1.0" / golden).read_bytes()

    assert msgspec.json.encode(event) + b"\n" == expected


@pytest.mark.parametrize("path", examples("entities"), ids=lambda path: path.name)
def test_every_example_is_an_event_and_comes_back_byte_for_byte(path: Path) -> None:
    instance = json.loads(path.read_bytes())

    reader("entities").validate(instance)
    assert msgspec.json.encode(_entities(instance)) + b"\n" == path.read_bytes()


@settings(max_examples=100, deadline=None)
@given(instances(schema("entities"), closed=True))
def test_what_the_schema_allows_fits_the_records_and_comes_back_whole(
    instance: dict[str, Any],
) -> None:
    reader("entities").validate(instance)

    event = _entities(json.loads(json.dumps(instance)))

    assert json.loads(msgspec.json.encode(event)) == instance


@settings(max_examples=50, deadline=None)
@given(instances(schema("entities")))
def test_readers_pass_over_fields_they_do_not_know(instance: dict[str, Any]) -> None:
    reader("entities").validate(instance)

    event = _entities(instance)

    producer("entities").validate(json.loads(msgspec.json.encode(event)))


@settings(max_examples=100, deadline=None)
@given(
    text=documents,
    language=st.none() | st.sampled_from(["ha", "zul", "sr-Latn", "xx"]),
    tenant=st.none() | mixed_texts.filter(lambda name: 0 < len(name) <= 256),
)
def test_every_event_of_the_pipeline_is_one_of_the_schema_and_nothing_besides(
    text: str, language: str | None, tenant: str | None
) -> None:
    value = {"document_id": "d", "text": text, "language": language, "tenant": tenant}

    outcome = process(record(json.dumps(value).encode()), VERSIONS)

    assert isinstance(outcome, Annotated)
    assert outcome.output.value is not None
    producer("entities").validate(json.loads(outcome.output.value))


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        (Entities, schema("entities")),
        (Language, schema("entities")["properties"]["language"]),
        (Coverage, schema("entities")["properties"]["coverage"]),
        (ListScreening, schema("entities")["$defs"]["list_screening"]),
        (ListScan, schema("entities")["$defs"]["list_scan"]),
        (Evidence, schema("entities")["properties"]["evidence"]),
        (Entity, schema("entities")["$defs"]["entity"]),
        (KafkaSource, schema("entities")["$defs"]["kafka_source"]),
        (InputSource, schema("entities")["$defs"]["input_source"]),
        (ModelVersion, schema("entities")["$defs"]["model"]),
        (ArtefactVersion, schema("entities")["$defs"]["artefact"]),
        (WorkerVersion, schema("entities")["$defs"]["worker"]),
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
