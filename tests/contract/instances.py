"""Generates instances of a JSON Schema, for the keywords that Onoma's own schemas use.

A schema that uses another keyword is refused, so that no constraint is passed over in silence; what
is generated is checked against the schema by `jsonschema`, which knows nothing of this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.texts import characters

Schema = Mapping[str, Any]
Instances = st.SearchStrategy[Any]

# What says nothing about instances, and a format, which in 2020-12 is a note beside the pattern.
_SILENT = {"$schema", "$id", "$defs", "$ref", "title", "description", "format"}
_STRING = {"type", "pattern", "minLength", "maxLength"}
_NUMBER = {"type", "minimum", "maximum"}
_ARRAY = {"type", "items"}
_OBJECT = {"type", "properties", "required", "additionalProperties"}

_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(characters)
anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(characters), inner),
    max_leaves=5,
)


def instances(schema: Schema, *, closed: bool = False) -> Instances:
    """Return a strategy for instances of `schema`; `closed`: without properties it doesn't name."""
    return _Generator(schema.get("$defs", {}), closed).instances(schema)


class _Generator:
    def __init__(self, definitions: Mapping[str, Schema], closed: bool) -> None:
        self._definitions = definitions
        self._closed = closed

    def instances(self, schema: Schema) -> Instances:
        if "$ref" in schema:
            return self.instances(self._definitions[schema["$ref"].removeprefix("#/$defs/")])
        if "enum" in schema:
            _check(schema, {"enum"})
            return st.sampled_from(schema["enum"])
        if "oneOf" in schema:
            _check(schema, {"oneOf"})
            return st.one_of([self.instances(branch) for branch in schema["oneOf"]])
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return st.one_of([self._of_type(kind, schema) for kind in types])

    def _of_type(self, kind: str, schema: Schema) -> Instances:
        match kind:
            case "null":
                return st.none()
            case "boolean":
                _check(schema, {"type"})
                return st.booleans()
            case "string":
                _check(schema, _STRING)
                return _strings(schema)
            case "integer":
                _check(schema, _NUMBER)
                return st.integers(schema["minimum"], schema.get("maximum", 2**53))
            case "number":
                _check(schema, _NUMBER)
                return st.floats(schema["minimum"], schema["maximum"])
            case "array":
                _check(schema, _ARRAY)
                return st.lists(self.instances(schema["items"]), max_size=3)
            case "object":
                _check(schema, _OBJECT)
                return self._objects(schema)
        raise ValueError(f"no generator for type {kind}")

    def _objects(self, schema: Schema) -> Instances:
        properties = {
            name: self.instances(part) for name, part in schema.get("properties", {}).items()
        }
        required = set(schema.get("required", ()))
        known = st.fixed_dictionaries(
            {name: part for name, part in properties.items() if name in required},
            optional={name: part for name, part in properties.items() if name not in required},
        )
        others = schema["additionalProperties"]
        if others is False or (others is True and self._closed):
            return known
        names = st.text(characters, max_size=8).filter(lambda name: name not in properties)
        values = anything if others is True else self.instances(others)
        return st.builds(
            lambda extra, rest: {**extra, **rest},
            st.dictionaries(names, values, max_size=3),
            known,
        )


def _strings(schema: Schema) -> Instances:
    pattern = schema.get("pattern")
    low, high = schema.get("minLength", 0), schema.get("maxLength", 64)
    if pattern is None:
        # The longest that is allowed comes up too, not only short ones.
        longest = st.builds(lambda character: character * high, characters)
        return st.text(characters, min_size=low, max_size=min(high, 64)) | longest
    # `$` of a schema is the very end; Python's also stands before a last line feed.
    exact = re.compile(pattern.removesuffix("$") + r"\Z")
    return st.from_regex(exact).filter(lambda text: low <= len(text) <= high)


def _check(schema: Schema, known: set[str]) -> None:
    if unknown := schema.keys() - known - _SILENT:
        raise ValueError(f"no generator for the keywords {sorted(unknown)}")
