"""Writes Avro schemas of the contracts out of their JSON Schemas, which stay the source of truth.

For those who keep topics in a schema registry or in Avro files; the values on Onoma's own topics
are JSON. The rules: a keyword or shape that has no rule here is refused, so that nothing gets lost
in silence; an optional field is a union with null whose default is null, so that old and new
readers and writers understand each other; an enum is a string, because it is open for readers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[1] / "schemas"
CONTRACTS = ("document", "entities", "alert", "notice")
"""What crosses a topic as a value; dead letters are headers, the policy is a file."""

_PRIMITIVES = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}
# What narrows values or is for people: Avro can't say the first, `doc` says the second.
_LEFT_OUT = {
    "$schema", "$id", "$defs", "title", "description", "format", "pattern", "minLength",
    "maxLength", "minimum", "maximum",
}  # fmt: skip

Schema = Mapping[str, Any]


def generated() -> dict[Path, str]:
    """Return the text of each Avro schema by its path."""
    return {path_of(contract): text_of(avro_of(_read(contract))) for contract in CONTRACTS}


def path_of(contract: str) -> Path:
    """Return where the Avro schema of version 1 of a contract lies."""
    return SCHEMAS / "avro" / f"{contract}.v1.avsc"


def text_of(schema: Any) -> str:
    """Return an Avro schema as it is written into a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def avro_of(schema: Schema) -> dict[str, Any]:
    """Return the Avro record of a contract's JSON Schema. Raises ValueError."""
    contract, _, version = schema["title"].rpartition(".")
    writer = _Writer(f"onoma.{contract.replace('-', '_')}.{version}", schema.get("$defs", {}))
    record: dict[str, Any] = writer.record(contract, schema)
    return {"type": "record", "name": record["name"], "namespace": writer.namespace} | record


def _read(contract: str) -> Schema:
    read: Schema = json.loads((SCHEMAS / contract / "v1.json").read_text(encoding="utf-8"))
    return read


class _Writer:
    """Writes one file: a record whole where it stands first, and by its name from then on."""

    def __init__(self, namespace: str, definitions: Mapping[str, Schema]) -> None:
        self.namespace = namespace
        self._definitions = definitions
        self._written: dict[str, Schema] = {}

    def record(self, name: str, schema: Schema) -> Any:
        """Return the record of an object with properties."""
        _only(schema, {"type", "required", "properties", "additionalProperties"})
        avro_name = "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
        if avro_name in self._written:
            if self._written[avro_name] != schema:
                raise ValueError(f"two different objects are called {avro_name}")
            return avro_name
        self._written[avro_name] = schema
        required = schema.get("required", ())
        fields = [
            self._field(field, part, required=field in required)
            for field, part in schema["properties"].items()
        ]
        return {
            "type": "record", "name": avro_name, "doc": schema["description"], "fields": fields,
        }  # fmt: skip

    def _field(self, name: str, schema: Schema, *, required: bool) -> dict[str, Any]:
        type_ = self._type(name, schema)
        if required:
            return {"name": name, "type": type_, "doc": _doc(schema)}
        union = type_ if isinstance(type_, list) else [type_]
        union = ["null", *(branch for branch in union if branch != "null")]
        return {"name": name, "type": union, "default": None, "doc": _doc(schema)}

    def _type(self, name: str, schema: Schema) -> Any:
        """Return the type of a part that is called `name` where it stands."""
        if "$ref" in schema:
            _only(schema, {"$ref"})
            name = schema["$ref"].removeprefix("#/$defs/")
            return self._type(name, self._definitions[name])
        if "enum" in schema:
            _only(schema, {"enum"})
            return "string"
        if "oneOf" in schema:
            _only(schema, {"oneOf"})
            return _nulls_first([self._type(name, branch) for branch in schema["oneOf"]])
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        types = [self._of_kind(kind, name, schema) for kind in kinds]
        return types[0] if len(types) == 1 else _nulls_first(types)

    def _of_kind(self, kind: str, name: str, schema: Schema) -> Any:
        if kind == "null":
            return "null"
        if kind == "array":
            _only(schema, {"type", "items"})
            return {"type": "array", "items": self._type(name, schema["items"])}
        if kind == "object" and "properties" in schema:
            return self.record(name, schema)
        if kind == "object":
            _only(schema, {"type", "additionalProperties"})
            return {"type": "map", "values": self._type(name, schema["additionalProperties"])}
        _only(schema, {"type"})
        return _PRIMITIVES[kind]


def _nulls_first(types: list[Any]) -> list[Any]:
    return sorted(types, key=lambda type_: type_ != "null")


def _doc(schema: Schema) -> str:
    doc: str = schema["description"]
    if "enum" in schema:
        doc += f" One of {', '.join(schema['enum'])}; others may follow."
    return doc


def _only(schema: Schema, known: set[str]) -> None:
    if unknown := schema.keys() - known - _LEFT_OUT:
        raise ValueError(f"no rule for the keywords {sorted(unknown)}")
