"""Figures are judged by their goals, and the page says what the results say."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchmarks.emulated import compared
from benchmarks.page import ORDER, bars, page
from benchmarks.results import BASELINE, Figure, percentile


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("speed", 0.9, 0.8), True),
        (Figure("speed", 0.7, 0.8), False),
        (Figure("memory", 200, 300, "at most"), True),
        (Figure("memory", 301, 300, "at most"), False),
        (Figure("speed", 0.7), None),
    ],
)
def test_a_figure_meets_its_goal_from_the_right_side(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_a_percentile_is_a_value_that_was_found() -> None:
    values = [float(n) for n in range(100)]

    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 99.0]


def event(*entities: tuple[int, int, str, float]) -> bytes:
    names = ("start", "end", "label", "score")
    return json.dumps(
        {"entities": [dict(zip(names, each, strict=True)) for each in entities]}
    ).encode()


def test_two_processors_are_compared_by_spans_scores_and_bytes() -> None:
    here = [event((0, 4, "PER", 0.9), (9, 12, "LOC", 0.5)), event()]
    there = [event((0, 4, "PER", 0.899), (9, 12, "ORG", 0.5)), event()]

    figures, details = compared("S", here, there)

    assert [figure.value for figure in figures] == [0.33333, 0.001, 0.5]
    assert all(figure.name.startswith("S: ") for figure in figures)
    assert details["spans"] == 3


def test_the_page_tells_each_figure_its_goal_and_what_was_not_run() -> None:
    machine = {"cores": 2, "processor": "CPU", "runtime": "onnxruntime"}
    told = page(
        {
            "worker": {
                "question": "How fast?",
                "machine": machine,
                "figures": [
                    {"name": "a", "value": 0.5, "unit": "", "goal": "at least 0.8", "met": False}
                ],
                "details": {"S": {"not_run": {"a peer": "it has no wheel"}}},
            }
        }
    )

    assert "| a | 0.5 | at least 0.8 | **missed** |" in told
    assert "| a peer: not run, it has no wheel | | | |" in told
    assert "2 cores of CPU, onnxruntime: worker." in told


def test_every_kept_result_that_has_figures_stands_on_the_page() -> None:
    kept = {path.stem: json.loads(path.read_bytes()) for path in BASELINE.glob("*.json")}

    assert {name for name, result in kept.items() if "figures" in result} <= set(ORDER)


def test_bars_are_an_svg_that_can_be_read_whatever_the_names() -> None:
    drawn = ElementTree.fromstring(bars("Speed <&>", {"Onoma": 2.0, "a & b": 1.0}))

    widths = [bar.get("width") for bar in drawn.iterfind("{*}rect")][1:]
    assert widths == ["340.0", "170.0"]
