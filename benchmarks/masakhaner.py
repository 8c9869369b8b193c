"""The recipe on MasakhaNER 2.0: one joint model for twenty languages, its weights thrown away.

The corpora are non-commercial, so nothing that is trained here may ship; checkpoints lie in a
directory that the caller names and should remove. Run with

    python -m benchmarks.masakhaner --data ../shared/data --work DIR [--steps N] [--resume]

The result, macro strict F1 over the development sets of the nineteen languages of the published
table with luo beside it, is kept in benchmarks/results/masakhaner.json.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, replace
from pathlib import Path

import click
import torch
from rich.console import Console

from onoma.evaluation.report import Report, evaluate
from onoma.evaluation.spans import macro_f1
from onoma.training import checkpoints
from onoma.training.corpora import TYPES, Corpora, labels_of
from onoma.training.examples import without_dev
from onoma.training.loop import Saving
from onoma.training.names import label_with
from onoma.training.network import Shape, WordHash
from onoma.training.pieces import train_names, train_words
from onoma.training.pretraining import read_text
from onoma.training.recipes import Recipe, read_recipe
from onoma.training.sources import read_corpora

BESIDE = "masakhaner2/luo"
RECIPE = Path(__file__).parents[1] / "recipes" / "default.yaml"
RESULT = Path(__file__).parent / "results" / "masakhaner.json"


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option("--steps", type=int, help="Steps of the second piece, instead of the recipe's.")
@click.option("--resume", is_flag=True)
def main(data: Path, work: Path, steps: int | None, resume: bool) -> None:
    """Train, score, keep the JSON."""
    recipe = read_recipe(RECIPE)
    schedule = recipe.schedule
    schedule = replace(schedule, evaluate_every=0, steps=steps or schedule.steps)
    recipe = replace(recipe, schedule=schedule)
    dev = read_corpora(data, "dev", folder="nc", corpus="masakhaner2")
    network, seconds = _trained(data, recipe, work, resume)
    labels = labels_of(TYPES)
    label = label_with(network, labels)
    reports = {form: evaluate(label, labels, dev, form) for form in ("tokens", "raw")}
    record = {
        "machine": f"{platform.machine()}, torch {torch.__version__}, one thread",
        "seconds": {piece: round(value) for piece, value in seconds.items()},
        "recipe": asdict(recipe),
        "macro_f1": {form: round(_macro(report), 4) for form, report in reports.items()},
        "sets": {
            form: {score.name: round(score.counts.f1, 4) for score in report.sets}
            for form, report in reports.items()
        },
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(record["macro_f1"]))


def _trained(
    data: Path, recipe: Recipe, work: Path, resume: bool
) -> tuple[WordHash, dict[str, float]]:
    dev = read_corpora(data, "dev", folder="nc", corpus="masakhaner2")
    corpora = without_dev(read_corpora(data, "train", folder="nc", corpus="masakhaner2"), dev)
    labels, console = labels_of(TYPES), Console()
    torch.manual_seed(recipe.seed)
    network = WordHash(Shape(len(labels), recipe.architecture.width, recipe.architecture.layers))
    text = read_text(data, corpora, recipe.pretraining, ("nc",))
    read = Corpora(corpora, (), {})
    seconds = {
        "words": train_words(network, text, recipe, _saving(work / "words", resume), console),
        "names": train_names(
            network, read, labels, recipe, _saving(work / "names", resume), console
        ),
    }
    return network, {piece: trained.seconds for piece, trained in seconds.items()}


def _saving(directory: Path, resume: bool) -> Saving:
    return Saving(directory, "masakhaner", resume=resume and checkpoints.exists(directory))


def _macro(report: Report) -> float:
    return macro_f1(score.counts for score in report.sets if score.name != BESIDE)


if __name__ == "__main__":
    main()
