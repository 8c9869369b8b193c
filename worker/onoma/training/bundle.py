"""Makes a bundle: trains, calibrates, exports, scores the file that will ship, and writes manifest
and card.

`onoma train` calls `make`. The rule: every figure in the manifest is measured on the integer graph
through the code that serves it, never on the network it came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import torch

import onoma
from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.report import Report, evaluate
from onoma.registry import bundle
from onoma.registry.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    MANIFEST_NAME,
    Decoder,
    Languages,
    Manifest,
)
from onoma.training.batches import Collator
from onoma.training.card import card
from onoma.training.examples import NOISES, Example, without_dev
from onoma.training.export import calibrate, export
from onoma.training.loop import Progress, Recipe, Trained, examples_of, train
from onoma.training.network import Batch, WordHash
from onoma.training.sources import Licence, read_corpora, read_licences, scored

KIND = "wordhash"
NAME = "wordhash-open"
VERSION = "0.1.0"
TYPES = ("PER", "LOC", "ORG", "DATE")
CALIBRATION_BATCHES = 60
TEMPERATURE_SENTENCES = 100
TEMPERATURES = tuple(round(0.6 + 0.05 * i, 2) for i in range(29))

SCORES = (
    "Strict span F1 on whole development sets, measured on the integer graph. Types that a corpus "
    "does not annotate are ignored; each set counts once in the macro."
)


@dataclass(frozen=True, slots=True)
class Corpora:
    """What a run reads: training sets without their dev sentences, dev sets, licences by set."""

    train: tuple[Corpus, ...]
    dev: tuple[Corpus, ...]
    licences: Mapping[str, Licence]


def labels_of(types: Sequence[str]) -> tuple[str, ...]:
    """Return the IOB2 labels of `types`, `O` first."""
    return ("O", *(f"{position}-{kind}" for kind in types for position in "BI"))


def open_corpora(data: Path) -> Corpora:
    """Read the open corpora below `data`."""
    dev = read_corpora(data, "dev")
    return Corpora(without_dev(read_corpora(data, "train"), dev), dev, read_licences(data))


def make(corpora: Corpora, recipe: Recipe, directory: Path, report: Progress) -> Manifest:
    """Train on `corpora` and write a scored bundle to `directory`, which must be new or empty."""
    claim(directory)
    labels = labels_of(TYPES)
    trained = train(corpora.train, labels, recipe, report)
    report("calibrating and exporting")
    return write(trained, corpora, labels, recipe, directory, report)


def claim(directory: Path) -> None:
    """Make `directory`, or refuse one that holds anything: nothing is ever overwritten."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise WrongUseError(f"{directory} is not empty: give --out a new directory")


def write(
    trained: Trained,
    corpora: Corpora,
    labels: Sequence[str],
    recipe: Recipe,
    directory: Path,
    report: Progress,
) -> Manifest:
    """Export `trained` and write graph, manifest and card."""
    network = trained.network
    ranges = calibrate(network, calibration_batches(corpora.train, labels, recipe))
    (directory / GRAPH_NAME).write_bytes(export(network, ranges, onoma.__version__))
    manifest = Manifest(
        kind=KIND,
        name=NAME,
        version=VERSION,
        files={},
        labels=tuple(labels),
        decoder=decoder_of(network),
        temperature=fit_temperature(network, corpora.dev, labels),
        context_units=network.shape.layers,
        languages=Languages(trained=tuple(sorted({c.language for c in corpora.train}))),
        training=_training(trained, corpora, recipe),
        scores={},
    )
    # Written twice: the scores are those of the bundle as it is loaded, and the card shows them.
    save(manifest, directory)
    report("scoring the exported graph")
    scores = scores_of(directory, corpora.dev)
    final = save(msgspec.structs.replace(manifest, scores=scores), directory)
    bundle.load(directory)
    return final


def save(manifest: Manifest, directory: Path) -> Manifest:
    """Write manifest and card, the card only once there are scores, and return the manifest with
    hashes.
    """
    names = [GRAPH_NAME]
    if manifest.scores:
        (directory / CARD_NAME).write_text(card(manifest), encoding="utf-8")
        names.append(CARD_NAME)
    files = {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in names}
    hashed = msgspec.structs.replace(manifest, files=files)
    data = msgspec.json.format(msgspec.json.encode(hashed), indent=1)
    (directory / MANIFEST_NAME).write_bytes(data + b"\n")
    return hashed


