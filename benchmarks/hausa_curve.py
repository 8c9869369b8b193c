"""How much Hausa a model needs that knows other languages: F1 by labelled sentences.

An encoder is trained by the recipe on all open corpora and texts without Hausa; then it is tuned
on 10 to all sentences of `hausa_voa`, three seeds each. Run with

    python -m benchmarks.hausa_curve --data ../shared/data --work DIR [--steps N] [--resume]

Kept in benchmarks/results/hausa_curve.json beside the published figures of XLM-R base. Theirs are
on the test part, ours on the development part.
"""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import click
import torch
from rich.console import Console

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.report import evaluate
from onoma.training import checkpoints
from onoma.training.bundle import TYPES, Corpora, labels_of
from onoma.training.examples import without_dev
from onoma.training.loop import Saving, train
from onoma.training.names import groups_of, label_with, labelled
from onoma.training.network import Shape, WordHash
from onoma.training.pieces import train_names, train_words
from onoma.training.pretraining import read_text
from onoma.training.recipes import Recipe, Schedule, read_recipe
from onoma.training.sources import read_corpora

HAUSA = "hausa_voa/hau"
SIZES = (10, 100, 250, 400, 650, None)
SEEDS = (0, 1, 2)
PUBLISHED = {10: 44.3, 100: 63.5, 250: 74.0, 400: 76.7, 650: 80.9, "all": 84.5}
"""XLM-R base on the test part, mean of ten seeds (Hedderich et al. 2020, results/results.csv)."""
RECIPE = Path(__file__).parents[1] / "recipes" / "default.yaml"
RESULT = Path(__file__).parent / "results" / "hausa_curve.json"
TUNING = Schedule(
    steps=600,
    learning_rate=1e-3,
    table_learning_rate=0.1,
    average_decay=0.99,
    average_from=0.5,
)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--steps", type=int, help="Steps of the encoder's second piece.")
@click.option("--resume", is_flag=True)
def main(data: Path, work: Path, steps: int | None, resume: bool) -> None:
    """Train the encoder, tune it on each size, keep the JSON."""
    recipe = read_recipe(RECIPE)
    schedule = replace(
        recipe.schedule, evaluate_every=0, steps=steps or recipe.schedule.steps, patience=0
    )
    recipe = replace(recipe, schedule=schedule)
    dev = read_corpora(data, "dev")
    corpora = without_dev(read_corpora(data, "train"), dev)
    encoder = _encoder(data, [c for c in corpora if c.name != HAUSA], recipe, work, resume)
    hausa = next(corpus for corpus in corpora if corpus.name == HAUSA)
    judged = next(corpus for corpus in dev if corpus.name == HAUSA)
    curve = []
    for size in SIZES:
        scores = [_tuned(encoder, hausa, judged, size, seed) for seed in SEEDS]
        curve.append(
            {
                "sentences": size or len(hausa.sentences),
                "f1": [round(score, 4) for score in scores],
                "mean": round(statistics.mean(scores), 4),
                "published_xlm_r_base_on_test": PUBLISHED[size or "all"] / 100,
            }
        )
        click.echo(json.dumps(curve[-1]))
    record = {
        "machine": f"{platform.machine()}, torch {torch.__version__}, one thread",
        "recipe": asdict(recipe),
        "tuning": asdict(TUNING),
        "curve": curve,
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _encoder(
    data: Path, corpora: Sequence[Corpus], recipe: Recipe, work: Path, resume: bool
) -> WordHash:
    labels, console = labels_of(TYPES), Console()
    torch.manual_seed(recipe.seed)
    network = WordHash(Shape(len(labels), recipe.architecture.width, recipe.architecture.layers))
    text = [part for part in read_text(data, corpora, recipe.pretraining) if part.language != "hau"]
    read = Corpora(tuple(corpora), (), {})
    train_words(network, text, recipe, _saving(work / "words", resume), console)
    train_names(network, read, labels, recipe, _saving(work / "names", resume), console)
    return network


def _saving(directory: Path, resume: bool) -> Saving:
    return Saving(directory, "hausa curve", resume=resume and checkpoints.exists(directory))


def _tuned(encoder: WordHash, hausa: Corpus, judged: Corpus, size: int | None, seed: int) -> float:
    """Return the F1 on `judged` after tuning on `size` sentences, drawn by `seed`."""
    labels = labels_of(TYPES)
    sentences = list(hausa.sentences)
    Random(seed).shuffle(sentences)
    torch.manual_seed(seed)
    network = WordHash(encoder.shape)
    network.load_state_dict(encoder.state_dict())
    train(
        network,
        groups_of(network),
        [
            labelled(
                network,
                network.head,
                [replace(hausa, sentences=tuple(sentences[:size]))],
                labels,
                Recipe(seed=seed, batch=16),
            )
        ],
        TUNING,
        seed=seed,
        progress=lambda line: None,
    )
    return evaluate(label_with(network, labels), labels, [judged]).macro_f1


if __name__ == "__main__":
    main()
