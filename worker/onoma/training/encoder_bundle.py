"""Writes a `token-classification` bundle: graph, tokenizer, manifest, card; then loads it.

Shared by the import and by fine-tuning. The rule: nothing is overwritten, and a bundle that does
not load and answer is an error here, not in a worker.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from onoma.errors import FatalError, WrongUseError
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
from onoma.training.encoder import Checkpoint
from onoma.training.encoder_export import Precision, Tagger, export


@dataclass(frozen=True, slots=True)
class Description:
    """What the makers say of a model; `training` goes into the manifest as it is."""

    name: str
    version: str
    languages: Sequence[str]
    training: Mapping[str, Any]


def claim(directory: Path) -> None:
    """Make `directory`, or refuse one that holds anything."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise WrongUseError(f"{directory} is not empty: give --out a new directory")


def write_bundle(
    directory: Path,
    *,
    checkpoint: Checkpoint,
    tagger: Tagger,
    labels: Sequence[str],
    decoder: Decoder,
    described: Description,
    precision: Precision = "int8",
    temperature: float = 1.0,
) -> Manifest:
    """Export `tagger`, write the bundle to `directory` and load it."""
    # One thread: a sum that is shared between threads may end in other bits.
    torch.set_num_threads(1)
    graph = export(
        tagger,
        precision,
        vocabulary=int(checkpoint.config["vocab_size"]),
        longest=checkpoint.subwords.window_tokens,
    )
    manifest = Manifest(
        kind=TokenClassificationRecogniser.kind,
        name=described.name,
        version=described.version,
        files={},
        labels=tuple(labels),
        decoder=decoder,
        temperature=temperature,
        context_units=0,
        languages=Languages(trained=tuple(described.languages)),
        training={**described.training, "precision": precision},
        scores={},
        subwords=checkpoint.subwords,
    )
    contents = {
        GRAPH_NAME: graph,
        TOKENIZER_NAME: checkpoint.tokenizer_json.encode(),
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


def card(manifest: Manifest) -> str:
    """Return what is known of the model as Markdown: its origin and hashes, no scores."""
    training = manifest.training
    types = dict.fromkeys(label[2:] for label in manifest.labels if label != "O")
    lines = [
        f"# {manifest.name} {manifest.version}",
        "",
        f"A model of the kind `{manifest.kind}` that finds {', '.join(types)} in running text.",
        f"Architecture {training['architecture']}, {training['parameters']:,} parameters, "
        f"{training['precision']}.",
        f"Languages (BCP 47): {', '.join(manifest.languages.trained) or 'not stated'}.",
        "",
        "## Origin",
        "",
        f"{training['what']}",
        "",
        "| file | sha256 |",
        "|---|---|",
        *(f"| {name} | `{digest}` |" for name, digest in training["origin"].items()),
        "",
        "## Scores",
        "",
        "None are stated here. `onoma evaluate` measures them, and no worker serves the model "
        "before `onoma model gate` has judged it.",
        "",
    ]
    return "\n".join(lines)


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
