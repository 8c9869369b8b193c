"""The generated files of the chart follow from the worker's settings and the chart's values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from deploy.helm import generate

import onoma
from onoma.settings import Settings


@pytest.mark.parametrize("path", generate.generated(), ids=lambda path: path.name)
def test_a_generated_file_is_what_its_sources_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.generated()[path], "run `make docs`"


def test_every_value_is_described() -> None:
    assert [each.name for each in generate.values() if not each.comment] == []


def test_every_default_is_a_value_that_the_schema_knows() -> None:
    properties = generate.values_schema()["properties"]
    chart = yaml.safe_load((generate.CHART / "values.yaml").read_text(encoding="utf-8"))

    assert set(chart) <= set(properties)
    for section, values in chart.items():
        inner = properties[section].get("properties")
        if isinstance(values, dict) and inner:
            assert set(values) <= set(inner), section


def test_defaults_of_the_chart_are_those_of_the_worker() -> None:
    chart = yaml.safe_load((generate.CHART / "values.yaml").read_text(encoding="utf-8"))
    worker = Settings.model_construct()

    for section, knobs in chart["settings"].items():
        for knob, value in knobs.items():
            assert value == getattr(getattr(worker, section), knob), f"{section}.{knob}"


def test_the_chart_installs_the_version_that_it_comes_with() -> None:
    chart = yaml.safe_load((generate.CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert chart["appVersion"] == onoma.__version__


def test_the_schema_has_every_section_of_the_settings_but_those_for_tests() -> None:
    schema = generate.settings_schema()["properties"]

    assert set(schema) == set(Settings.model_fields) - set(generate.NEVER_IN_A_CLUSTER)
    assert schema["model"]["properties"]["allow_ungated"]["const"] is False


def test_ten_lines_of_values_reach_a_cluster_with_sasl_and_an_authority_of_its_own() -> None:
    example = generate.CHART / "ci" / "sasl-ssl-values.yaml"
    (block,) = re.findall(r"```yaml\n(.*?)```", generate.readme(), re.DOTALL)

    assert block == example.read_text(encoding="utf-8")
    assert len(block.splitlines()) <= 10
