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

    with pytest.raises(WrongUseError, match="found no annotated files; wanted such as"):
        CliRunner().invoke(command, options, catch_exceptions=False)

    assert not (tmp_path / "new").exists()


@pytest.mark.train
def test_a_recipe_with_a_misspelt_field_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("exponnent: 0.5\n", encoding="utf-8")
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "new"), "--recipe", str(recipe)]

    with pytest.raises(WrongUseError, match="exponnent is no field"):
        CliRunner().invoke(command, options, catch_exceptions=False)

    assert not (tmp_path / "new").exists()


def test_without_out_it_is_wrong_use(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--data", str(tmp_path)])

    assert result.exit_code == 2
    assert "--out" in result.output


def test_linting_is_a_command_below_training_and_needs_no_out() -> None:
    result = CliRunner().invoke(command, ["lint", "--help"])

    assert result.exit_code == 0
    assert "Usage: train lint" in result.output
