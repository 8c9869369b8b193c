"""Catalogue, rules, dashboards and runbooks name the same things, and the rules' own tests pass."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from deploy.monitoring.dashboards.generate import (
    BOARDS,
    HERE,
    RULES,
    alerts,
    place_of,
    runbook_sections,
)
from deploy.monitoring.dashboards.panels import Panel

from onoma.metrics import CATALOGUE, PREFIX
from tests.deploy import promql
from tests.deploy.chart import LEAST, of_kind, only, render, with_values

ALERTS = {rule["alert"]: rule for rule in alerts()}
RECORDS = {rule["record"]: rule["expr"] for rule in promql.rules() if "record" in rule}
PANELS = {(board.uid, panel.id): panel for board in BOARDS for panel in board.panels}
EXPRESSIONS = [rule["expr"] for rule in promql.rules()]
QUERIES = [query.expr for panel in PANELS.values() for query in panel.queries]
UNSHOWN: dict[str, str] = {}
"""Metrics that no dashboard shows, and why."""


def asked_by(*expressions: str) -> set[str]:
    """Return the names that expressions select, and those that the recorded ones of them do."""
    names = {each.name for expr in expressions for each in promql.selectors(expr)}
    recorded = [each for name in names & RECORDS.keys() for each in promql.selectors(RECORDS[name])]
    return names | {each.name for each in recorded}


def shown() -> set[str]:
    """Return the metrics on dashboards."""
    return {promql.metric_of(name) for name in asked_by(*QUERIES) if name.startswith(PREFIX)}


def test_every_series_that_is_asked_for_is_in_the_catalogue_recorded_or_foreign() -> None:
    asked = asked_by(*EXPRESSIONS, *QUERIES)

    ours = {name for name in asked if name.startswith("onoma_")}
    assert {promql.metric_of(name) for name in ours} <= {metric.name for metric in CATALOGUE}
    assert asked - ours <= RECORDS.keys() | promql.FOREIGN.keys()


def test_every_metric_is_on_a_dashboard_or_has_a_reason_not_to_be() -> None:
    everything = {metric.name for metric in CATALOGUE}

    assert shown() | UNSHOWN.keys() == everything
    assert not shown() & UNSHOWN.keys()


def test_every_recorded_series_is_used() -> None:
    used = {each.name for expr in EXPRESSIONS + QUERIES for each in promql.selectors(expr)}

    assert used >= RECORDS.keys()


def test_selectors_are_found_where_labels_and_strings_look_like_them() -> None:
    expr = 'sum by (onoma_x) (rate(onoma_a_total{le="onoma_b"}[5m])) / ALERTS{x="ALERTS"} > onoma:c'

    found = [str(each) for each in promql.selectors(expr)]
    assert found[1:] == ['onoma_a_total{le="onoma_b"}', 'ALERTS{x="ALERTS"}', "onoma:c"]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_leads_to_its_panel_and_runbook(
    rule: dict[str, Any],
) -> None:
    notes = rule["annotations"]
    panel = PANELS[place_of(notes["panel"])]
    runbooks, number = place_of(notes["runbook_url"])
    title = runbook_sections()[number - 1][0]

    assert rule["labels"]["severity"] in ("page", "ticket")
    assert "job" in notes["summary"] or "consumergroup" in notes["summary"]
    assert runbooks == "onoma-runbooks"
    assert rule["alert"] in title.split(" and ")
    pictured = asked_by(*(query.expr for query in panel.queries))
    assert {promql.metric_of(name) for name in pictured} & {
        promql.metric_of(name) for name in asked_by(rule["expr"])
    }


def test_every_runbook_is_of_an_alert_and_says_whether_it_pages() -> None:
    for title, text in runbook_sections():
        for name in title.split(" and "):
            severities = {r["labels"]["severity"] for r in alerts() if r["alert"] == name}
            assert severities, name
            assert any(word in text.split(".")[0].lower() for word in severities), name


@pytest.mark.parametrize("panel", PANELS.values(), ids=lambda panel: panel.title)
def test_a_panel_has_a_unit_and_says_what_it_shows(panel: Panel) -> None:
    assert panel.unit
    assert panel.description.endswith(".")
    assert panel.queries


def test_panels_are_told_apart_by_their_numbers() -> None:
    assert len(PANELS) == sum(len(board.panels) for board in BOARDS)


def test_a_panel_links_to_the_runbooks_of_its_alerts() -> None:
    for path in promql.DASHBOARDS:
        board = promql.of_file(path)
        for panel in board["panels"]:
            place = (board["uid"], panel["id"])
            expected = {
                rule["annotations"]["runbook_url"]
                for rule in alerts()
                if place_of(rule["annotations"]["panel"]) == place
            }
            assert {link["url"] for link in panel["links"]} == expected


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_rests_then_fires_then_ends_in_one_of_the_rules_tests(alert: str) -> None:
    played = [
        "".join("f" if f'"{alert}"' in str(each.get("exp_samples")) else "r" for each in looks)
        for looks in promql.looks_at_alerts()
    ]

    assert any(re.search("rf+r", each) for each in played)


@pytest.mark.deploy
def test_the_chart_brings_the_rules_and_the_dashboards() -> None:
    on = {"prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}}
    objects = render(with_values(LEAST, on))

    assert only(objects, "PrometheusRule")["spec"]["groups"] == promql.groups()
    brought = {
        name: json.loads(text)
        for each in of_kind(objects, "ConfigMap")
        if "dashboard" in each["metadata"]["name"]
        for name, text in each["data"].items()
    }
    files = (*promql.DASHBOARDS, HERE / "onoma-runbooks.json")
    assert brought == {path.name: promql.of_file(path) for path in files}


@pytest.mark.deploy
@pytest.mark.prometheus
@pytest.mark.parametrize("path", promql.RULE_TESTS, ids=lambda path: path.name)
def test_alerts_fire_rest_and_end_as_their_tests_say(path: Path) -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", path.name], cwd=path.parent, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.deploy
@pytest.mark.prometheus
def test_promtool_and_amtool_take_the_files() -> None:
    example = RULES.parent / "alertmanager.example.yaml"
    for command in (
        ["promtool", "check", "rules", *map(str, promql.RULE_FILES)],
        ["amtool", "check-config", str(example)],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
