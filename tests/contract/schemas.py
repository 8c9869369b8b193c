"""Reads the schemas and their examples, and makes the strict form that holds for producers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2] / "schemas"
CONTRACTS = ("document", "entities", "dead-letter", "policy", "notice", "alert")


@cache
def schema(contract: str) -> dict[str, Any]:
    """Return the schema of version 1 of `contract`."""
    loaded: dict[str, Any] = json.loads((ROOT / contract / "v1.json").read_text())
    return loaded


@cache
def reader(contract: str) -> Draft202012Validator:
    """Return the validator of whoever reads: unknown fields pass."""
    return Draft202012Validator(schema(contract))


@cache
def producer(contract: str) -> Draft202012Validator:
    """Return the validator of whoever writes: a field that the schema doesn't name is a fault."""
    strict: dict[str, Any] = _closed(schema(contract))
    return Draft202012Validator(strict)


def examples(contract: str) -> list[Path]:
    """Return the example files of all minor versions of version 1."""
    return sorted((ROOT / "examples" / contract).glob("v1.*/*.json"))


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    return closed | ({"additionalProperties": False} if "properties" in part else {})
