"""Writes tiny model bundles, whole or wrong in one way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onoma.registry import bundle
from onoma.registry.gate import write_manifest
from onoma.registry.gate_record import record_of, with_gate
from tests.tiny_onnx import wordhash_graph

LABELS = ["O", "B-PER", "I-PER"]
CARD = "# A tiny model\n"

Change = Callable[[dict[str, Any]], None]


def tiny_bundle(
    directory: Path, *, graph: bytes | None = None, change: Change = lambda manifest: None
) -> Path:
    """Write a bundle whose manifest fits its files, after `change` did what it likes to it."""
    contents = {"model.onnx": graph or wordhash_graph(len(LABELS)), "README.md": CARD.encode()}
    manifest: dict[str, Any] = {
        "kind": "wordhash",
        "name": "tiny",
        "version": "3",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "labels": LABELS,
        "decoder": {"start": [0.0] * 3, "transitions": [[0.0] * 3] * 3},
        "temperature": 1.5,
        "context_units": 4,
        "languages": {"trained": ["ha"], "zero_shot": ["zu"]},
        "training": {"seed": 7},
        "scores": {"dev": 0.5},
    }
    change(manifest)
    directory.mkdir(exist_ok=True)
    for name, data in contents.items():
        (directory / name).write_bytes(data)
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def pass_unjudged(directory: Path) -> Path:
    """Write a gate record without checks into the bundle, for tests of other things."""
    manifest, _ = bundle.verify(directory)
    record = record_of(manifest, (), date="2026-01-31", onoma="test", runtime="test", data="")
    write_manifest(directory, with_gate(manifest, record))
    return directory
