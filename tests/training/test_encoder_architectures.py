# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""Every architecture that is taken: fine-tuned, exported, imported, served through the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pytest

from tests.training.extra import need

need("torch", "transformers", "onnx", "onnxscript", "safetensors")

import onnxruntime
import torch

from onoma.contracts.entities import Entities
from onoma.contracts.policy import DEFAULT_POLICY, PinnedPolicy
from onoma.evaluation.spans import Counts, count, micro, spans_of
from onoma.pipeline import Annotated, SupportedLanguages, Versions, process
from onoma.registry import bundle
from onoma.registry.checks import frozen_words
from onoma.registry.invariance import check_invariance
from onoma.registry.manifest import Manifest
from onoma.registry.runtime import worker_version
from onoma.training.corpora import Corpora
from onoma.training.encoder import Checkpoint, open_checkpoint
from onoma.training.encoder_layers import Tuning
from onoma.training.finetuning import Tuned, finetune, subwords_of, write_finetuned
from onoma.training.importing import import_checkpoint
from tests.fakes import text_record
from tests.training.encoders import (
    LABELS,
    TOKENIZERS,
    learnable,
    text_of,
    tiny_recipe,
    write_encoder,
    write_tagger,
)

pytestmark = [pytest.mark.train, pytest.mark.slow]

RECIPE = tiny_recipe(300, depth_decay=0.95)
Label = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Case:
    """A fine-tuned encoder, its integer bundle, and the float bundle that importing it gives."""

    checkpoint: Checkpoint
    tuned: Tuned
    integer: Path
    floating: Path
    manifest: Manifest


@pytest.fixture(scope="module", params=sorted(TOKENIZERS))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    root = tmp_path_factory.mktemp(request.param)
    corpus = learnable()
    directory = write_encoder(root / "encoder", request.param)
    checkpoint = open_checkpoint(directory, prefix_space=True)
    tuned = finetune(checkpoint, [corpus], LABELS, RECIPE, Tuning(), progress=lambda line: None)
    manifest = write_finetuned(
        root / "integer",
        tuned,
        checkpoint=checkpoint,
        corpora=Corpora((corpus,), (), {}),
        labels=LABELS,
        recipe=RECIPE,
    )
    write_tagger(root / "tagger", tuned.tagger.model, checkpoint.tokenizer_json)
    import_checkpoint(root / "tagger", root / "floating", precision="fp32", languages=["en"])
    return Case(checkpoint, tuned, root / "integer", root / "floating", manifest)


def _f1(paths: Label) -> float:
    corpus = learnable()
    total = Counts()
    for line, path in zip(corpus.sentences, paths, strict=True):
        found = spans_of([LABELS[number] for number in path])
        total += micro(count(found, spans_of(line.tags), corpus.annotates))
    return total.f1


def _versions(directory: Path) -> Versions:
    model = bundle.load(directory, allow_ungated=True)
    return Versions(
        recogniser=model.recogniser,
        model=model.version,
        languages=SupportedLanguages(frozenset(model.manifest.languages.trained), frozenset()),
        policy=PinnedPolicy(DEFAULT_POLICY),
        worker=worker_version(),
        cluster="test",
    )


def _event(text: str, by: Versions) -> Entities:
    outcome = process(text_record(text), by)
    assert isinstance(outcome, Annotated)
    return outcome.event


@pytest.mark.parametrize("form", ["integer", "floating"])
def test_32_sentences_are_learnt_by_heart_and_survive_the_export(case: Case, form: str) -> None:
    model = bundle.load(getattr(case, form), allow_ungated=True)

    paths = model.recogniser.label([line.tokens for line in learnable().sentences])

    assert _f1(paths) > 0.95


def test_the_float_graph_gives_the_scores_of_the_network_at_any_length(case: Case) -> None:
    session = onnxruntime.InferenceSession((case.floating / "model.onnx").read_bytes())
    subwords = subwords_of(case.checkpoint)
    words = [token for line in learnable().sentences for token in line.tokens]
    worst = 0.0
    for length in (1, 2, 3, 5, 17, 40, 64):
        pieces = subwords.pieces(Random(length).choices(words, k=length))
        for window in subwords.windows(pieces):
            tokens = subwords.rows(pieces, window).tokens[None]
            with torch.no_grad():
                wanted = case.tuned.tagger(torch.from_numpy(tokens)).numpy()
            scores = session.run(["emissions"], {"tokens": tokens})[0]
            worst = max(worst, float(np.abs(scores - wanted).max()))

    assert worst <= 1e-4


def test_a_learnt_sentence_gives_an_event_with_exact_offsets(case: Case) -> None:
    by = _versions(case.integer)
    text = "\r\n" + text_of(learnable().sentences[1]) + " 👩🏽‍⚕️\u0301 "

    event = _event(text, by)

    found = {(entity.text, entity.label) for entity in event.entities}
    assert {("Addis Ababa", "LOC"), ("Bank of Uganda", "ORG")} & found
    assert all(text[entity.start : entity.end] == entity.text for entity in event.entities)
    assert event.coverage.characters_read == len(text)
    assert (event.coverage.ratio, event.coverage.truncated) == (1.0, False)


def test_a_long_document_is_read_to_its_end_in_overlapping_windows(case: Case) -> None:
    text = "\n".join(text_of(line) for line in learnable().sentences * 12)

    event = _event(text, _versions(case.integer))

    assert event.coverage.windows > 10
    assert event.coverage.characters_read == len(text)
    assert all(text[entity.start : entity.end] == entity.text for entity in event.entities)
    assert max(entity.end for entity in event.entities) > len(text) - 200


def test_bits_depend_on_no_neighbour_in_a_call(case: Case) -> None:
    one, again = (bundle.load(case.integer, allow_ungated=True).recogniser for _ in range(2))

    check = check_invariance(one, again, frozen_words())

    assert check.passed, check.measured


def test_the_manifest_says_what_the_model_is_and_comes_from(case: Case) -> None:
    manifest = case.manifest

    assert manifest.kind == "token-classification"
    assert manifest.labels == LABELS
    assert manifest.subwords == case.checkpoint.subwords
    assert manifest.training["architecture"] == case.checkpoint.architecture
    assert "model.safetensors" in manifest.training["origin"]
    assert set(manifest.files) == {"model.onnx", "tokenizer.json", "README.md"}
    integer, floating = (
        (directory / "model.onnx").stat().st_size for directory in (case.integer, case.floating)
    )
    assert integer < 0.75 * floating
