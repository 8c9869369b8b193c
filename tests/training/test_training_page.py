# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""The commands of the page on training are run in their order, with recipes of a few steps."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from tests.training.extra import need

need("torch", "onnx", "safetensors", "matplotlib")

from onoma.cli import commands
from onoma.evaluation.corpora import Sentence
from onoma.registry import bundle
from onoma.training.files import find_files
from tests.docs.terminal import blocks
from tests.training.sentences import SENTENCES

pytestmark = pytest.mark.train

PAGE = "docs/training.md"
FEW: dict[str, Any] = {"steps": 12, "evaluate_every": 0}


def test_the_commands_of_the_page_work_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_corpora(Path("corpora"))
    _write_recipes()

    for line in _lines("console"):
        program, *arguments = shlex.split(line)
        result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
        assert (program, result.exit_code) == ("onoma", 0), f"{line}: {result.output}"

    first, second, taught = (
        bundle.verify(Path("models", name))[0] for name in ("first", "second", "taught")
    )
    assert (first.name, first.version) == ("first", "1.0.0")
    assert (second.name, second.version) == ("first", "1.1.0")
    assert taught.training["started_from"]["version"] == "1.0.0"
    assert [one["version"] for one in taught.training["teachers"]] == ["1.0.0", "1.0.1"]
    assert second.labels == first.labels == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG",
                                             "I-ORG")  # fmt: skip
    assert {row["licence"] for row in first.training["corpora"].values()} == {"not stated"}
    assert sorted(Path("report").glob("*.png"))


def test_the_page_shows_the_files_as_they_are_found(tmp_path: Path) -> None:
    _write_corpora(tmp_path)

    shown = re.findall(r"^  (\S+/\S+)", "\n".join(_lines("text")), re.MULTILINE)
    there = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    annotated = {file.path.relative_to(tmp_path).as_posix() for file in find_files(tmp_path)}

    assert set(shown) == there
    assert there - annotated == {"text/open/ha.txt.gz"}


def _write_corpora(directory: Path) -> None:
    train, dev = SENTENCES[:6], SENTENCES[6:]
    news, radio = directory / "news" / "ha", directory / "radio" / "yo"
    for folder in (news, radio, directory / "text" / "open"):
        folder.mkdir(parents=True)
    (news / "train.conll").write_text(_conll(train), encoding="utf-8")
    (news / "dev.conll").write_text(_conll(dev), encoding="utf-8")
    region = {"value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}, "type": "labels"}
    task = {"data": {"text": "Ada ran home"}, "annotations": [{"result": [region]}]}
    (radio / "train.json").write_text(json.dumps([task]), encoding="utf-8")
    row = {"text": "Obi ran away", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    (radio / "dev.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    text = gzip.compress(b"Amina ta isa Kano yau da safe\n" * 40)
    (directory / "text" / "open" / "ha.txt.gz").write_bytes(text)


def _conll(sentences: tuple[Sentence, ...]) -> str:
    return "\n".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(each.tokens, each.tags, strict=True))
        for each in sentences
    )


def _write_recipes() -> None:
    """Write the page's recipes with their names, and few steps."""
    for name, block in zip(("recipe.yaml", "tune.yaml"), blocks(PAGE, "yaml"), strict=True):
        recipe = yaml.safe_load(block)
        recipe["schedule"] |= FEW
        if "pretraining" in recipe:
            recipe["pretraining"]["schedule"] |= {"steps": 3}
            recipe["architecture"] = {"width": 32, "layers": 2}
        Path(name).write_text(yaml.safe_dump(recipe), encoding="utf-8")


def _lines(language: str) -> list[str]:
    return [line for block in blocks(PAGE, language) for line in block.splitlines()]
