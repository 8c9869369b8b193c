"""A recipe on MasakhaNER 2.0: one joint model for twenty languages, its weights thrown away.

The corpora are non-commercial, so nothing that is trained here may ship; checkpoints lie in a
directory that the caller names and should remove. Run with

    python -m benchmarks.masakhaner --data ../shared/data --work DIR [--steps N] [--resume]
    python -m benchmarks.masakhaner --data ../shared/data --work DIR --teachers 3

The second trains three networks that differ in their seeds, and then the one that is scored, which
goes on from the first and learns from all three as well (`onoma train --init --teacher`).

The result, macro strict F1 over the development sets of the nineteen languages of the published
table with luo beside it, is kept in benchmarks/results/masakhaner.json, by the name of the recipe.
The text that words are guessed in holds the development sentences without their labels; what
teachers label does not.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

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
from onoma.training.network import WordHash
from onoma.training.pieces import fresh_network, train_names, train_words
from onoma.training.pretraining import read_text
from onoma.training.recipes import Recipe, read_recipe
from onoma.training.sources import read_corpora
from onoma.training.teachers import Teachers, unlabelled

BESIDE = "masakhaner2/luo"
RECIPES = Path(__file__).parents[1] / "recipes"
RESULT = Path(__file__).parent / "results" / "masakhaner.json"
LABELS = labels_of(TYPES)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--work", type=click.Path(path_type=Path), required=True)
@click.option(
    "--recipe",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=RECIPES / "default.yaml",
)
@click.option("--teachers", type=int, default=0, help="Networks to train first, to learn from.")
@click.option("--steps", type=int, help="Steps on labelled sentences, instead of the recipe's.")
@click.option("--resume", is_flag=True)
def main(
    data: Path, work: Path, path: Path, teachers: int, steps: int | None, resume: bool
) -> None:
    """Train, score, keep the JSON."""
    if work.exists() and not resume:
        raise click.UsageError(f"{work} is there: go on with --resume, or name another directory")
    recipe = read_recipe(path)
    schedule = recipe.schedule
    schedule = replace(schedule, evaluate_every=0, steps=steps or schedule.steps)
    run = _Run(data, work, replace(recipe, schedule=schedule))
    networks = [run.trained(number) for number in range(max(teachers, 1))]
    record: dict[str, Any] = {
        "machine": f"{platform.machine()}, torch {torch.__version__}, one thread",
        "recipe": asdict(recipe),
    }
    if teachers:
        record["teachers"] = [run.scores(network)["macro_f1"] for network in networks]
    network = run.taught(networks) if teachers else networks[0]
    record |= {"seconds": run.seconds, **run.scores(network)}
    kept = json.loads(RESULT.read_text(encoding="utf-8"))
    RESULT.write_text(json.dumps(kept | {path.stem: record}, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(record["macro_f1"]))


class _Run:
    """What all networks of a run share: data, recipe, and where their checkpoints lie."""

    def __init__(self, data: Path, work: Path, recipe: Recipe) -> None:
        self._data, self._work, self._recipe = data, work, recipe
        dev = read_corpora(data, "dev", folder="nc", corpus="masakhaner2")
        train = read_corpora(data, "train", folder="nc", corpus="masakhaner2")
        self._corpora = Corpora(without_dev(train, dev), dev)
        self._text = read_text(data, self._corpora.train, recipe.pretraining, ("nc",))
        self._console = Console()
        self.seconds: dict[str, int] = {}

    def trained(self, number: int) -> WordHash:
        """Return the network of the recipe with its seed plus `number`."""
        recipe = replace(self._recipe, seed=self._recipe.seed + number)
        network = self._worded(recipe, f"{number}")
        return self._named(network, recipe, f"{number}", self._corpora)

    def taught(self, networks: Sequence[WordHash]) -> WordHash:
        """Return the network that goes on from the first of `networks`, and learns from all."""
        teaching = self._recipe.teaching
        text = unlabelled(
            self._data, self._corpora, teaching.text, self._recipe.seed, ("nc", "open")
        )
        corpora = replace(self._corpora, text=text)
        first = deepcopy(networks[0])
        return self._named(first, self._recipe, "student", corpora, Teachers(networks))

    def scores(self, network: WordHash) -> dict[str, Any]:
        """Return the scores of `network` on corpus tokens and on raw text."""
        label = label_with(network, LABELS)
        reports = {f: evaluate(label, LABELS, self._corpora.dev, f) for f in ("tokens", "raw")}
        return {
            "macro_f1": {form: round(_macro(report), 4) for form, report in reports.items()},
            "sets": {
                form: {score.name: round(score.counts.f1, 4) for score in report.sets}
                for form, report in reports.items()
            },
        }

    def _worded(self, recipe: Recipe, place: str) -> WordHash:
        network = fresh_network(recipe, LABELS)
        saving = self._saving(place, "words")
        trained = train_words(network, self._text, recipe, saving, self._console)
        self.seconds[f"{place}/words"] = round(trained.seconds)
        return network

    def _named(
        self,
        network: WordHash,
        recipe: Recipe,
        place: str,
        corpora: Corpora,
        teachers: Teachers | None = None,
    ) -> WordHash:
        saving = self._saving(place, "names")
        trained = train_names(network, corpora, LABELS, recipe, saving, self._console, teachers)
        self.seconds[f"{place}/names"] = round(trained.seconds)
        return network

    def _saving(self, place: str, piece: str) -> Saving:
        directory = self._work / place / piece
        return Saving(directory, "masakhaner", resume=checkpoints.exists(directory))


def _macro(report: Report) -> float:
    return macro_f1(score.counts for score in report.sets if score.name != BESIDE)


if __name__ == "__main__":
    main()
