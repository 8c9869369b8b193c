"""The Avro schemas by Avro's own rules: values go there and back, old and new fit each other.

`fastavro` is the other side; it knows nothing of the JSON Schemas.
"""

from __future__ import annotations

import io
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs import avro
from tests.contract.evolution import load, released
from tests.contract.instances import instances
from tests.contract.schemas import CONTRACTS, examples, schema

NO_VALUES = {"dead-letter", "policy"}
"""Headers, and a file."""
EXAMPLES = [(contract, path) for contract in avro.CONTRACTS for path in examples(contract)]
VERSIONS = [(contract, path) for contract in avro.CONTRACTS for path in released(contract, "avsc")]
few = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))


def _current(contract: str) -> Any:
    return json.loads(avro.path_of(contract).read_text(encoding="utf-8"))


def _sent(value: Any, writer: Any, reader_: Any) -> Any:
    """Return what a reader with one schema gets of a value written with another."""
    stream = io.BytesIO()
    schemaless_writer(stream, parse_schema(deepcopy(writer)), value, strict_allow_default=True)
    assert stream.tell() == len(stream.getvalue())
    stream.seek(0)
    return schemaless_reader(
        stream, parse_schema(deepcopy(writer)), parse_schema(deepcopy(reader_))
    )


def _known(part: Any, json_schema: Any, definitions: Any) -> Any:
    """Return a value without the fields that its schema doesn't name."""
    if "$ref" in json_schema:
        json_schema = definitions[json_schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(part, list):
        return [_known(item, json_schema["items"], definitions) for item in part]
    if "oneOf" in json_schema and isinstance(part, dict):
        names = [each["$ref"].rpartition("/")[2] for each in json_schema["oneOf"] if "$ref" in each]
        branches = [definitions[name] for name in names]
        json_schema = next(each for each in branches if set(each["required"]) <= part.keys())
    properties = json_schema.get("properties")
    if not isinstance(part, dict) or properties is None:
        return part
    return {
        name: _known(value, properties[name], definitions)
        for name, value in part.items()
        if name in properties
    }


def _without_nulls(part: Any) -> Any:
    """Return a value without its fields that are null, which for optional ones means absent."""
    if isinstance(part, list):
        return [_without_nulls(item) for item in part]
    if isinstance(part, dict):
        return {name: _without_nulls(v) for name, v in part.items() if v is not None}
    return part


def test_every_contract_whose_value_crosses_a_topic_has_its_avro_schema() -> None:
    assert set(avro.CONTRACTS) == set(CONTRACTS) - NO_VALUES
    assert {path.name for path in (avro.SCHEMAS / "avro").iterdir()} == {
        avro.path_of(contract).name for contract in avro.CONTRACTS
    }


@pytest.mark.parametrize("contract", avro.CONTRACTS)
def test_the_files_are_what_the_json_schemas_give(contract: str) -> None:
    assert avro.path_of(contract).read_text("utf-8") == avro.text_of(avro.avro_of(schema(contract)))


@pytest.mark.parametrize(
    ("contract", "path"), EXAMPLES, ids=lambda part: getattr(part, "stem", part)
)
def test_every_example_goes_there_and_back(contract: str, path: Path) -> None:
    value = _known(json.loads(path.read_bytes()), schema(contract), schema(contract).get("$defs"))

    back = _sent(value, _current(contract), _current(contract))

    assert _without_nulls(back) == _without_nulls(value)


@pytest.mark.parametrize("contract", avro.CONTRACTS)
@few
@given(data=st.data())
def test_every_value_goes_there_and_back(contract: str, data: st.DataObject) -> None:
    value = data.draw(instances(schema(contract), closed=True))

    back = _sent(value, _current(contract), _current(contract))

    assert _without_nulls(back) == _without_nulls(value)


@pytest.mark.parametrize(
    ("contract", "path"), VERSIONS, ids=lambda part: getattr(part, "stem", part)
)
@few
@given(data=st.data())
def test_readers_and_writers_of_released_schemas_understand_the_newest(
    contract: str, path: Path, data: st.DataObject
) -> None:
    old, new = load(path), _current(contract)
    before = load(path.with_suffix(".json"))
    written = data.draw(instances(before, closed=True))
    later = data.draw(instances(schema(contract), closed=True))

    assert _without_nulls(_sent(written, old, new)) == _without_nulls(written)
    known = _known(later, before, before.get("$defs"))
    assert _without_nulls(_sent(later, new, old)) == _without_nulls(known)


def _grown(*, required: bool) -> Any:
    grown = deepcopy(schema("notice"))
    grown["properties"]["added"] = {"type": "string", "description": "New."}
    if required:
        grown["required"].append("added")
    return avro.avro_of(grown)


def test_an_optional_field_is_understood_both_ways_and_a_required_one_is_not() -> None:
    old = _current("notice")
    value = json.loads(examples("notice")[0].read_bytes())

    there = _sent(value, old, _grown(required=False))
    assert there["added"] is None
    back = _sent(value | {"added": "x"}, _grown(required=False), old)
    assert _without_nulls(back) == _without_nulls(value)
    with pytest.raises(SchemaResolutionError):
        _sent(value, old, _grown(required=True))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"uniqueItems": True, "type": "array", "items": {"type": "string"}}, "uniqueItems"),
        ({"const": 1, "type": "integer"}, "const"),
        ({"allOf": [], "type": "string"}, "allOf"),
    ],
)
def test_a_keyword_without_a_rule_is_refused(changed: dict[str, Any], message: str) -> None:
    odd = deepcopy(schema("notice"))
    odd["properties"]["odd"] = changed | {"description": "Odd."}

    with pytest.raises(ValueError, match=message):
        avro.avro_of(odd)


def test_two_different_objects_of_one_name_are_refused() -> None:
    odd = deepcopy(schema("notice"))
    inner = {"type": "object", "description": "x", "properties": {}, "required": []}
    odd["properties"]["one"] = inner | {"properties": {"announced": inner}}

    with pytest.raises(ValueError, match="called Announced"):
        avro.avro_of(odd)
