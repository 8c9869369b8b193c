"""Renders the chart with Helm's own engine, in this process and without a cluster."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "onoma"
RELEASE, NAMESPACE = "live", "screening"
WORKLOADS = ("StatefulSet", "Deployment")
NOTES = "NOTES.txt"

Object = dict[str, Any]
Values = dict[str, Any]

LEAST: Values = {
    "image": {"repository": "registry.example.com/onoma"},
    "settings": {"kafka": {"bootstrap_servers": "broker-1:9092,broker-2:9092"}},
}


class Refused(Exception):  # noqa: N818 (named for what the chart did)
    """The chart doesn't take these values; the message is the one that an operator reads."""


def values_of(path: Path) -> Values:
    """Return the values of a file."""
    values: Values = yaml.safe_load(path.read_text(encoding="utf-8"))
    return values


def ci_files() -> tuple[Path, ...]:
    """Return the files of values that come with the chart."""
    return tuple(sorted((CHART / "ci").glob("*-values.yaml")))


def with_values(values: Values, more: Values) -> Values:
    """Return `values` with those of `more` laid over them."""
    merged = copy.deepcopy(values)
    for key, value in more.items():
        inner = merged.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[key] = with_values(inner or {}, value) if both else copy.deepcopy(value)
    return merged


def files(values: Values, *, chart: Path = CHART) -> dict[str, str]:
    """Return what each template of the chart gives. Raises Refused."""
    import helm_python

    try:
        with helm_python.Chart.load(chart) as loaded:
            # Without the extra the engine is untyped, and what it returns with it.
            texts: dict[str, str] = loaded.render(values, name=RELEASE, namespace=NAMESPACE)
            return texts
    except (helm_python.HelmValuesError, helm_python.HelmRenderError) as error:
        raise Refused(str(error)) from None


def render(values: Values, *, chart: Path = CHART) -> tuple[Object, ...]:
    """Return the objects that the chart gives. Raises Refused."""
    texts = [text for name, text in files(values, chart=chart).items() if not name.endswith(NOTES)]
    return tuple(each for text in texts for each in yaml.safe_load_all(text) if each)


def notes(values: Values) -> str:
    """Return what Helm prints after an installation."""
    (text,) = (text for name, text in files(values).items() if name.endswith(NOTES))
    return text


def of_kind(objects: Iterable[Object], *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def only(objects: Iterable[Object], *kinds: str) -> Object:
    """Return the one object of these kinds."""
    (found,) = of_kind(objects, *kinds)
    return found


def pods(objects: Iterable[Object]) -> list[Object]:
    """Return the pod templates."""
    return [each["spec"]["template"] for each in of_kind(objects, *WORKLOADS, "Job")]


def workload(objects: Iterable[Object]) -> Object:
    """Return what runs the workers."""
    (found,) = (each for each in of_kind(objects, *WORKLOADS) if _component(each) == "worker")
    return found


def canary(objects: Iterable[Object]) -> Object | None:
    """Return what runs the canary, None where there is none."""
    found = [each for each in of_kind(objects, "Deployment") if _component(each) == "canary"]
    return found[0] if found else None


def _component(found: Object) -> str:
    label: str = found["metadata"]["labels"]["app.kubernetes.io/component"]
    return label


def worker(objects: Iterable[Object]) -> Object:
    """Return the container of the workers."""
    pod = workload(objects)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    found: Object = container
    return found


def configuration(objects: Iterable[Object]) -> dict[str, str]:
    """Return the files of the worker's ConfigMap by name."""
    maps: list[dict[str, str]] = [each["data"] for each in of_kind(objects, "ConfigMap")]
    (found,) = (data for data in maps if "onoma.yaml" in data)
    return found
