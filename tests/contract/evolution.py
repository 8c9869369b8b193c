"""Says what breaks readers or writers of an older minor version of a contract.

Inside a major version old data stays valid for whoever has the new schema, and new data for whoever
has an old one, so that fields may only be added, and only optional ones. `released/` holds every
minor version as it was released; README.md of the schemas has the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RELEASED = Path(__file__).parent / "released"
_LIMITS = ("pattern", "format", "minLength", "maxLength", "minimum", "maximum")

Schema = Mapping[str, Any]


def released(contract: str, suffix: str = "json") -> list[Path]:
    """Return the released minor versions of version 1 of a contract."""
    return sorted(RELEASED.glob(f"{contract}.v1.*.{suffix}"))


def load(path: Path) -> dict[str, Any]:
    """Return a released schema."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def breaks(old: Schema, new: Schema) -> list[str]:
    """Return what `new` takes from those who know `old`, as sentences; none if it only grew."""
    return list(_Comparison(old, new).of("value", old, new))


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old.get("$defs", {}), new.get("$defs", {})

    def of(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        """Yield what broke from `path` downwards."""
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if _types(old) != _types(new):
            yield f"{path}: was of type {_types(old)}, is {_types(new)}"
            return
        for limit in _LIMITS:
            if old.get(limit) != new.get(limit):
                yield f"{path}: {limit} was {old.get(limit)}, is {new.get(limit)}"
        for value in sorted(set(old.get("enum", ())) - set(new.get("enum", ()))):
            yield f"{path}: lost the value {value}"
        yield from self._inner(path, old, new)

    def _inner(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        if "properties" in old:
            yield from self._properties(path, old, new)
        if "items" in old:
            yield from self.of(f"{path}[]", old["items"], new["items"])
        for number, pair in enumerate(
            zip(old.get("oneOf", ()), new.get("oneOf", ()), strict=False)
        ):
            yield from self.of(f"{path}({number})", *pair)
        others = old.get("additionalProperties"), new.get("additionalProperties")
        if isinstance(others[0], dict) and isinstance(others[1], dict):
            yield from self.of(f"{path}.*", others[0], others[1])
        elif others[0] != others[1]:
            yield f"{path}: other fields were {others[0]}, are {others[1]}"

    def _properties(self, path: str, old: Schema, new: Schema) -> Iterator[str]:
        before, now = old["properties"], new.get("properties", {})
        for name in before.keys() - now.keys():
            yield f"{path}.{name}: is gone"
        if list(now)[: len(before)] != list(before):
            yield f"{path}: new fields stand last, and the old ones in their order"
        was, required = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(required - was):
            yield f"{path}.{name}: is required and was not"
        for name in sorted(was - required):
            yield f"{path}.{name}: was required and is not"
        for name in before.keys() & now.keys():
            yield from self.of(f"{path}.{name}", before[name], now[name])


def _resolved(part: Schema, definitions: Mapping[str, Schema]) -> Schema:
    if "$ref" not in part:
        return part
    found: Schema = definitions[part["$ref"].removeprefix("#/$defs/")]
    return found


def _types(part: Schema) -> str:
    if "oneOf" in part:
        return f"one of {len(part['oneOf'])}"
    if "enum" in part:
        return "enum"
    kinds = part["type"]
    return kinds if isinstance(kinds, str) else " or ".join(sorted(kinds))
