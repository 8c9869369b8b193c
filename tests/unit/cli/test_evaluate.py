from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from onoma.cli.evaluate import command, own_curve
from onoma.errors import WrongUseError
from onoma.evaluation.learning import Score
from onoma.registry import bundle
from tests.tiny_bundle import tiny_bundle

HAUSA = (
    "Shugaban\tO\nNajeriya\tB-place\nBola\tB-person\nAhmed\tI-person\nTinubu\tI-person\n"
    "ya\tO\nisa\tO\nAbuja\tB-place\n.\tO\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    label_map = {"own": {"map": {"person": "PER", "place": "LOC"}, "annotates": ["PER", "LOC"]}}
    (tmp_path / "labelmap.json").write_text(json.dumps(label_map), encoding="utf-8")
    for name in ("own/hau/dev", "own/hau/train", "own/eng/dev"):
        file = tmp_path / f"ner/open/{name}.conll.gz"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(f"{HAUSA}\n{HAUSA}".encode()))
    return tmp_path


def _run(data: Path, *options: str) -> str:
    result = CliRunner().invoke(command, ["--data", str(data), *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("form", ["tokens", "raw", "documents", "lines"])
def test_json_names_the_model_and_scores_each_set(data: Path, form: str) -> None:
    record: dict[str, Any] = json.loads(_run(data, "--json", "--text", form))

    assert record["model"]["name"] == "wordhash-open"
    assert len(record["model"]["sha256"]) == 64
    assert record["text"] == form
    assert record["sets"]["own/eng"]["gold"] == 6
    assert f"|text:{form}|" in record["signature"]["line"]


def test_mentions_are_seen_or_unseen_where_there_is_training_data(data: Path) -> None:
    record: dict[str, Any] = json.loads(_run(data, "--json"))

    assert record["mentions"]["seen"]["gold"] == 6
    assert "mentions" not in record["sets"]["own/eng"]


def test_the_table_ends_with_the_macro_and_the_signature(data: Path) -> None:
    output = _run(data)

    assert "macro of 2 sets" in output
    assert output.splitlines()[-1].startswith("scheme:IOB2|matching:strict|text:tokens|data:")


def test_only_the_languages_asked_for_are_scored(data: Path) -> None:
    record: dict[str, Any] = json.loads(_run(data, "--json", "--language", "ha"))

    assert list(record["sets"]) == ["own/hau"]


def test_a_language_without_a_dev_set_is_named_with_those_that_have_one(data: Path) -> None:
    with pytest.raises(WrongUseError, match=r"found no dev set in 'yo', but in en, ha$"):
        _run(data, "--language", "yo")


def test_a_model_compared_with_itself_does_not_differ(data: Path) -> None:
    directory = str(bundle.default_directory())
    record: dict[str, Any] = json.loads(_run(data, "--json", "--against", directory))

    assert record["against"]["macro"]["difference"] == 0.0
    assert record["against"]["macro"]["p"] == 1.0


def test_robustness_and_documents_are_scored_on_demand(data: Path) -> None:
    record: dict[str, Any] = json.loads(_run(data, "--json", "--robustness", "--documents"))

    assert set(record["robustness"]) == {"lower case", "marks stripped", "letters lost or doubled"}
    assert set(record["joined"]) == {"documents", "lines"}


def test_a_bundle_that_passed_no_gate_is_scored(data: Path, tmp_path: Path) -> None:
    directory = tiny_bundle(tmp_path / "bundle")
    record: dict[str, Any] = json.loads(_run(data, "--json", "--model", str(directory)))

    assert record["model"]["gate"] == "none"


def test_own_files_are_scored_with_their_own_labels(tmp_path: Path) -> None:
    file = tmp_path / "mine.conll"
    file.write_text("Bola\tS-PER\nran\tO\n")
    record: dict[str, Any] = json.loads(_run(file, "--json"))

    assert record["types"].keys() == {"PER"}


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is not None, reason="it is installed")
def test_without_matplotlib_a_report_says_what_to_install(data: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"install onoma\[train\]"):
        _run(data, "--report", str(tmp_path / "report"))
    assert not (tmp_path / "report").exists()


def test_the_curve_of_a_training_comes_from_the_manifest() -> None:
    manifest, _ = bundle.verify(bundle.default_directory())
    rows = [
        {"step": 5, "f1": 0.1, "units": 70, "seconds": 2.5},
        {"step": 10, "f1": 0.2, "units": 100, "seconds": 9.0},
    ]
    manifest.training.update(learning=rows)

    (curve,) = own_curve(manifest).values()
    assert curve == (Score(5, 0.1, 70, 2.5), Score(10, 0.2, 100, 9.0))


def test_the_record_holds_the_curve_of_the_shipped_model_beside_that_of_a_log(
    data: Path, tmp_path: Path
) -> None:
    log = tmp_path / "names.jsonl"
    log.write_text('{"step": 10, "f1": 0.5, "units": 900, "seconds": 3.5}\n')

    learning = json.loads(_run(data, "--json", "--log", str(log)))["learning"]

    own, other = learning.values()
    assert own["final_f1"] == own["scores"][-1]["f1"]
    assert other["near"] == {"step": 10, "f1": 0.5, "units": 900, "seconds": 3.5}


def test_a_broken_log_is_refused_before_anything_is_scored(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "names.jsonl"
    log.write_text("{}\n")

    with pytest.raises(WrongUseError, match=r"names.jsonl:1: is no object"):
        _run(data / "ner", "--log", str(log), "--language", "no such")


@pytest.mark.parametrize("place", ["own.conll", "ner/open/own/hau/dev.conll.gz"])
def test_a_scheme_of_tags_that_a_file_does_not_show_can_be_declared(data: Path, place: str) -> None:
    file = data / place
    tags = b"Bola\tI-person\nTinubu\tI-person\nran\tO\n\nto\tO\nAbuja\tB-place\n"
    file.write_bytes(gzip.compress(tags) if place.endswith(".gz") else tags)
    where = file if place == "own.conll" else data

    with pytest.raises(WrongUseError, match=r":6: IOB1 and IOB2 are mixed.*declare its scheme"):
        _run(where, "--json")
    assert json.loads(_run(where, "--json", "--tagging", "IOB2"))["micro"]["gold"] >= 2


def test_offsets_can_count_what_an_annotation_tool_counted(tmp_path: Path) -> None:
    file = tmp_path / "dev.jsonl"
    row = {"text": "😀 Bola ran", "spans": [{"start": 3, "end": 7, "label": "PER"}]}
    file.write_text(json.dumps(row) + "\n")

    record = json.loads(_run(file, "--json", "--offsets", "utf16_code_unit"))

    assert record["types"]["PER"]["gold"] == 1


def test_without_corpora_the_message_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WrongUseError, match="with --data"):
        CliRunner().invoke(command, [], catch_exceptions=False)
