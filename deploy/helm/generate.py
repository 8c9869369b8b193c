"""Makes what follows from other files of the chart; docs/generate.py writes and checks it.

`values.schema.json` is schema.yaml, the worker's own settings and the schema of the policy;
`README.md` is README.template.md and the comments of values.yaml. The settings of the chart can
therefore be no others than those of the worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from onoma.settings import Settings

HERE = Path(__file__).parent
CHART = HERE / "onoma"
POLICY = HERE.parents[1] / "schemas" / "policy" / "v1.json"
TABLES = "<!-- values -->\n"

NEVER_IN_A_CLUSTER = ("faults",)
"""Sections that no deployment may have: deaths on purpose."""
SERVERS = r"^\s*[^\s,/]+:[0-9]{1,5}(\s*,\s*[^\s,/]+:[0-9]{1,5})*\s*$"
NARROWED: dict[str, dict[str, dict[str, Any]]] = {
    "kafka": {"bootstrap_servers": {"pattern": SERVERS}},
    "model": {"allow_ungated": {"const": False}},
    "server": {"port": {"minimum": 1}},
}
"""Knobs that a deployment may set to less than a worker takes."""
USED_BY_TEMPLATES = {
    "kafka": (
        "bootstrap_servers",
        "group_id",
        "security_protocol",
        "sasl_mechanism",
        "auto_offset_reset",
    ),
    "topics": ("documents",),
    "shutdown": ("drain_seconds",),
    "server": ("port",),
    "quarantine": ("enabled", "memory_bytes"),
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of values.yaml: its name with dots, its default as YAML, its comment."""

    name: str
    default: str
    comment: str


def generated() -> dict[Path, str]:
    """Return the text of each generated file by its path."""
    schema = json.dumps(values_schema(), indent=2, ensure_ascii=False) + "\n"
    return {CHART / "values.schema.json": schema, CHART / "README.md": readme()}


def values_schema() -> dict[str, Any]:
    """Return the schema of all values."""
    schema: dict[str, Any] = yaml.safe_load((HERE / "schema.yaml").read_text(encoding="utf-8"))
    schema["properties"]["settings"] = settings_schema()
    text = POLICY.read_text(encoding="utf-8").replace("#/$defs/", "#/$defs/policy.")
    policy = json.loads(text)
    schema["$defs"] |= {f"policy.{name}": each for name, each in policy.pop("$defs", {}).items()}
    for key in ("$schema", "$id", "title"):
        policy.pop(key, None)
    # An empty policy is the built-in one.
    schema["properties"]["policy"] = {"if": {"minProperties": 1}, "then": policy, "type": "object"}
    for value in values():
        _describe(schema, value)
    return schema


def settings_schema() -> dict[str, Any]:
    """Return the schema of the worker's settings, closed, without what no deployment may have."""
    whole = Settings.model_json_schema()
    sections = {
        name: _section(name, whole["$defs"][reference["$ref"].rpartition("/")[2]])
        for name, reference in whole["properties"].items()
        if name not in NEVER_IN_A_CLUSTER
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(USED_BY_TEMPLATES),
        "properties": sections,
    }


def _section(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    knobs = {knob: _knob(found) for knob, found in schema["properties"].items()}
    for knob, narrower in NARROWED.get(name, {}).items():
        knobs[knob] |= narrower
    section = {"type": "object", "additionalProperties": False, "properties": knobs}
    if name in USED_BY_TEMPLATES:
        section["required"] = list(USED_BY_TEMPLATES[name])
    return section


def _knob(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a knob's schema without title, and without null: a null takes a value away in Helm."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "format")}
    choices = [choice for choice in kept.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept |= {key: value for key, value in choices[0].items() if key != "format"}
    elif choices:
        kept["anyOf"] = choices
    if kept.get("default", "") is None:
        del kept["default"]
    return kept


def _describe(schema: dict[str, Any], value: Value) -> None:
    for part in value.name.split("."):
        schema = schema.get("properties", {}).get(part, {})
    if schema and "description" not in schema:
        schema["description"] = value.comment


def values() -> tuple[Value, ...]:
    """Return the values of values.yaml in their order."""
    return tuple(value for _, _, rows in sections() for value in rows)


def sections() -> Iterator[tuple[str, str, list[Value]]]:
    """Yield name, comment and values of each part of values.yaml; single values come together."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    root = yaml.compose(text)
    lines = text.splitlines()
    single: list[Value] = []
    for key, node in root.value if root else ():
        comment = _comment(lines, key.start_mark)
        if isinstance(node, yaml.MappingNode) and node.value:
            yield key.value, comment, list(_rows(lines, key.value, node))
        else:
            single.append(Value(key.value, _default(node), comment))
    yield "more", "", single


def _rows(lines: list[str], path: str, node: yaml.MappingNode) -> Iterator[Value]:
    yield from _required(lines, path, node)
    for key, inner in node.value:
        name = f"{path}.{key.value}"
        if isinstance(inner, yaml.MappingNode) and inner.value and not _is_free(key, inner):
            yield from _rows(lines, name, inner)
        else:
            yield Value(name, _default(inner), _comment(lines, key.start_mark))


def _is_free(key: yaml.Node, node: yaml.MappingNode) -> bool:
    """Say whether a mapping is one value, as labels are."""
    return key.value in ("labels", "annotations")


def _required(lines: list[str], path: str, node: yaml.MappingNode) -> Iterator[Value]:
    """Yield values without a default: a line `#name: example` below their comment."""
    above = _lines_above(lines, node.value[0][0].start_mark)
    for position, line in enumerate(above):
        name, colon, example = line.removeprefix("#").partition(": ")
        if colon and not line.startswith("# "):
            comment = above[position - 1].removeprefix("# ")
            yield Value(f"{path}.{name}", "", f"{comment} For example `{example}`.")


def _comment(lines: list[str], mark: yaml.Mark) -> str:
    above = _lines_above(lines, mark)
    for position, line in enumerate(above):
        if not line.startswith("# "):
            above = above[position + 1 :]
            break
    return " ".join(line.removeprefix("# ") for line in above)


def _lines_above(lines: list[str], mark: yaml.Mark) -> list[str]:
    """Return the comment lines right above, as far in as what they are about."""
    first = mark.line
    while first and lines[first - 1].startswith(" " * mark.column + "#"):
        first -= 1
    return [line.strip() for line in lines[first : mark.line]]


def _default(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style is None else json.dumps(node.value)
    return json.dumps(yaml.safe_load(yaml.serialize(node)))


def readme() -> str:
    """Return the chart's README."""
    template = (HERE / "README.template.md").read_text(encoding="utf-8")
    return template.replace(TABLES, "\n".join(_tables()) + "\n")


def _tables() -> Iterator[str]:
    for name, comment, rows in sections():
        yield from (f"### {name}", "")
        if comment:
            yield from (comment, "")
        yield from ("| value | default | what |", "|---|---|---|")
        yield from (f"| `{v.name}` | {_code(v.default)} | {_cell(v.comment)} |" for v in rows)
        yield ""


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
