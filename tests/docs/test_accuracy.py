"""The page of accuracy and the model card say what the shipped model's manifest says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onoma.registry import bundle
from onoma.registry.manifest import Manifest
from onoma.training.card import accuracy_page, card

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return bundle.verify(bundle.default_directory())[0]


def test_the_page_is_made_from_the_manifest(manifest: Manifest) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (note,) = re.findall(r"^<!-- .* -->$", page, re.MULTILINE)

    assert page == accuracy_page(manifest, note), "run `make docs`"


def test_the_card_is_made_from_the_manifest(manifest: Manifest) -> None:
    text = (bundle.default_directory() / "README.md").read_text(encoding="utf-8")

    assert text == card(manifest), "run `onoma model gate --score --data ...`"


def test_every_score_has_an_interval_and_every_corpus_its_licence(manifest: Manifest) -> None:
    scores = manifest.scores

    assert scores["macro_intervals"].keys() == scores["macro_f1"].keys()
    for row in (*scores["sets"].values(), *scores["beside"].values()):
        for form in ("tokens", "raw"):
            low, high = row[f"{form}_interval"]
            assert low <= row[form] <= high
    assert all(row["licence"] for row in manifest.training["corpora"].values())
    assert scores["calibration"]["ece"] <= 0.04


def test_the_shipped_model_is_gated(manifest: Manifest) -> None:
    assert bundle.load(bundle.default_directory()).gate != "none"
    assert manifest.gate is not None
