# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "onnx")


import torch

from onoma.evaluation.report import evaluate
from onoma.registry import bundle
from onoma.training.bundle import Corpora, claim, write
from onoma.training.card import card
from onoma.training.examples import Variation
from onoma.training.loop import Recipe, Trained, learning_rate, train
from onoma.training.sources import Licence
from tests.training.sentences import LABELS, corpus

pytestmark = pytest.mark.train

RECIPE = Recipe(
    steps=120,
    batch=8,
    average_from=0.9,
    average_decay=0.5,
    variation=Variation(resegmented=0.3, noise=0, replacement=0),
)


def _train(recipe: Recipe = RECIPE) -> Trained:
    return train([corpus()], LABELS, recipe, report=lambda line: None)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return _train()


@pytest.fixture(scope="module")
def directory(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "new"
    claim(path)
    licences = {"own/xx": Licence("own", "xx", "written by us", "none")}
    corpora = Corpora((corpus(),), (corpus(),), licences)
    write(trained, corpora, LABELS, RECIPE, path, report=lambda line: None)
    return path


def test_the_exported_bundle_has_learned_a_handful_of_sentences(directory: Path) -> None:
    model = bundle.load(directory)

    report = evaluate(model.recogniser.label, model.manifest.labels, [corpus()])

    assert report.macro_f1 == 1.0


def test_the_manifest_says_what_was_trained_and_scored(directory: Path) -> None:
    manifest = bundle.load(directory).manifest

    assert manifest.languages.trained == ("xx",)
    assert manifest.training["corpora"]["own/xx"]["licence"] == "written by us"
    assert manifest.scores["macro_f1"] == {"tokens": 1.0, "raw": 1.0}
    assert manifest.gate is None


def test_the_card_is_made_from_the_manifest(directory: Path) -> None:
    manifest = bundle.load(directory).manifest

    assert (directory / "README.md").read_text(encoding="utf-8") == card(manifest)
    assert "written by us" in card(manifest)


def test_a_directory_that_holds_something_is_refused(directory: Path) -> None:
    with pytest.raises(Exception, match="is not empty"):
        claim(directory)


def test_a_budget_in_steps_gives_the_same_weights_again() -> None:
    short = replace(RECIPE, steps=12)

    first, second = (_train(short).network.state_dict() for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights() -> None:
    first, second = (_train(replace(RECIPE, steps=10, seed=seed)) for seed in (0, 1))

    assert not torch.equal(first.network.out.weight, second.network.out.weight)


def test_a_budget_in_seconds_ends() -> None:
    assert _train(replace(RECIPE, steps=None, seconds=0.5)).seconds < 5


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(share / 100, RECIPE) for share in range(101)]

    assert rates[0] < rates[2] < rates[4]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(RECIPE.last_learning_rate)
