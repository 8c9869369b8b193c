"""What is committed holds on a real Prometheus that watched real workers through real faults.

Panels and rules ask for what is there; faults reach the webhook; labels stay within their budget.
`PANELS_REPORT=FILE` keeps what every panel showed, for tests/deploy/pictures.py.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy.monitoring.dashboards import screening
from deploy.monitoring.dashboards.generate import alerts

from tests.deploy import promql
from tests.deploy.monitors import scaled, shorter
from tests.deploy.watched import BEYOND_BOUNDS, JOB, Watched, watched

pytestmark = [pytest.mark.deploy, pytest.mark.prometheus, pytest.mark.kafka, pytest.mark.slow]
REPORT = os.environ.get("PANELS_REPORT")
MOST_SERIES = 2500
"""Of one worker, with every language of the shipped model and a list."""
VARIABLES = {
    "$__rate_interval": "5s",
    "$job": ".*",
    "$instance": ".*",
    "$language": ".*",
    "$gazetteer": ".*",
}
TARGETS = [
    pytest.param(panel, target, id=f"{board['uid']}-{panel['id']}-{target['refId']}")
    for board in map(promql.of_file, promql.DASHBOARDS)
    for panel in board["panels"]
    for target in panel["targets"]
]
RULES = [
    rule
    for path in promql.RULE_FILES
    for group in scaled(promql.of_file(path))["groups"]
    for rule in group["rules"]
]
FAULTS = {
    "OnomaNothingConsumed": "stuck",
    "OnomaDeadLetterRatio": JOB,
    "OnomaListGone": JOB,
    "OnomaCanaryListMissed": "canary",
    "OnomaBrokerAway": None,
}
"""Alerts that the faults bring about, and of which job; the broker is everybody's."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("watched")) as run:
        yield run


def substituted(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def values_of(run: Watched, expr: str) -> list[dict[str, Any]]:
    """Return the series that have a number at some time of the run."""
    found = run.prometheus.query(expr, run.started, run.ended)
    return [
        each for each in found if any(math.isfinite(float(value)) for _, value in each["values"])
    ]


def test_times_are_shortened_and_numbers_are_not() -> None:
    rule = {"alert": "A", "expr": "rate(x[5m]) > 0.05 and y > 600", "for": "2m"}

    (group,) = scaled({"groups": [{"name": "g", "rules": [rule]}]})["groups"]
    assert group["rules"] == [
        {"alert": "A", "expr": "rate(x[5000ms]) > 0.05 and y > 600", "for": "2000ms"}
    ]
    assert shorter("1d") == "1440000ms"


@pytest.mark.parametrize(("panel", "target"), TARGETS)
def test_a_panel_shows_something_and_calls_it_by_labels_that_there_are(
    run: Watched, panel: dict[str, Any], target: dict[str, Any]
) -> None:
    found = values_of(run, substituted(target["expr"]))

    assert found
    wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    assert wanted <= {label for each in found for label in each["metric"]}
    assert panel["fieldConfig"]["defaults"]["unit"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_is_there(run: Watched, rule: dict[str, Any]) -> None:
    run.prometheus.query(rule["expr"], run.started, run.ended)

    for selector in promql.selectors(rule["expr"]):
        assert values_of(run, str(selector)), selector
    if "record" in rule:
        assert values_of(run, rule["record"])


@pytest.mark.parametrize("alert", FAULTS)
def test_a_fault_reaches_the_webhook_of_whom_it_concerns(run: Watched, alert: str) -> None:
    (rule,) = (each for each in alerts() if each["alert"] == alert)

    for heard in run.webhook.heard(alert):
        assert heard["labels"]["severity"] == rule["labels"]["severity"]
        assert heard["annotations"]["runbook_url"] == rule["annotations"]["runbook_url"]
        assert "{{" not in "".join(heard["annotations"].values())
    jobs = {each["labels"]["job"] for each in run.webhook.heard(alert)}
    assert FAULTS[alert] in jobs or FAULTS[alert] is None
    receivers = {
        message["receiver"]
        for message in run.webhook.posted
        for each in message["alerts"]
        if each["labels"]["alertname"] == alert
    }
    assert receivers == {"duty-officer"}


@pytest.mark.parametrize("alert", BEYOND_BOUNDS)
def test_what_was_not_looked_at_is_a_ticket(run: Watched, alert: str) -> None:
    (heard, *_) = run.webhook.heard(alert)

    assert heard["labels"]["severity"] == "ticket"
    assert heard["annotations"]["summary"].startswith(f"{JOB}: ")


def test_the_stage_that_hangs_grows_where_the_runbook_has_it_looked_at(run: Watched) -> None:
    (call,) = values_of(run, 'onoma_stage_running_seconds{job="stuck", stage="call"}')
    first, last = (float(call["values"][place][1]) for place in (0, -1))

    assert last > first + 5


def test_a_list_that_is_gone_has_no_age(run: Watched) -> None:
    (panel,) = (
        each for each in screening.BOARD.panels if each.title.startswith("Age of the lists")
    )
    (age,) = values_of(run, substituted(panel.queries[0].expr))
    (gone,) = values_of(run, "onoma_gazetteer_entries == 0")

    assert age["values"][-1][0] < gone["values"][0][0]


def test_an_alert_whose_cause_has_ended_is_taken_back(run: Watched) -> None:
    assert run.webhook.heard("OnomaDeadLetterRatio", "resolved")


def test_a_list_that_is_swapped_shows_with_both_versions(run: Watched) -> None:
    served = values_of(run, "onoma_gazetteer_info")

    assert {each["metric"]["version"] for each in served} == {"1", "2"}


def test_languages_and_tenants_make_no_series(run: Watched) -> None:
    # Partitions come with the first documents.
    new = {name for name, labels in run.after - run.before}

    assert new <= {"onoma_consumer_lag_records", "onoma_consumer_next_offset"}
    assert len(run.after) <= MOST_SERIES
    assert "tenant" not in {label for _, labels in run.after for label, _ in labels}


def test_pictures_can_be_drawn_of_it(run: Watched) -> None:
    """Keep what panels showed, where that is asked for."""
    kept = [
        {
            "board": board["uid"],
            "panel": panel["title"],
            "legend": target["legendFormat"],
            "unit": panel["fieldConfig"]["defaults"]["unit"],
            "series": values_of(run, substituted(target["expr"])),
        }
        for board in map(promql.of_file, promql.DASHBOARDS)
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    if REPORT is not None:
        Path(REPORT).write_text(json.dumps(kept), "utf-8")

    assert all(each["series"] for each in kept)
