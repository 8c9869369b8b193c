"""How much Hausa a model needs that knows other languages: F1 by labelled sentences.

An encoder is trained by the recipe on all open corpora and texts without Hausa; then it is tuned
on 10 to all sentences of `hausa_voa`, three seeds each. Run with

    python -m benchmarks.hausa_curve --data ../shared/data --work DIR --words 3000 --names 6000

for the kept figures; without the two numbers the encoder has all steps of the recipe. Kept in
benchmarks/results/hausa_curve.json, and drawn in hausa_curve.png, beside the published figures of
XLM-R base. Theirs are on the test part, ours on the development part.
"""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import click
import torch
from rich.console import Console

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.report import evaluate
from onoma.training import checkpoints
from onoma.training.corpora import TYPES, Corpora, labels_of
from onoma.training.examples import without_dev
from onoma.training.loop import Saving, train
from onoma.training.names import groups_of, label_with, labelled
from onoma.training.network import WordHash
from onoma.training.pieces import fresh_network, train_names, train_words
from onoma.training.plots import ACCENT, INK, SOFT, figure, save
from onoma.training.pretraining import read_text
from onoma.training.recipes import Recipe, Schedule, read_recipe
from onoma.training.sources import read_corpora

HAUSA = "hausa_voa/hau"
SIZES = (0, 10, 100, 250, 400, 650, None)
SEEDS = (0, 1, 2)
PUBLISHED = {
    "XLM-R base": {10: 0.443, 100: 0.635, 250: 0.740, 400: 0.767, 650: 0.809, 1013: 0.845},
    "XLM-R base, English names first": {
        0: 0.640,
        10: 0.727,
        100: 0.741,
        250: 0.792,
        400: 0.781,
        650: 0.805,
        1013: 0.844,
    },
}
"""F1 on the test part by sentences (Hedderich et al. 2020, results/results.csv)."""
RECIPE = Path(__file__).parents[1] / "recipes" / "default.yaml"
RESULT = Path(__file__).parent / "results" / "hausa_curve.json"
MOST_STEPS = 600
TUNING = Schedule(
    steps=MOST_STEPS,
    learning_rate=1e-3,
    table_learning_rate=0.1,
    average_decay=0.99,
    average_from=0.5,
)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--words", type=int, help="Steps of the encoder's first piece.")
@click.option("--names", type=int, help="Steps of the encoder's second piece.")
@click.option("--resume", is_flag=True)
def main(data: Path, work: Path, words: int | None, names: int | None, resume: bool) -> None:
    """Train the encoder, tune it on each size, keep the JSON and the plot."""
    recipe = _recipe(words, names)
    dev = read_corpora(data, "dev")
    corpora = without_dev(read_corpora(data, "train"), dev)
    encoder = _encoder(data, [c for c in corpora if c.name != HAUSA], recipe, work, resume)
    hausa = next(corpus for corpus in corpora if corpus.name == HAUSA)
    judged = next(corpus for corpus in dev if corpus.name == HAUSA)
    curve = []
    for size in SIZES:
        count = len(hausa.sentences) if size is None else size
        # Without labels there is nothing that chance could change.
        seeds = SEEDS if count else SEEDS[:1]
        scores = [_tuned(encoder, hausa, judged, count, seed) for seed in seeds]
        curve.append(
            {
                "sentences": count,
                "f1": [round(score, 4) for score in scores],
                "mean": round(statistics.mean(scores), 4),
            }
        )
        click.echo(json.dumps(curve[-1]))
    record = {
        "machine": f"{platform.machine()}, torch {torch.__version__}, one thread",
        "recipe": asdict(recipe),
        "tuning": asdict(TUNING),
        "curve": curve,
        "published_on_test": PUBLISHED,
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(curve, RESULT.with_suffix(".png"))


def draw(curve: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw our mean and range on dev beside the published curves on test."""
    drawing, axes = figure(width=8, height=5)
    sizes = [row["sentences"] for row in curve]
    axes.plot(sizes, [row["mean"] for row in curve], "o-", color=ACCENT, label="wordhash, on dev")
    lowest, highest = ([pick(row["f1"]) for row in curve] for pick in (min, max))
    axes.fill_between(sizes, lowest, highest, color=ACCENT, alpha=0.2, label="its three seeds")
    for (name, points), ink in zip(PUBLISHED.items(), (INK, SOFT), strict=True):
        axes.plot(list(points), list(points.values()), "s--", color=ink, label=f"{name}, on test")
    axes.set_ylim(0, 1)
    axes.set_xlabel("labelled Hausa sentences")
    axes.set_ylabel("strict span F1")
    axes.set_title("Hausa from few sentences\nours on the dev part, published figures on test")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    save(drawing, path)


def _recipe(words: int | None, names: int | None) -> Recipe:
    recipe = read_recipe(RECIPE)
    schedule = replace(recipe.schedule, evaluate_every=0, patience=0)
    pretraining = recipe.pretraining
    return replace(
        recipe,
        schedule=replace(schedule, steps=names or schedule.steps),
        pretraining=replace(
            pretraining,
            schedule=replace(pretraining.schedule, steps=words or pretraining.schedule.steps),
        ),
    )


def _encoder(
    data: Path, corpora: Sequence[Corpus], recipe: Recipe, work: Path, resume: bool
) -> WordHash:
    labels, console = labels_of(TYPES), Console()
    network = fresh_network(recipe, labels)
    text = [part for part in read_text(data, corpora, recipe.pretraining) if part.language != "hau"]
    read = Corpora(tuple(corpora), (), {})
    train_words(network, text, recipe, _saving(work / "words", resume), console)
    train_names(network, read, labels, recipe, _saving(work / "names", resume), console)
    return network


def _saving(directory: Path, resume: bool) -> Saving:
    return Saving(directory, "hausa curve", resume=resume and checkpoints.exists(directory))


def _tuned(encoder: WordHash, hausa: Corpus, judged: Corpus, size: int, seed: int) -> float:
    """Return the F1 on `judged` after tuning on `size` sentences, drawn by `seed`."""
    labels = labels_of(TYPES)
    sentences = list(hausa.sentences)
    Random(seed).shuffle(sentences)
    torch.manual_seed(seed)
    network = WordHash(encoder.shape)
    network.load_state_dict(encoder.state_dict())
    if size:
        few = replace(hausa, sentences=tuple(sentences[:size]))
        source = labelled(network, network.head, [few], labels, Recipe(seed=seed, batch=16))
        # A few sentences are soon known by heart.
        schedule = replace(TUNING, steps=min(MOST_STEPS, 40 + 4 * size))
        train(
            network,
            groups_of(network),
            [source],
            schedule,
            seed=seed,
            progress=lambda line: None,
        )
    network.eval()
    return evaluate(label_with(network, labels), labels, [judged]).macro_f1


if __name__ == "__main__":
    main()
