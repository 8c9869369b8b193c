"""Says what a Kubernetes server of a version would refuse in an object, and more: strict schemas
know no unknown field, which a server drops in silence.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

from tests.deploy.chart import Object

VERSIONS = ("1.29", "1.33", "1.37")
CUSTOM = Path(__file__).parent / "crd"


def problems(each: Object, version: str) -> list[str]:
    """Return what is wrong with an object, a line each."""
    validator = _validator(version, each["apiVersion"], each["kind"])
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(each)]


@functools.cache
def _validator(version: str, api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    custom = _custom().get((api_version, kind))
    if custom is not None:
        return jsonschema.Draft202012Validator(custom)
    # Files are named by the group's first word: `statefulset-apps-v1`, `job-batch-v1`.
    group, _, name = api_version.rpartition("/")
    file = "-".join(part for part in (kind.lower(), group.partition(".")[0], name) if part)
    schema = json.loads((_directory(version) / f"{file}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Registry[Any]:
    text = (_directory(version) / "_definitions.json").read_text(encoding="utf-8")
    resource = Resource.from_contents(json.loads(text))
    return resource @ Registry()


def _directory(version: str) -> Path:
    """Return the schemas of a version, in the distribution of kubernetes-validate."""
    import kubernetes_validate

    home = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    (directory,) = home.glob(f"v{version}.*-local-strict")
    return directory


@functools.cache
def _custom() -> dict[tuple[str, str], Any]:
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in CUSTOM.glob("*.json")]
    return {
        (each["properties"]["apiVersion"]["const"], each["properties"]["kind"]["const"]): each
        for each in schemas
    }
