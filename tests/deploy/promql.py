"""Finds in expressions what they select: enough of PromQL for those of rules and dashboards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from deploy.monitoring.dashboards.generate import BOARDS, HERE, RULES

from onoma.metrics import CATALOGUE, PREFIX

RULE_FILES = tuple(sorted(RULES.glob("*.yaml")))
RULE_TESTS = tuple(sorted((RULES / "tests").glob("*.yaml")))
DASHBOARDS = tuple(HERE / f"{board.uid}.json" for board in BOARDS)
FOREIGN = {
    "kafka_consumergroup_lag": "an exporter of Kafka",
    "kafka_consumergroup_current_offset": "an exporter of Kafka",
    "ALERTS": "Prometheus itself",
}
"""Series that no worker serves, and who does."""

_SELECTOR = re.compile(
    r"(?<![a-zA-Z_:\"])((?:onoma_|onoma:|kafka_)[a-zA-Z0-9_:]*|ALERTS)(\{[^}]*\})?"
)


@dataclass(frozen=True, slots=True)
class Selector:
    """A series that an expression asks for: its name, and its labels as they stand there."""

    name: str
    labels: str

    def __str__(self) -> str:
        return self.name + self.labels


def selectors(expr: str) -> list[Selector]:
    """Return what an expression selects, in its order."""
    return [Selector(name, labels or "") for name, labels in _SELECTOR.findall(expr)]


def metric_of(series: str) -> str:
    """Return the metric's name in the catalogue, without prefix; that of a series of somebody else
    is its own. Raises LookupError for one of ours that is of no metric.
    """
    if not series.startswith(PREFIX):
        return series
    name = series.removeprefix(PREFIX)
    known = {metric.name for metric in CATALOGUE}
    for found in (name, *(name.removesuffix(end) for end in ("_bucket", "_count", "_sum"))):
        if found in known:
            return found
    raise LookupError(f"found the series {series}, which is of no metric of the catalogue")


def groups() -> list[dict[str, Any]]:
    """Return the groups of all rules."""
    return [group for path in RULE_FILES for group in of_file(path)["groups"]]


def rules() -> list[dict[str, Any]]:
    """Return all rules."""
    return [rule for group in groups() for rule in group["rules"]]


def looks_at_alerts() -> list[list[dict[str, Any]]]:
    """Return the looks at ALERTS of each test of the rules, in the order of their times."""
    tests = [test for path in RULE_TESTS for test in of_file(path)["tests"]]
    looks = [
        [each for each in test["promql_expr_test"] if "ALERTS" in each["expr"]] for test in tests
    ]
    return [sorted(each, key=lambda look: int(look["eval_time"].rstrip("mh"))) for each in looks]


def of_file(path: Path) -> dict[str, Any]:
    """Return what a file of YAML, or JSON, says."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found
