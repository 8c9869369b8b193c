# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "onnx", "safetensors")


from onoma.errors import WrongUseError
from onoma.evaluation.report import evaluate
from onoma.registry import bundle
from onoma.training.bundle import claim, write
from onoma.training.card import card
from onoma.training.corpora import Corpora
from onoma.training.sources import Licence
from tests.training.networks import RECIPE, trained_network
from tests.training.sentences import LABELS, corpus

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "new"
    claim(path)
    licences = {"own/xx": Licence("own", "xx", "written by us", "none")}
    corpora = Corpora((corpus(),), (corpus(),), licences)
    network, trained = trained_network()
    cost = {"seconds": 1, "steps": trained.steps, "units": trained.units}
    recipe = replace(RECIPE, name="wordhash-own", version="7")
    write(network, corpora, LABELS, recipe, cost, path, report=lambda line: None)
    return path


def test_the_exported_bundle_has_learned_a_handful_of_sentences(directory: Path) -> None:
    model = bundle.load(directory, allow_ungated=True)

    report = evaluate(model.recogniser.label, model.manifest.labels, [corpus()])

    assert report.macro_f1 == 1.0


def test_the_manifest_says_what_was_trained_and_scored(directory: Path) -> None:
    manifest = bundle.load(directory, allow_ungated=True).manifest

    assert (manifest.name, manifest.version) == ("wordhash-own", "7")
    assert manifest.languages.trained == ("xx",)
    assert manifest.training["corpora"]["own/xx"]["licence"] == "written by us"
    assert manifest.training["recipe"]["schedule"]["steps"] == RECIPE.schedule.steps
    assert manifest.scores["macro_f1"]["tokens"] == 1.0


def test_the_bundle_was_gated_against_the_network_in_full_precision(directory: Path) -> None:
    gate = bundle.load(directory).manifest.gate

    assert gate is not None
    checks = {check["name"]: check["passed"] for check in gate["checks"]}
    assert checks["batch invariance"]
    assert checks["int8 against full precision"]


def test_the_card_is_made_from_the_manifest(directory: Path) -> None:
    manifest = bundle.load(directory, allow_ungated=True).manifest

    assert (directory / "README.md").read_text(encoding="utf-8") == card(manifest)
    assert "written by us" in card(manifest)


def test_a_directory_that_holds_something_is_refused(directory: Path) -> None:
    with pytest.raises(WrongUseError, match="is not empty"):
        claim(directory)
