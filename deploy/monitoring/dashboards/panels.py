"""What a dashboard is made of, as data, and the JSON that Grafana reads.

The boards are modules of this folder, `generate.py` writes them. The rule: every panel has a unit
and says what it shows, ids are given and never counted (alerts link to them), and what an alert
links to links on to the alert's runbook.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT = 8

PER_SECOND = "suffix: /s"
COUNT = "short"
SECONDS = "s"
SHARE = "percentunit"
BYTES = "bytes"
YES_NO = "bool_yes_no"

JOB = 'job=~"$job"'
"""Selects the installations that are looked at."""
INSTANCES = 'job=~"$job", instance=~"$instance"'


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its lines are called: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. Values of `bad_from` and more are red; `nothing` stands there without series.

    `whole`: of what happens once each, whose increase Prometheus extrapolates to fractions.
    """

    id: int
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    width: int = 12
    bad_from: float | None = None
    stacked: bool = False
    nothing: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice above the panels, filled with the values that a label has."""

    name: str
    title: str
    values_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]


JOB_VARIABLE = Variable(
    name="job", title="Installation", values_of="label_values(onoma_build_info, job)"
)
INSTANCE_VARIABLE = Variable(
    name="instance",
    title="Worker",
    values_of='label_values(onoma_build_info{job=~"$job"}, instance)',
)

Links = Mapping[tuple[str, int], Sequence[tuple[str, str]]]
"""Title and address of further reading, by dashboard and panel."""


def dashboard(board: Board, links: Links) -> dict[str, Any]:
    """Return the JSON of a board."""
    panels = [
        {**_panel(panel, links.get((board.uid, panel.id), ())), "gridPos": place}
        for panel, place in zip(board.panels, _places([p.width for p in board.panels]), strict=True)
    ]
    return frame(board.uid, board.title, board.description, panels, board.variables)


def frame(
    uid: str,
    title: str,
    description: str,
    panels: Sequence[Mapping[str, Any]],
    variables: Sequence[Variable] = (),
) -> dict[str, Any]:
    """Return the JSON around panels."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["onoma"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "links": [
            {
                "type": "dashboards",
                "tags": ["onoma"],
                "title": "Onoma",
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_DATASOURCE_VARIABLE, *map(_variable, variables)]},
        "panels": list(panels),
    }


_DATASOURCE_VARIABLE = {
    "type": "datasource",
    "name": "datasource",
    "label": "Prometheus",
    "query": "prometheus",
}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.title,
        "datasource": DATASOURCE,
        "query": {"query": variable.values_of, "refId": variable.name},
        "definition": variable.values_of,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panel(panel: Panel, links: Sequence[tuple[str, str]]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    return {
        "id": panel.id,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "links": [{"title": title, "url": url, "targetBlank": True} for title, url in links],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                **({"decimals": 0} if panel.whole else {}),
                **({"noValue": panel.nothing} if panel.nothing is not None else {}),
                "thresholds": {"mode": "absolute", "steps": steps},
                **({"custom": _lines(panel)} if panel.kind == "timeseries" else {}),
            },
            "overrides": [],
        },
        "options": _options(panel),
        "transformations": [_WITHOUT_TIME] if panel.kind == "table" else [],
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                **({"instant": True, "format": "table"} if panel.kind == "table" else {}),
            }
            for number, query in enumerate(panel.queries)
        ],
    }


_WITHOUT_TIME = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
"""A table is of now."""


def _lines(panel: Panel) -> dict[str, Any]:
    return {
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 0,
        "spanNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off" if panel.bad_from is None else "dashed"},
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "table":
        return {"showHeader": True}
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}, "textMode": "auto"}
    return {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _places(widths: Sequence[int]) -> Iterator[dict[str, int]]:
    """Lay panels out from left to right, in rows of one height."""
    column = row = 0
    for width in widths:
        if column + width > COLUMNS:
            column, row = 0, row + HEIGHT
        yield {"x": column, "y": row, "w": width, "h": HEIGHT}
        column += width
