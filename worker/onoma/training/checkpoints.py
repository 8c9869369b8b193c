"""Writes and reads checkpoints: weights as safetensors, the rest as JSON; and the log of scores.

Between `loop.py` and the disk. Two rules. Nothing that is read can run code: a pickle is refused,
not opened. A checkpoint is written beside the old one and takes its place only when it is whole, so
a full disk or a lost power line costs the last minutes and never the checkpoint before them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from onoma.errors import FatalError, WrongUseError
from onoma.evaluation.learning import Score, log_of

RECORD_NAME = "checkpoint.json"
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`architecture` says which network the tensors fit; `record` is JSON."""

    architecture: str
    parts: Mapping[str, Tensors]
    record: Mapping[str, Any] = field(default_factory=dict)


def save(checkpoint: Checkpoint, directory: Path) -> None:
    """Write `checkpoint` as `directory`, in place of an earlier checkpoint there."""
    new, old = (directory.with_name(directory.name + end) for end in (".new", ".old"))
    record = {"architecture": checkpoint.architecture, **checkpoint.record}
    record["parts"] = sorted(checkpoint.parts)
    try:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)
        new.mkdir(parents=True)
        for name, tensors in checkpoint.parts.items():
            whole = {key: tensor.detach().contiguous() for key, tensor in tensors.items()}
            save_file(whole, new / f"{name}.safetensors")
        (new / RECORD_NAME).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        shutil.rmtree(new, ignore_errors=True)
        raise FatalError(
            f"the checkpoint {directory} can't be written: {error}; what was there before still "
            "stands, so make room and go on with --resume"
        ) from error
    if directory.exists():
        directory.rename(old)
    new.rename(directory)
    shutil.rmtree(old, ignore_errors=True)


def save_log(scores: Iterable[Score], path: Path) -> None:
    """Write the log of `scores` in the place of an earlier one."""
    write_whole(path, log_of(scores).encode(), "log")


def write_whole(path: Path, data: bytes, what: str) -> None:
    """Write `data` in the place of what stood at `path`; a reader never sees half of it.

    Raises FatalError that names `what` could not be written; what was there then still stands.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(data)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise FatalError(
            f"the {what} {path} can't be written: {error}; make room and go on with --resume"
        ) from error


def exists(directory: Path) -> bool:
    """Say whether `directory` holds a checkpoint, perhaps one whose place was being taken."""
    return (_standing(directory) / RECORD_NAME).is_file()


def load(directory: Path, architecture: str) -> Checkpoint:
    """Read the checkpoint in `directory`, which must be of `architecture`."""
    place = _standing(directory)
    pickles = [file.name for file in sorted(place.glob("*")) if file.suffix in PICKLES]
    if pickles:
        raise WrongUseError(
            f"{place} holds {pickles[0]}, a pickle, which may run code when it is read: only "
            "safetensors are"
        )
    try:
        record = json.loads((place / RECORD_NAME).read_text(encoding="utf-8"))
        found = record["architecture"]
        if found != architecture:
            raise WrongUseError(
                f"{place} is a checkpoint of {found}, wanted {architecture}: give the recipe it "
                "was made with, or another directory"
            )
        parts = {name: load_file(place / f"{name}.safetensors") for name in record["parts"]}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise WrongUseError(f"{place} holds no checkpoint that can be read: {error!r}") from error
    return Checkpoint(architecture, parts, record)


def _standing(directory: Path) -> Path:
    """Return where the last whole checkpoint lies: a stop between two renames leaves it as
    `.old`.
    """
    old = directory.with_name(directory.name + ".old")
    return old if not directory.exists() and old.exists() else directory
