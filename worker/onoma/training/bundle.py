"""Writes a bundle: calibrates, exports, scores the file that will ship, writes manifest and card.

Last piece of `pieces.py`. The rule: every figure in the manifest is measured on the integer graph
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
from onoma.training.examples import NOISES, Example, Examples, without_dev
from onoma.training.export import calibrate, export
from onoma.training.feeds import Feed
from onoma.training.network import Batch, WordHash
from onoma.training.recipes import Recipe
from onoma.training.sources import Licence, read_corpora, read_licences, scored

KIND = "wordhash"
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
    """What a run reads: training sets without their dev sentences, dev sets, licences by set.

    `distant` are labels that no person made.
    """

    train: tuple[Corpus, ...]
    dev: tuple[Corpus, ...]
    licences: Mapping[str, Licence]
    distant: tuple[Corpus, ...] = ()


def labels_of(types: Sequence[str]) -> tuple[str, ...]:
    """Return the IOB2 labels of `types`, `O` first."""
    return ("O", *(f"{position}-{kind}" for kind in types for position in "BI"))


def open_corpora(data: Path, recipe: Recipe) -> Corpora:
    """Read the open corpora below `data` that `recipe` asks for."""
    dev = read_corpora(data, "dev")
    distant = read_corpora(data, "train_distant") if recipe.distant else ()
    return Corpora(
        tuple(_first(corpus, recipe) for corpus in without_dev(read_corpora(data, "train"), dev)),
        tuple(_first(corpus, recipe) for corpus in dev),
        read_licences(data),
        tuple(_first(corpus, recipe) for corpus in without_dev(distant, dev)),
    )


def _first(corpus: Corpus, recipe: Recipe) -> Corpus:
    return replace(corpus, sentences=corpus.sentences[: recipe.sentences])


def claim(directory: Path) -> None:
    """Make `directory`, or refuse one that holds anything: nothing is ever overwritten."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise WrongUseError(f"{directory} is not empty: give --out a new directory")


def write(
    network: WordHash,
    corpora: Corpora,
    labels: Sequence[str],
    recipe: Recipe,
    training: Mapping[str, Any],
    directory: Path,
    report: Callable[[str], None],
) -> Manifest:
    """Export `network` and write graph, manifest and card; `training` says what it cost."""
    ranges = calibrate(network, calibration_batches(corpora.train, labels, recipe))
    (directory / GRAPH_NAME).write_bytes(export(network, ranges, onoma.__version__))
    manifest = Manifest(
        kind=KIND,
        name=recipe.name,
        version=recipe.version,
        files={},
        labels=tuple(labels),
        decoder=decoder_of(network),
        temperature=fit_temperature(network, corpora.dev, labels),
        context_units=network.shape.layers,
        languages=Languages(trained=tuple(sorted({c.language for c in corpora.train}))),
        training=_training(network, corpora, recipe, training),
        scores={},
    )
    # Written twice: the scores are those of the bundle as it is loaded, and the card shows them.
    save(manifest, directory)
    report("scoring the exported graph")
    scores = scores_of(directory, corpora.dev)
    final = save(msgspec.structs.replace(manifest, scores=scores), directory)
    bundle.load(directory, allow_ungated=True)
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
    start = tuple(round(value, 5) for value in network.head.start.tolist())
    moves = tuple(tuple(round(v, 5) for v in row) for row in network.head.transitions.tolist())
    return Decoder(start=start, transitions=moves)


def calibration_batches(
    corpora: Sequence[Corpus], labels: Sequence[str], recipe: Recipe
) -> list[Batch]:
    """Return training batches, varied as in training, to take the ranges from."""
    feed = Feed(Examples(corpora, labels, recipe, recipe.seed + 1).chunk)
    collator = Collator(labels, [corpus.annotates for corpus in corpora])
    drawn = islice(feed, CALIBRATION_BATCHES)
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
            float(network.head.loss(emissions, batch, temperature))
            for emissions, batch in scored_batches
        )

    return min(TEMPERATURES, key=loss)


def scores_of(directory: Path, dev: Sequence[Corpus]) -> dict[str, Any]:
    """Return the scores of the bundle in `directory` as they stand in the manifest."""
    model = bundle.load(directory, allow_ungated=True)
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


def _training(
    network: WordHash, corpora: Corpora, recipe: Recipe, cost: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **cost,
        "seed": recipe.seed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "recipe": msgspec.to_builtins(recipe),
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
