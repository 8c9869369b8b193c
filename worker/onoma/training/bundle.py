"""Writes a bundle: calibrates, exports, and has the file that will ship scored and gated.

Last piece of `pieces.py`. The rule: every figure in the manifest is measured on the integer graph
through the code that serves it, never on the network it came from.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

import onoma
from onoma.errors import WrongUseError
from onoma.gazetteer.channel import NORMALISATION, Gazetteer
from onoma.registry import bundle
from onoma.registry.gate import write_manifest
from onoma.registry.manifest import (
    GAZETTEER_NAME,
    GRAPH_NAME,
    Decoder,
    Languages,
    Manifest,
)
from onoma.registry.manifest import Gazetteer as GazetteerEntry
from onoma.training.batches import Collator
from onoma.training.corpora import Corpora
from onoma.training.examples import Examples
from onoma.training.export import calibrate, export
from onoma.training.feeds import Feed
from onoma.training.finishing import Grounds, finish
from onoma.training.network import Batch, WordHash
from onoma.training.recipes import Recipe
from onoma.training.reference import full_precision

KIND = "wordhash"
CALIBRATION_BATCHES = 60
CHANNEL = GazetteerEntry(GAZETTEER_NAME, NORMALISATION)


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
    """Export `network`, and write, score and gate the bundle; `training` says what it cost."""
    ranges = calibrate(network, calibration_batches(corpora, labels, recipe))
    files = {GRAPH_NAME: export(network, ranges, onoma.__version__), **_names(corpora.gazetteer)}
    for name, data in files.items():
        (directory / name).write_bytes(data)
    manifest = Manifest(
        kind=KIND,
        name=recipe.name,
        version=recipe.version,
        files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        labels=tuple(labels),
        decoder=decoder_of(network),
        temperature=1.0,
        context_units=network.shape.layers,
        languages=Languages(trained=tuple(sorted({c.language for c in corpora.train}))),
        training=_training(network, corpora, recipe, training),
        scores={},
        gazetteer=CHANNEL if GAZETTEER_NAME in files else msgspec.UNSET,
    )
    write_manifest(directory, manifest)
    checks = finish(
        directory,
        Grounds.of(corpora.dev, corpora.train),
        date=datetime.now(UTC).date().isoformat(),
        reference=full_precision(network, manifest, corpora.gazetteer),
        told=report,
    )
    if failed := [check.name for check in checks if check.passed is False]:
        report(f"not gated, so no worker will serve it: {', '.join(failed)}")
    return bundle.load(directory, allow_ungated=True).manifest


def _names(gazetteer: Gazetteer | None) -> dict[str, bytes]:
    """Return the file of names for the channel, none without it."""
    if gazetteer is None:
        return {}
    # Without a time, so that equal names give equal files.
    return {GAZETTEER_NAME: gzip.compress("".join(gazetteer.lines()).encode(), mtime=0)}


def decoder_of(network: WordHash) -> Decoder:
    """Return the learned scores of label sequences."""
    start = tuple(round(value, 5) for value in network.head.start.tolist())
    moves = tuple(tuple(round(v, 5) for v in row) for row in network.head.transitions.tolist())
    return Decoder(start=start, transitions=moves)


def calibration_batches(corpora: Corpora, labels: Sequence[str], recipe: Recipe) -> list[Batch]:
    """Return training batches, varied as in training, to take the ranges from.

    With a channel of names each comes twice: the graph is served with and without names.
    """
    feed = Feed(Examples(corpora.train, labels, recipe, recipe.seed + 1).chunk)
    annotates = [corpus.annotates for corpus in corpora.train]
    collator = Collator(labels, annotates, corpora.gazetteer)
    batches = [collator.batch(examples) for examples in islice(feed, CALIBRATION_BATCHES)]
    if corpora.gazetteer is None:
        return batches
    return [*batches, *(replace(batch, gazetteer=None) for batch in batches)]


def _training(
    network: WordHash, corpora: Corpora, recipe: Recipe, cost: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **cost,
        "seed": recipe.seed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "recipe": msgspec.to_builtins(recipe),
        "corpora": corpora.described(),
        **({"gazetteer": msgspec.to_builtins(corpora.names.lists)} if corpora.names else {}),
    }
