# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import errno
import pickle
from pathlib import Path
from typing import Any

import pytest

from tests.training.extra import need

need("torch", "safetensors")


import torch

from onoma.errors import FatalError, WrongUseError
from onoma.training import checkpoints
from onoma.training.checkpoints import Checkpoint, exists, load, save

pytestmark = pytest.mark.train


def _checkpoint(value: float, **record: Any) -> Checkpoint:
    return Checkpoint("small", {"weights": {"a": torch.full((3,), value)}}, record)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    save(_checkpoint(0.1, step=7, places={"names": [1, 2]}), tmp_path / "c")

    found = load(tmp_path / "c", "small")

    assert torch.equal(found.parts["weights"]["a"], torch.full((3,), 0.1))
    assert found.record["step"] == 7
    assert found.record["places"] == {"names": [1, 2]}


def test_the_newer_checkpoint_takes_the_place_of_the_older(tmp_path: Path) -> None:
    save(_checkpoint(1.0), tmp_path / "c")
    save(_checkpoint(2.0), tmp_path / "c")

    assert load(tmp_path / "c", "small").parts["weights"]["a"][0] == 2.0
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_full_disk_costs_the_new_checkpoint_and_not_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(_checkpoint(1.0), tmp_path / "c")

    def full(tensors: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(FatalError, match=r"No space left on device.*still stands.*--resume"):
        save(_checkpoint(2.0), tmp_path / "c")

    assert load(tmp_path / "c", "small").parts["weights"]["a"][0] == 1.0
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_checkpoint_of_another_architecture_is_refused_and_kept(tmp_path: Path) -> None:
    save(_checkpoint(1.0), tmp_path / "c")

    with pytest.raises(WrongUseError, match="is a checkpoint of small, wanted large"):
        load(tmp_path / "c", "large")

    assert exists(tmp_path / "c")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "optimiser.pkl"])
def test_a_pickle_is_refused_without_being_opened(name: str, tmp_path: Path) -> None:
    save(_checkpoint(1.0), tmp_path / "c")
    (tmp_path / "c" / name).write_bytes(pickle.dumps(Trap()))

    with pytest.raises(WrongUseError, match=f"{name}, a pickle"):
        load(tmp_path / "c", "small")

    assert not Trap.sprung


class Trap:
    """Notes that it was unpickled."""

    sprung = False

    def __setstate__(self, state: object) -> None:
        Trap.sprung = True

    def __getstate__(self) -> dict[str, int]:
        return {"any": 1}


@pytest.mark.parametrize("damage", ["cut", "no record", "not JSON", "other JSON"])
def test_a_damaged_checkpoint_is_named(damage: str, tmp_path: Path) -> None:
    place = tmp_path / "c"
    save(_checkpoint(1.0), place)
    if damage == "cut":
        (place / "weights.safetensors").write_bytes(b"\x08")
    elif damage == "no record":
        (place / "checkpoint.json").unlink()
    else:
        (place / "checkpoint.json").write_text("[]" if damage == "other JSON" else "{")

    with pytest.raises(WrongUseError, match="holds no checkpoint that can be read"):
        load(place, "small")


def test_a_stop_between_two_renames_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    save(_checkpoint(1.0), tmp_path / "c")
    (tmp_path / "c").rename(tmp_path / "c.old")

    assert exists(tmp_path / "c")
    assert load(tmp_path / "c", "small").parts["weights"]["a"][0] == 1.0
    save(_checkpoint(2.0), tmp_path / "c")
    assert load(tmp_path / "c", "small").parts["weights"]["a"][0] == 2.0
