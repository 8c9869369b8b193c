"""The gate: what passes it is served, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onoma.errors import BundleError
from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.judging import JudgedSet, judge
from onoma.registry import checks
from onoma.registry.bundle import default_directory, load
from onoma.registry.checks import (
    check_precision,
    check_regression,
    frozen_sentences,
    marked,
)
from onoma.registry.gate import Evidence, gate
from tests.tiny_bundle import Change, tiny_bundle
from tests.tiny_onnx import DYNAMIC_RANGE, HIDDEN_RANGE, wordhash_graph

DATE = "2026-01-31"


@pytest.fixture
def gated(tmp_path: Path) -> Path:
    """Give a gated tiny bundle, in no language of the regression set."""
    directory = tiny_bundle(tmp_path / "bundle", change=_in("gd"))
    gate(directory, Evidence(), date=DATE)
    return directory


def _in(*languages: str) -> Change:
    return lambda manifest: manifest.update(languages={"trained": list(languages)})


def _change(directory: Path, change: Change) -> None:
    path = directory / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_a_bundle_that_passed_is_loaded_and_named_with_its_gate(gated: Path) -> None:
    record = json.loads((gated / "manifest.json").read_text())["gate"]
    model = load(gated)

    assert model.version.gate == record["sha256"]
    assert record["date"] == DATE
    assert record["files"] == model.manifest.files
    assert {check["name"]: check["passed"] for check in record["checks"]} == {
        "regression": None,
        "batch invariance": True,
        "calibration": None,
        "int8 against full precision": None,
    }


def test_a_bundle_without_a_record_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"passed no gate; run `onoma model gate .*`, or set mo"):
        load(tiny_bundle(tmp_path))


def test_an_ungated_bundle_is_loaded_where_that_is_allowed_and_named_so(tmp_path: Path) -> None:
    assert load(tiny_bundle(tmp_path), allow_ungated=True).version.gate == "none"


@pytest.mark.parametrize("gate_value", [{}, {"sha256": "d" * 64}, {"passed": True}])
def test_a_record_that_is_none_is_refused(gated: Path, gate_value: object) -> None:
    _change(gated, lambda manifest: manifest.update(gate=gate_value))

    with pytest.raises(BundleError, match="the gate record is none"):
        load(gated)


def test_a_record_copied_from_another_bundle_is_refused(gated: Path, tmp_path: Path) -> None:
    record = json.loads((gated / "manifest.json").read_text())["gate"]
    other = tiny_bundle(tmp_path / "other", change=_in("gd"))
    _change(other, lambda manifest: manifest.update(gate=record, name="other"))

    with pytest.raises(BundleError, match="the gate record is of tiny 3, the bundle is other 3"):
        load(other)
    assert load(other, allow_ungated=True).version.gate == "none"


def test_a_record_beside_another_graph_is_refused(gated: Path, tmp_path: Path) -> None:
    record = json.loads((gated / "manifest.json").read_text())["gate"]
    other = tiny_bundle(tmp_path / "other", graph=wordhash_graph(3, seed=8), change=_in("gd"))
    _change(other, lambda manifest: manifest.update(gate=record))

    with pytest.raises(BundleError, match=r"the gate judged another model\.onnx: its sha256 was"):
        load(other)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 1.0},
        {"labels": ["O", "B-LOC", "I-LOC"]},
        {"decoder": {"start": [0.0] * 3, "transitions": [[1.0] * 3] * 3}},
        {"scores": {"dev": 0.99}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_manifest_changed_after_the_gate_is_refused(gated: Path, change: dict[str, Any]) -> None:
    _change(gated, lambda manifest: manifest.update(change))

    with pytest.raises(BundleError, match="the manifest was changed after the gate judged it"):
        load(gated)


def test_an_altered_record_is_refused(gated: Path) -> None:
    _change(gated, lambda manifest: manifest["gate"].update(date="2030-01-01"))

    with pytest.raises(BundleError, match="the gate record was altered"):
        load(gated)


def test_a_bundle_that_fails_keeps_its_manifest(tmp_path: Path) -> None:
    directory = tiny_bundle(tmp_path / "bundle", change=_in("ha", "en"))
    before = (directory / "manifest.json").read_bytes()

    result = gate(directory, Evidence(), date=DATE)

    assert [check.name for check in result if check.passed is False] == ["regression"]
    assert (directory / "manifest.json").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["bundle"]


def test_gating_twice_gives_the_same_manifest(gated: Path) -> None:
    before = (gated / "manifest.json").read_bytes()
    gate(gated, Evidence(), date=DATE)

    assert (gated / "manifest.json").read_bytes() == before


def test_the_shipped_model_passes_the_regression_set() -> None:
    model = load(default_directory())

    assert check_regression(model.manifest, model.recogniser).passed


def test_a_graph_with_a_hidden_range_over_the_call_is_not_gated_and_not_served(
    tmp_path: Path,
) -> None:
    graph = wordhash_graph(3, ending=HIDDEN_RANGE)
    directory = tiny_bundle(tmp_path / "bundle", graph=graph, change=_in("gd"))

    (check,) = (check for check in gate(directory, Evidence(), date=DATE) if check.passed is False)

    assert check.name == "batch invariance"
    assert "beside longest words" in check.measured["where"]
    with pytest.raises(BundleError, match=r"passed no gate; run `onoma model gate"):
        load(directory)


def test_a_graph_whose_operator_takes_its_range_over_the_call_is_neither_gated_nor_served(
    tmp_path: Path,
) -> None:
    graph = wordhash_graph(3, ending=DYNAMIC_RANGE)
    directory = tiny_bundle(tmp_path / "bundle", graph=graph, change=_in("gd"))
    message = r"model\.onnx: found the operator DynamicQuantizeLinear, .*; wanted fixed ranges: exp"

    with pytest.raises(BundleError, match=message):
        gate(directory, Evidence(), date=DATE)
    with pytest.raises(BundleError, match=message):
        load(directory, allow_ungated=True)


def test_every_name_of_the_regression_set_can_be_found_on_our_own_units() -> None:
    from onoma.text.segmentation import segment

    for sentence in frozen_sentences():
        units = segment(sentence.text)
        for span in sentence.spans:
            assert span.start in units.starts
            assert span.end in units.ends


def test_names_are_marked_by_brackets() -> None:
    sentence = marked("en", "[PER Ada] met [PER Obi Eze].")

    assert sentence.text == "Ada met Obi Eze."
    assert [sentence.text[s.start : s.end] for s in sentence.spans] == ["Ada", "Obi Eze"]


@pytest.fixture(scope="module")
def read_set() -> JudgedSet:
    sentences = tuple(
        Sentence(("Amina", "Sule", "ta", "isa", "Kano"), ("B-PER", "I-PER", "O", "O", "B-LOC"))
        for _ in range(100)
    )
    corpus = Corpus("own/hau", "ha", frozenset({"PER", "LOC"}), sentences)
    (judged,) = judge(load(default_directory()).recogniser, [corpus])
    return judged


def _losing(judged: JudgedSet, texts: int) -> JudgedSet:
    """Return `judged` without the mentions of its first texts."""
    return replace(judged, found=((),) * texts + judged.found[texts:])


@pytest.mark.parametrize(("lost", "passed"), [(0, True), (1, False), (3, False)])
def test_a_loss_against_full_precision_is_held_to_its_limits(
    read_set: JudgedSet, lost: int, passed: bool
) -> None:
    check = check_precision([_losing(read_set, lost)], [read_set], {"own/hau"})

    assert check.passed is passed


def test_a_small_set_may_lose_two_entities_beside_others(
    read_set: JudgedSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LARGEST_MACRO_LOSS", 1.0)

    (one, four) = (
        check_precision([_losing(read_set, texts)], [read_set], {"own/hau"}) for texts in (1, 4)
    )

    assert one.passed
    assert not four.passed
    assert "ha" in four.measured["beyond"]
