"""Contracts only grow: what was released stays readable, and its readers can read what is new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.contract.evolution import RELEASED, breaks, load, released
from tests.contract.instances import instances
from tests.contract.schemas import CONTRACTS, ROOT, examples, reader, schema

VERSIONS = [path for contract in CONTRACTS for path in released(contract)]
SUMS = RELEASED / "examples.sha256"
Change = Callable[[dict[str, Any]], object]


def _contract(path: Path) -> str:
    return path.name.partition(".")[0]


def test_every_contract_has_a_released_version() -> None:
    assert all(released(contract) for contract in CONTRACTS)


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_the_newest_schema_only_grew(path: Path) -> None:
    assert breaks(load(path), schema(_contract(path))) == []


def test_examples_that_were_released_are_kept_as_they_were() -> None:
    for line in SUMS.read_text().splitlines():
        digest, name = line.split()
        found = hashlib.sha256((ROOT / "examples" / name).read_bytes()).hexdigest()

        assert found == digest, (
            f"{name} was edited, but examples are kept: put what is new into another file; if no "
            f"release has this one yet, correct its line in {SUMS.name}"
        )


def test_every_example_is_among_those_that_are_kept() -> None:
    kept = {line.split()[1] for line in SUMS.read_text().splitlines()}
    found = {
        str(path.relative_to(ROOT / "examples"))
        for contract in CONTRACTS
        for path in examples(contract)
    }

    assert found == kept, f"add the new ones to {SUMS.name}: sha256sum */v1.*/*.json"


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_old_values_are_valid_now_and_new_ones_for_readers_of_old(
    path: Path, data: st.DataObject
) -> None:
    old, new = load(path), schema(_contract(path))

    reader(_contract(path)).validate(data.draw(instances(old, closed=True)))
    Draft202012Validator(_open(old)).validate(data.draw(instances(new, closed=True)))


def _open(part: Any) -> Any:
    """Return a schema as its readers take it: values of an enum that they don't know pass.

    A worker refuses fields of a policy that it doesn't know, aloud and on purpose; what it does
    know must mean the same, so that here they pass too.
    """
    if isinstance(part, list):
        return [_open(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _open(value)
        for key, value in part.items()
        if key != "enum" and not (key == "additionalProperties" and value is False)
    }


def _score(of: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = of["$defs"]["entity"]["properties"]["score"]
    return found


BREAKING: dict[str, Change] = {
    "a field is gone": lambda s: s["$defs"]["entity"]["properties"].pop("source"),
    "a field is renamed": lambda s: s["properties"].update(id=s["properties"].pop("event_id")),
    "a field became required": lambda s: s["properties"]["coverage"]["required"].append(
        "screening"
    ),
    "a new field is required": lambda s: (
        s["properties"].update(added={"type": "string"}),
        s["required"].append("added"),
    ),
    "a field is required no more": lambda s: s["required"].remove("tenant"),
    "a type is narrower": lambda s: _score(s).update(type="integer"),
    "a type is wider": lambda s: s["properties"]["text_length"].update(type=["integer", "null"]),
    "null is no value any more": lambda s: s["properties"]["tenant"].update(type="string"),
    "a bound is narrower": lambda s: _score(s).update(maximum=0.9),
    "a bound is new": lambda s: s["properties"]["synthetic"].update(minimum=0),
    "a pattern is another": lambda s: s["$defs"]["sha256"].update(pattern="^[0-9A-F]{64}$"),
    "a value of an enum is gone": lambda s: s["$defs"]["entity"]["properties"]["source"][
        "enum"
    ].remove("rule"),
    "an enum is any string": lambda s: s["properties"]["offset_unit"].update(
        type="string", enum=[]
    ),
    "a kind of source is gone": lambda s: s["properties"]["evidence"]["properties"]["source"][
        "oneOf"
    ].pop(),
    "unknown fields are refused": lambda s: s["$defs"]["entity"].update(additionalProperties=False),
    "items are another thing": lambda s: s["properties"]["entities"].update(
        items={"$ref": "#/$defs/artefact"}
    ),
    "a new field stands first": lambda s: s.update(
        properties={"added": {"type": "string"}} | s["properties"]
    ),
}
GROWING: dict[str, Change] = {
    "a new optional field": lambda s: s["properties"].update(added={"type": "string"}),
    "a new optional object": lambda s: s["$defs"]["entity"]["properties"].update(
        added={"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}
    ),
    "another value of an enum": lambda s: s["$defs"]["entity"]["properties"]["source"][
        "enum"
    ].append("people"),
    "another description": lambda s: _score(s).update(description="Said better."),
    "a definition moved": lambda s: (
        s["$defs"].update(score=_score(s)),
        s["$defs"]["entity"]["properties"].update(score={"$ref": "#/$defs/score"}),
    ),
}


def _changed(change: Change) -> dict[str, Any]:
    changed = deepcopy(schema("entities"))
    change(changed)
    return changed


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_others_is_found(name: str) -> None:
    assert breaks(schema("entities"), _changed(BREAKING[name]))


@pytest.mark.parametrize("name", GROWING)
def test_what_only_grows_is_let_through(name: str) -> None:
    assert breaks(schema("entities"), _changed(GROWING[name])) == []


def test_what_broke_is_named_with_its_place() -> None:
    changed = _changed(BREAKING["a type is narrower"])

    assert breaks(schema("entities"), changed) == [
        "value.entities[].score: was of type number, is integer"
    ]


def test_every_released_schema_is_whole() -> None:
    for path in VERSIONS:
        Draft202012Validator.check_schema(json.loads(path.read_text()))
