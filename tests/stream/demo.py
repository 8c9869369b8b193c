"""Runs `onoma` against the demo broker as a person would: a process, its output, its exit code."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from onoma.stream.demo_broker import DemoBroker
from tests.fakes import LABELS
from tests.tiny_bundle import pass_unjudged
from tests.tiny_onnx import wordhash_graph

COMMAND = (sys.executable, "-m", "onoma")
SECONDS = 60.0
TOPICS = {"documents.v1": 4, "entities.v1": 4, "dead-letters.v1": 4}


def environment(**variables: str) -> dict[str, str]:
    """Return this environment without settings of Onoma, with `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONOMA_")}
    return {**kept, **variables}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    output: str
    errors: str


def onoma(*arguments: str, given: bytes = b"", **variables: str) -> Answer:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        timeout=SECONDS,
        env=environment(**variables),
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def write_config(path: Path, bootstrap: str, **sections: Mapping[str, object]) -> Path:
    """Write a settings file for this broker; `sections` go before it."""
    config = {"kafka": {"bootstrap_servers": bootstrap}, **sections}
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


def new_broker() -> DemoBroker:
    """Return a demo broker with the usual topics."""
    return DemoBroker(TOPICS)


def tiny_bundle(directory: Path) -> Path:
    """Write a model bundle that loads at once and finds something in every text."""
    directory.mkdir()
    contents = {"model.onnx": wordhash_graph(len(LABELS)), "README.md": b"# A tiny model\n"}
    none = [0.0] * len(LABELS)
    manifest = {
        "kind": "wordhash",
        "name": "tiny",
        "version": "1",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "labels": LABELS,
        "decoder": {"start": none, "transitions": [none] * len(LABELS)},
        "temperature": 1.0,
        "context_units": 4,
        "languages": {"trained": ["ha"], "zero_shot": ["zu"]},
        "training": {},
        "scores": {},
    }
    for name, data in contents.items():
        (directory / name).write_bytes(data)
    (directory / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return pass_unjudged(directory)
