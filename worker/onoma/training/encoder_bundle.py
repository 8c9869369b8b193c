"""Writes a `token-classification` bundle: graph, tokenizer, manifest, card; then loads it.

Shared by the import and by fine-tuning. The rule: a bundle that does not load and answer is an
error here, not in a worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from onoma.errors import FatalError
from onoma.ner.token_classification import TokenClassificationRecogniser
from onoma.registry import bundle
from onoma.registry.manifest import (
    CARD_NAME,
    GRAPH_NAME,
    MANIFEST_NAME,
    TOKENIZER_NAME,
    Decoder,
    Languages,
    Manifest,
)
from onoma.training.card import card
from onoma.training.encoder import Checkpoint
from onoma.training.encoder_export import Precision, Tagger, export


@dataclass(frozen=True, slots=True)
class Description:
    """What the makers say of a model; `training` goes into the manifest with what is found out."""

    name: str
    version: str
    languages: Sequence[str]
    training: Mapping[str, Any]


def write_bundle(
    directory: Path,
    *,
    checkpoint: Checkpoint,
    tagger: Tagger,
    labels: Sequence[str],
    decoder: Decoder,
    described: Description,
    precision: Precision = "int8",
) -> Manifest:
    """Export `tagger`, write the bundle to `directory` and load it; it has no scores yet."""
    graph = graph_of(tagger, checkpoint, precision)
    manifest = Manifest(
        kind=TokenClassificationRecogniser.kind,
        name=described.name,
        version=described.version,
        files={},
        labels=tuple(labels),
        decoder=decoder,
        temperature=1.0,
        context_units=0,
        languages=Languages(trained=tuple(described.languages)),
        training={
            **described.training,
            "architecture": checkpoint.architecture,
            "parameters": sum(parameter.numel() for parameter in tagger.parameters()),
            "precision": precision,
            "origin": origin(checkpoint.directory),
        },
        scores={},
        subwords=checkpoint.subwords,
    )
    return _written(directory, manifest, graph, checkpoint.tokenizer_json)


def graph_of(tagger: Tagger, checkpoint: Checkpoint, precision: Precision) -> bytes:
    """Return `tagger` as a graph that reads the tokens of `checkpoint`."""
    # One thread: a sum that is shared between threads may end in other bits.
    torch.set_num_threads(1)
    return export(
        tagger,
        precision,
        vocabulary=int(checkpoint.config["vocab_size"]),
        longest=checkpoint.subwords.window_tokens,
    )


def _written(directory: Path, manifest: Manifest, graph: bytes, tokenizer_json: str) -> Manifest:
    contents = {
        GRAPH_NAME: graph,
        TOKENIZER_NAME: tokenizer_json.encode(),
        CARD_NAME: card(manifest).encode(),
    }
    files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    manifest = msgspec.structs.replace(manifest, files=files)
    contents[MANIFEST_NAME] = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    try:
        for name, data in contents.items():
            (directory / name).write_bytes(data)
    except OSError as error:
        raise FatalError(f"{directory} can't be written: {error.strerror}") from error
    bundle.load(directory, allow_ungated=True)
    return manifest


def origin(directory: Path) -> dict[str, str]:
    """Return the sha256 of every file of a checkpoint that a model is made from."""
    return {
        file.name: _sha256(file)
        for file in sorted(directory.iterdir())
        if file.suffix in (".json", ".safetensors")
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