def decoder_of(network: WordHash) -> Decoder:
    """Return the learned scores of label sequences."""
    start = tuple(round(value, 5) for value in network.start.tolist())
    moves = tuple(tuple(round(v, 5) for v in row) for row in network.transitions.tolist())
    return Decoder(start=start, transitions=moves)


def calibration_batches(
    corpora: Sequence[Corpus], labels: Sequence[str], recipe: Recipe
) -> list[Batch]:
    """Return training batches, varied as in training, to take the ranges from."""
    examples = examples_of(corpora, labels, recipe, seed=recipe.seed + 1)
    collator = Collator(labels, [corpus.annotates for corpus in corpora])
    drawn = islice(examples.batches(recipe.batch), CALIBRATION_BATCHES)
    return [collator.batch(examples) for examples in drawn]


@torch.no_grad()
def fit_temperature(network: WordHash, dev: Sequence[Corpus], labels: Sequence[str]) -> float:
    """Return the temperature of the lowest dev loss; each set gives the same number of
    sentences.
    """
    network.eval()
    numbers = {label: number for number, label in enumerate(labels)}
    collator = Collator(labels, [corpus.annotates for corpus in dev])
    scored_batches = []
    for place, corpus in enumerate(dev):
        chosen = sorted(
            (
                Example(s.tokens, tuple(numbers[tag] for tag in s.tags), place)
                for s in corpus.sentences[:TEMPERATURE_SENTENCES]
            ),
            key=lambda example: len(example.units),
        )
        for first in range(0, len(chosen), 32):
            batch = collator.batch(chosen[first : first + 32])
            scored_batches.append((network(batch)[0], batch))

    def loss(temperature: float) -> float:
        return sum(
            float(network.loss(emissions, batch, temperature))
            for emissions, batch in scored_batches
        )

    return min(TEMPERATURES, key=loss)


def scores_of(directory: Path, dev: Sequence[Corpus]) -> dict[str, Any]:
    """Return the scores of the bundle in `directory` as they stand in the manifest."""
    model = bundle.load(directory)
    label, labels = model.recogniser.label, model.manifest.labels
    reports = {form: evaluate(label, labels, dev, form) for form in ("tokens", "raw")}
    counted = {corpus.name for corpus in scored(dev)}
    headline = {form: _only(report, counted) for form, report in reports.items()}
    rows = {
        corpus.name: {
            "sentences": len(corpus.sentences),
            "types": sorted(corpus.annotates),
            **{form: _f1(report, corpus.name) for form, report in reports.items()},
        }
        for corpus in dev
    }
    disturbed = {
        noise.__name__: evaluate(label, labels, _disturbed(scored(dev), noise), "tokens").macro_f1
        for noise in NOISES
    }
    return {
        "what": SCORES,
        "macro_f1": {form: round(report.macro_f1, 4) for form, report in headline.items()},
        "sets": {name: row for name, row in rows.items() if name in counted},
        "beside": {name: row for name, row in rows.items() if name not in counted},
        "robustness": {name.replace("_", " "): round(f1, 4) for name, f1 in disturbed.items()},
    }


def _only(report: Report, names: set[str]) -> Report:
    return replace(report, sets=tuple(score for score in report.sets if score.name in names))


def _f1(report: Report, name: str) -> float:
    return next(round(score.counts.f1, 4) for score in report.sets if score.name == name)


def _disturbed(corpora: Sequence[Corpus], noise: Callable[[str, Random], str]) -> list[Corpus]:
    chance = Random(3)  # noqa: S311 (repeatable on purpose)
    return [
        replace(
            corpus,
            sentences=tuple(
                Sentence(tuple(noise(token, chance) for token in s.tokens), s.tags)
                for s in corpus.sentences
            ),
        )
        for corpus in corpora
    ]


def _training(trained: Trained, corpora: Corpora, recipe: Recipe) -> dict[str, Any]:
    return {
        "seconds": round(trained.seconds),
        "steps": trained.steps,
        "units": trained.units,
        "seed": recipe.seed,
        "parameters": sum(parameter.numel() for parameter in trained.network.parameters()),
        "corpora": {
            corpus.name: {
                "language": corpus.language,
                "sentences": len(corpus.sentences),
                "tokens": sum(len(sentence.tokens) for sentence in corpus.sentences),
                "licence": corpora.licences[corpus.name].licence,
                "source": corpora.licences[corpus.name].source,
            }
            for corpus in corpora.train
        },
    }
