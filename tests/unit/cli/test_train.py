from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner

from onoma.cli.train import command
from onoma.errors import WrongUseError


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="the extra `train` is installed"
)
def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "new")]

    with pytest.raises(WrongUseError, match=r"install onoma\[train\]"):
        CliRunner().invoke(command, options, catch_exceptions=False)


@pytest.mark.train
def test_a_directory_without_corpora_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "new")]

    with pytest.raises(WrongUseError, match="give --data"):
        CliRunner().invoke(command, options, catch_exceptions=False)

    assert not (tmp_path / "new").exists()


def test_a_budget_of_nothing_is_wrong_use(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "new"), "--seconds", "0"]

    assert CliRunner().invoke(command, options).exit_code == 2
