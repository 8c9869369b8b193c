"""The schemas themselves: valid, self-explaining, and in step with the closed sets of the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from onoma.contracts.entities import Support
from onoma.errors import RejectionReason
from tests.contract.schemas import CONTRACTS, ROOT, examples, reader, schema


def _parts(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every named property and definition below `part`."""
    if isinstance(part, list):
        for item in part:
            yield from _parts(item)
    elif isinstance(part, dict):
        for keyword in ("properties", "$defs"):
            yield from part.get(keyword, {}).items()
        for value in part.values():
            yield from _parts(value)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_schema_is_valid_and_named_by_contract_and_version(contract: str) -> None:
    Draft202012Validator.check_schema(schema(contract))

    assert schema(contract)["$id"] == f"urn:onoma:schema:{contract}:v1"
    assert schema(contract)["title"] == f"{contract}.v1"


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_property_says_what_it_is(contract: str) -> None:
    unexplained = [
        name
        for name, part in _parts(schema(contract))
        if not (part.get("title") and part.get("description"))
    ]

    assert unexplained == []


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_contract_has_examples_and_they_hold(contract: str) -> None:
    paths = examples(contract)

    assert len(paths) >= 2
    for path in paths:
        reader(contract).validate(json.loads(path.read_bytes()))


def test_no_file_lies_among_the_schemas_that_no_test_reads() -> None:
    read = {ROOT / contract / "v1.json" for contract in CONTRACTS}
    read |= {path for contract in CONTRACTS for path in examples(contract)}

    assert _json_files() == read


def _json_files() -> set[Path]:
    return set(ROOT.rglob("*.json"))


def test_the_reasons_of_the_schema_are_those_of_the_code() -> None:
    assert schema("dead-letter")["properties"]["onoma-reason"]["enum"] == list(RejectionReason)


def test_the_degrees_of_support_of_the_schema_are_those_of_the_code() -> None:
    support = schema("entities")["properties"]["language"]["properties"]["support"]

    assert tuple(support["enum"]) == get_args(Support)
