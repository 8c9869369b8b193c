"""A whole fine-tuning run: corpora, checkpoints that can be resumed, a scored bundle.

`onoma train encoder` calls `run`. The rule is that of `pieces.py`: checkpoints lie beside the
bundle's directory, and go away only when the bundle is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.console import Console

from onoma.errors import FatalError
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.report import evaluate
from onoma.ner.token_classification import TokenClassificationRecogniser
from onoma.registry.manifest import Manifest
from onoma.training import checkpoints
from onoma.training.bundle import claim
from onoma.training.corpora import Corpora, labels_of, read_data, types_of
from onoma.training.encoder import Checkpoint
from onoma.training.encoder_bundle import graph_of
from onoma.training.encoder_export import Precision
from onoma.training.encoder_layers import Tuning
from onoma.training.finetuning import Tuned, finetune, write_finetuned
from onoma.training.loop import Saving
from onoma.training.pieces import Place
from onoma.training.progress import shown
from onoma.training.recipes import Recipe
from onoma.training.reference import keep_reference
from onoma.training.sources import scored


def run(
    place: Place,
    checkpoint: Checkpoint,
    recipe: Recipe,
    tuning: Tuning,
    precision: Precision,
    console: Console,
) -> Manifest:
    """Fine-tune the encoder of `checkpoint` on the corpora of `place` and write a scored bundle."""
    place.refuse_taken()
    console.print("reading the corpora", highlight=False)
    corpora = read_data(place.data, recipe, place.reading)
    claim(place.directory)
    labels = labels_of(types_of(corpora.train))
    with shown("names", console) as progress:
        tuned = finetune(
            checkpoint,
            corpora.train,
            labels,
            recipe,
            tuning,
            progress=progress,
            score=_score(corpora.dev, labels, recipe.schedule.evaluate_sentences),
            saving=_saving(place, checkpoint, labels, tuning),
        )
    console.print("exporting, scoring", highlight=False)
    if place.reference is not None:
        keep_reference(graph_of(tuned.tagger, checkpoint, "fp32"), place.reference)
    manifest = _written(place, tuned, checkpoint, corpora, labels, recipe, precision, console)
    shutil.rmtree(place.work, ignore_errors=True)
    return manifest


def _score(
    dev: Sequence[Corpus], labels: Sequence[str], sentences: int
) -> Callable[[TokenClassificationRecogniser], float]:
    parts = [replace(corpus, sentences=corpus.sentences[:sentences]) for corpus in scored(dev)]
    return lambda recogniser: evaluate(recogniser.label, labels, parts).macro_f1


def _saving(place: Place, checkpoint: Checkpoint, labels: Sequence[str], tuning: Tuning) -> Saving:
    directory = place.work / "names"
    return Saving(
        directory,
        f"{checkpoint.architecture}, {checkpoint.config.get('hidden_size')} wide, "
        f"{checkpoint.config.get('num_hidden_layers')} layers, {len(labels)} labels; {tuning}",
        resume=place.resume and checkpoints.exists(directory),
    )


def _written(
    place: Place,
    tuned: Tuned,
    checkpoint: Checkpoint,
    corpora: Corpora,
    labels: Sequence[str],
    recipe: Recipe,
    precision: Precision,
    console: Console,
) -> Manifest:
    try:
        return write_finetuned(
            place.directory,
            tuned,
            checkpoint=checkpoint,
            corpora=corpora,
            labels=labels,
            recipe=recipe,
            precision=precision,
            report=lambda line: console.print(line, highlight=False),
        )
    except OSError as error:
        raise FatalError(
            f"{place.directory} can't be written: {error}; the weights are in {place.work}: "
            "empty the directory, make room and go on with --resume"
        ) from error
