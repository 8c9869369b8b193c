# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "safetensors")


import torch

from onoma.errors import WrongUseError
from onoma.ner.features import FeatureTable
from onoma.training.loop import train
from onoma.training.pretraining import (
    TARGETS,
    Lines,
    WordGuesser,
    hidden_words,
    hide,
    read_text,
    targets_of,
)
from onoma.training.progress import Line
from onoma.training.recipes import Pretraining, Schedule
from tests.training.networks import small_network
from tests.training.sentences import corpus

pytestmark = pytest.mark.train

TEXT = ("the cat sat on the mat", "the dog sat on the log", "a bird sat on a branch")
SETTINGS = Pretraining(schedule=Schedule(steps=60, learning_rate=5e-3), batch=4)


def _text() -> tuple[Lines, ...]:
    return (Lines("en", TEXT, 1.0),)


def test_guessing_gets_better() -> None:
    losses: list[float] = []
    guesser = WordGuesser(small_network())
    source = hidden_words(guesser, _text(), SETTINGS, seed=0)

    def note(line: Line) -> None:
        losses.append(line.loss)

    train(guesser, guesser.groups(), [source], SETTINGS.schedule, seed=0, progress=note)

    assert sum(losses[-10:]) / 10 < 0.7 * losses[0]


def test_the_label_head_is_not_touched() -> None:
    network = small_network()
    before = {n: p.detach().clone() for n, p in network.head.named_parameters()}
    guesser = WordGuesser(network)
    source = hidden_words(guesser, _text(), SETTINGS, seed=0)

    schedule = replace(SETTINGS.schedule, steps=12)
    train(guesser, guesser.groups(), [source], schedule, seed=0, progress=lambda line: None)

    assert all(torch.equal(before[n], p) for n, p in network.head.named_parameters())


def test_a_hidden_word_does_not_show_in_the_vectors() -> None:
    guesser = WordGuesser(small_network()).eval()
    vectors = []
    for word in ("cat", "Kano"):
        batch = hide([["the", word, "sat"]], 0.0, FeatureTable())
        rows = torch.tensor([False, True, False])
        vectors.append(guesser.network.hidden(batch, (rows, guesser.stand_in)))

    assert torch.equal(vectors[0], vectors[1])


def test_about_the_share_is_hidden_never_the_row_between_and_never_nothing() -> None:
    torch.manual_seed(0)
    many = hide([["word"] * 50] * 40, 0.18, FeatureTable())
    none = hide([["a", "b"], ["c"]], 0.0, FeatureTable())

    assert 0.15 < many.concealed.float().mean().item() < 0.21
    assert not (many.concealed & (many.mask[:, 0] == 0)).any()
    assert none.concealed.tolist() == [True, False, False, False]
    assert none.targets.tolist() == [list(targets_of("a"))]


def test_targets_lie_in_their_classes_whatever_the_case() -> None:
    assert targets_of("Kano") == targets_of("kano")
    assert all(0 <= t < size for t, size in zip(targets_of("Kano"), TARGETS, strict=True))


def _data(directory: Path) -> Path:
    folder = directory / "text" / "open"
    folder.mkdir(parents=True)
    for name in ("hau", "cym"):
        (folder / f"{name}.txt.gz").write_bytes(gzip.compress(b"one line\nanother\n"))
    return directory


def test_text_without_labelled_sentences_in_its_language_weighs_less(tmp_path: Path) -> None:
    hausa = replace(corpus("own/hau"), language="ha")

    cym, hau, labelled = read_text(_data(tmp_path), [hausa], SETTINGS)

    assert hau.lines == ("one line", "another")
    assert cym.weight == pytest.approx(hau.weight * SETTINGS.other_languages)
    assert labelled.lines[0] == "Amina Bello ta isa Kano ."


def test_without_text_the_labelled_sentences_are_read(tmp_path: Path) -> None:
    (labelled,) = read_text(tmp_path, [corpus()], SETTINGS)
    assert labelled.lines[0] == "Amina Bello ta isa Kano ."

    with pytest.raises(WrongUseError, match=r"found no text/open/\*.txt.gz; wanted text"):
        read_text(tmp_path, [corpus()], replace(SETTINGS, labelled=False))
