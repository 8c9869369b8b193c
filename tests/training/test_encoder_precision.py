# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""What integers cost a transformer that has learnt something, and not all of it.

Weights of chance, or sentences known by heart, leave margins that no rounding crosses. Here names
are new, and where they stand tells their type only most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.training.extra import need

need("torch", "transformers", "onnx", "onnxscript", "safetensors")

import numpy as np
import onnx
from onnx import numpy_helper

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.intervals import tally_of
from onoma.evaluation.judging import judge
from onoma.registry import bundle
from onoma.registry.checks import check_precision
from onoma.training.corpora import Corpora
from onoma.training.encoder import open_checkpoint
from onoma.training.encoder_layers import Tuning
from onoma.training.finetuning import finetune, recogniser_of, subwords_of, write_finetuned
from tests.training.encoders import LABELS, tiny_recipe, write_encoder
from tests.training.sentences import sentence

pytestmark = [pytest.mark.train, pytest.mark.slow]

SYLLABLES = ("ba", "ke", "mo", "ri", "lu", "sa", "to", "wen", "yi", "dar", "fe", "gu")
ENDINGS = {"PER": ("na", "bi"), "LOC": ("stad", "polis"), "ORG": ("bank", "tel")}
FORMS = (
    "{PER} left {LOC} for the office of {ORG} .",
    "In {LOC} , {ORG} pays its staff late .",
    "Shugaban {ORG} ya gana da {PER} a {LOC} .",
    "{PER} and {ANY} met .",
    "Nothing of note was said of {ANY} there .",
)
RECIPE = tiny_recipe(400)


def _sentences(chance: Random, number: int) -> Iterator[Sentence]:
    """Yield sentences of invented names; one in six has the ending of another type."""
    for _ in range(number):
        form = chance.choice(FORMS)
        drawn = {kind: _name(chance, kind) for kind in ENDINGS}
        yield sentence(form.format(**drawn, ANY=drawn[chance.choice(sorted(ENDINGS))]))


def _name(chance: Random, kind: str) -> str:
    looks = kind if chance.random() < 5 / 6 else chance.choice(sorted(ENDINGS))
    words = ["".join(chance.choices(SYLLABLES, k=2)).title() for _ in range(chance.choice((1, 2)))]
    words[-1] += chance.choice(ENDINGS[looks])
    return " ".join(f"{word}/{'I' if i else 'B'}-{kind}" for i, word in enumerate(words))


def _corpus(seed: int, number: int) -> Corpus:
    annotates = frozenset(ENDINGS)
    return Corpus("own/xx", "en", annotates, tuple(_sentences(Random(seed), number)))


def test_integers_cost_a_trained_encoder_less_than_a_point_on_names_it_never_saw(
    tmp_path: Path,
) -> None:
    train, dev = _corpus(0, 600), _corpus(1, 2_000)
    checkpoint = open_checkpoint(write_encoder(tmp_path / "tiny", "bert"))
    tuned = finetune(checkpoint, [train], LABELS, RECIPE, Tuning(), progress=lambda line: None)
    write_finetuned(
        tmp_path / "bundle",
        tuned,
        checkpoint=checkpoint,
        corpora=Corpora((train,), (), {}),
        labels=LABELS,
        recipe=RECIPE,
        precision="int8",
    )
    graph = onnx.load(tmp_path / "bundle" / "model.onnx").graph
    weights = [t for t in graph.initializer if t.data_type == onnx.TensorProto.INT8]
    exact = recogniser_of(tuned.tagger, subwords_of(checkpoint), LABELS)
    served = bundle.load(tmp_path / "bundle", allow_ungated=True).recogniser

    in_integers, in_full = judge(served, [dev]), judge(exact, [dev])

    (f1,) = (tally_of(one).total().f1 for one in in_full)
    (of_integers,) = (tally_of(one).total().f1 for one in in_integers)
    assert 0.5 < f1 < 0.95
    assert f1 - of_integers <= 0.01
    assert check_precision(in_integers, in_full, {dev.name}).passed
    # Else a processor without VNNI overflows, and answers otherwise than one that has it.
    assert all(np.abs(numpy_helper.to_array(t).astype(int)).max() <= 64 for t in weights)
