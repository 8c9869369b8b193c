"""Every shape gives objects that strict schemas of three versions of Kubernetes take."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tests.deploy.chart import CHART, LEAST, Values, notes, of_kind, only, render, with_values
from tests.deploy.schemas import VERSIONS, problems
from tests.deploy.shapes import COMBINATIONS, shapes

pytestmark = pytest.mark.deploy
SHAPES = shapes()


def test_there_are_enough_shapes() -> None:
    assert len(COMBINATIONS) >= 20
    assert len(SHAPES) - len(COMBINATIONS) >= 10


@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES)
def test_every_object_is_valid_in_three_versions_of_kubernetes(values: Values) -> None:
    objects = render(values)

    assert len(objects) >= 3
    found = {
        f"{version} {each['kind']} {each['metadata']['name']}": wrong
        for version in VERSIONS
        for each in objects
        if (wrong := problems(each, version))
    }
    assert found == {}


def test_strict_schemas_find_a_field_that_there_is_not() -> None:
    workload = only(render(LEAST), "StatefulSet")
    workload["spec"]["template"]["spec"]["containers"][0]["imagePullPolicies"] = "Always"

    assert all(problems(workload, version) for version in VERSIONS)


def test_the_schema_of_a_custom_resource_finds_a_number_that_has_to_be_text() -> None:
    scaled = only(render(SHAPES["lag, mutual TLS"]), "ScaledObject")
    scaled["spec"]["triggers"][0]["metadata"]["lagThreshold"] = 10

    assert "lagThreshold" in str(problems(scaled, VERSIONS[0]))


@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES)
def test_names_are_unique_and_short_enough(values: Values) -> None:
    objects = render(values)
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]

    assert len(set(names)) == len(names)
    assert max(len(name) for _, name in names) <= 63


@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES)
def test_notes_say_what_to_do_next(values: Values) -> None:
    text = notes(values)

    for wanted in ("rollout status", "onoma check", "onoma publish", "Topics."):
        assert wanted in text


def test_notes_warn_of_an_open_network_and_of_unsigned_notices() -> None:
    assert "readable" in notes(LEAST)
    assert "publicKeys is empty" in notes(SHAPES["store without keys"])
    assert "readable" not in notes(SHAPES["sasl-ssl-values.yaml"])


def test_lint_has_nothing_to_say() -> None:
    import helm_python

    report = helm_python.lint(CHART, LEAST, strict=True)

    assert [each for each in report["messages"] if each["severity"] > 1] == []


def test_rules_and_dashboards_come_from_files_beside_the_templates(tmp_path: Path) -> None:
    chart = tmp_path / "onoma"
    shutil.copytree(CHART, chart, ignore=shutil.ignore_patterns("monitoring"))
    rules, dashboards = chart / "monitoring" / "rules", chart / "monitoring" / "dashboards"
    rules.mkdir(parents=True)
    dashboards.mkdir()
    rule = {"alert": "A", "expr": "up == 0", "annotations": {"summary": "{{ $labels.pod }}"}}
    (rules / "a.yaml").write_text(json.dumps({"groups": [{"name": "a", "rules": [rule]}]}))
    (dashboards / "duty_officer.json").write_text('{"title": "{{pod}} `x`"}')
    values = with_values(
        LEAST,
        {
            "prometheusRule": {"enabled": True, "groups": [{"name": "b", "rules": [rule]}]},
            "dashboards": {"enabled": True},
        },
    )

    objects = render(values, chart=chart)

    groups = only(objects, "PrometheusRule")["spec"]["groups"]
    assert groups == [{"name": "a", "rules": [rule]}, {"name": "b", "rules": [rule]}]
    (board,) = (o for o in of_kind(objects, "ConfigMap") if "dashboard" in o["metadata"]["name"])
    assert board["metadata"]["name"] == "live-onoma-dashboard-duty-officer"
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(board["data"]["duty_officer.json"]) == {"title": "{{pod}} `x`"}


def test_a_packaged_chart_renders_the_same_and_holds_no_values_of_tests(tmp_path: Path) -> None:
    import helm_python

    archive = Path(helm_python.package(CHART, destination=tmp_path))

    assert render(SHAPES["everything-values.yaml"], chart=archive) == render(
        SHAPES["everything-values.yaml"]
    )
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert "onoma/README.md" in names
    assert not [name for name in names if name.startswith("onoma/ci/")]
