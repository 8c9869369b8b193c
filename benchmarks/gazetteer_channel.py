"""What lists of names are worth when few sentences are labelled: macro F1 with and without them.

A hundred sentences of each of six open sets, no masked words, the same steps for all; the networks
begin with the same weights. `open` are files of places and given names; `built` are these and the
people and organisations of a list that `onoma gazetteer build` makes of OFAC's. Run with

    python -m benchmarks.gazetteer_channel --data ../shared/data [--seeds N] [--steps N]

Kept in benchmarks/results/gazetteer_channel.json: F1 on the first 150 sentences of each development
set, by seed and by set.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import click
import torch

from onoma.cli.listed import read_files
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.report import Report, evaluate
from onoma.gazetteer.arrays import NO_INDEX
from onoma.gazetteer.channel import Gazetteer
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.segment import Identity, write_segment
from onoma.training.corpora import TYPES, labels_of
from onoma.training.examples import without_dev
from onoma.training.gazetteers import NameList, Names, read_names
from onoma.training.loop import train
from onoma.training.names import groups_of, label_with, labelled
from onoma.training.pieces import fresh_network
from onoma.training.recipes import Lists, Recipe, Schedule
from onoma.training.sources import read_corpora

SETS = (
    "hausa_voa/hau",
    "yoruba_gv/yor",
    "amharic_say/amh",
    "nepali_ner_v2/nep",
    "urdu_uner/urd",
    "indonlu_nergrit/ind",
)
SENTENCES, DEV_SENTENCES = 100, 150
LISTS = Lists(
    places=(
        "gazetteer/cldr_cities.tsv",
        "gazetteer/cldr_territories.tsv",
        "gazetteer/geonames_cities.csv.gz",
        "gazetteer/geonames_admin1.tsv.gz",
        "gazetteer/geonames_admin2.tsv.gz",
        "gazetteer/amharic_geonames.tsv.gz",
    ),
    people=("gazetteer/person_names_by_country.tsv",),
)
BUILT = tuple(f"watchlist/raw/ofac_{part}.csv.gz" for part in ("sdn", "alt", "add"))
SCHEDULE = Schedule(steps=300, average_decay=0.99, average_from=0.5)
RESULT = Path(__file__).parent / "results" / "gazetteer_channel.json"
LABELS = labels_of(TYPES)


@dataclass(frozen=True, slots=True)
class _Run:
    seed: int
    lists: str
    report: Report
    processor_seconds: float

    def record(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "lists": self.lists,
            "macro_f1": round(self.report.macro_f1, 4),
            "sets": {one.name: round(one.counts.f1, 4) for one in self.report.sets},
            "processor_seconds": round(self.processor_seconds),
        }


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default="../shared/data")
@click.option("--seeds", default=3)
@click.option("--steps", default=SCHEDULE.steps)
def main(data: Path, seeds: int, steps: int) -> None:
    """Train and score each seed with each choice of lists, keep the JSON."""
    dev, whole = (_sets(data, part) for part in ("dev", "train"))
    corpora = without_dev(whole, dev)
    judged = [replace(corpus, sentences=corpus.sentences[:DEV_SENTENCES]) for corpus in dev]
    with TemporaryDirectory() as directory:
        lists = {"none": None, "open": LISTS, "built": _with_built(data, Path(directory) / "ofac")}
        names = {what: read_names(data, each) for what, each in lists.items() if each}
    recipe = Recipe(schedule=replace(SCHEDULE, steps=steps), batch=16)
    runs = []
    for seed in range(seeds):
        chosen = [_few(corpus, seed) for corpus in corpora]
        for what, wanted in lists.items():
            started = time.process_time()
            own = replace(recipe, seed=seed, gazetteer=wanted)
            gazetteer = names[what].gazetteer if what in names else None
            report = _trained(chosen, judged, own, gazetteer)
            runs.append(_Run(seed, what, report, time.process_time() - started))
            click.echo(json.dumps(runs[-1].record()))
        # After each seed: what is measured stays if the rest is cut off.
        _write(runs, names, recipe)


def _with_built(data: Path, directory: Path) -> Lists:
    """Build OFAC's list into `directory`; return the open lists with it."""
    listed = read_files([data / file for file in BUILT], "ofac", Columns(), "utf-8")
    identity = Identity(name="ofac", version="1", sources=listed.sources)
    write_segment(directory, listed.entries, identity, NO_INDEX)
    built = str(directory)
    return replace(LISTS, people=(*LISTS.people, built), organisations=(built,))


def _write(runs: Sequence[_Run], names: Mapping[str, Names], recipe: Recipe) -> None:
    means = {what: _mean(run for run in runs if run.lists == what) for what in ("none", *names)}
    record = {
        "machine": f"{platform.machine()}, torch {torch.__version__}, one thread",
        "sentences": SENTENCES,
        "dev_sentences": DEV_SENTENCES,
        "lists": [_told(one) for one in names["built"].lists],
        "names": {what: len(each.gazetteer) for what, each in names.items()},
        "recipe": asdict(replace(recipe, gazetteer=LISTS)),
        "macro_f1": means,
        "runs": [run.record() for run in runs],
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _told(one: NameList) -> dict[str, object]:
    """Return what is kept of a list: no place of this machine."""
    return asdict(one) | {"file": Path(one.file).name if one.sha256 else one.file}


def _sets(data: Path, part: str) -> list[Corpus]:
    names = [name.partition("/")[0] for name in SETS]
    return [corpus for name in names for corpus in read_corpora(data, part, corpus=name)]


def _mean(runs: Iterable[_Run]) -> float:
    return round(statistics.mean(run.report.macro_f1 for run in runs), 4)


def _few(corpus: Corpus, seed: int) -> Corpus:
    """Return sentences of `corpus`, drawn by `seed`."""
    return replace(corpus, sentences=tuple(Random(seed).sample(corpus.sentences, SENTENCES)))


def _trained(
    corpora: Sequence[Corpus],
    judged: Sequence[Corpus],
    recipe: Recipe,
    gazetteer: Gazetteer | None,
) -> Report:
    """Return the scores on `judged` after training on `corpora`."""
    network = fresh_network(recipe, LABELS, None)
    train(
        network,
        groups_of(network),
        [labelled(network, network.head, corpora, LABELS, recipe, gazetteer=gazetteer)],
        recipe.schedule,
        seed=recipe.seed,
        progress=lambda line: None,
    )
    return evaluate(label_with(network, LABELS, gazetteer), LABELS, judged)


if __name__ == "__main__":
    main()
