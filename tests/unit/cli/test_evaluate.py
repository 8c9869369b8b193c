from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from onoma.cli.evaluate import command
from onoma.errors import WrongUseError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    label_map = {"own": {"map": {"person": "PER"}, "annotates": ["PER"]}}
    (tmp_path / "labelmap.json").write_text(json.dumps(label_map), encoding="utf-8")
    file = tmp_path / "ner/open/own/eng/dev.conll.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(b"Nothing\tO\nis\tO\nsaid\tO\nhere\tO\n\nOK\tB-person\n"))
    return tmp_path


def _run(data: Path, *options: str) -> str:
    result = CliRunner().invoke(command, ["--data", str(data), *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize("form", ["tokens", "raw"])
def test_json_names_the_model_and_scores_each_set(data: Path, form: str) -> None:
    record = json.loads(_run(data, "--json", "--text", form))

    assert record["model"]["name"] == "wordhash-open"
    assert len(record["model"]["sha256"]) == 64
    assert record["text"] == form
    assert record["sets"]["own/eng"]["gold"] == 1


def test_the_table_ends_with_the_macro(data: Path) -> None:
    assert "macro of 1 sets" in _run(data)


def test_without_corpora_the_message_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WrongUseError, match="with --data"):
        CliRunner().invoke(command, [], catch_exceptions=False)
