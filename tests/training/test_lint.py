"""The data linter: what it finds, where it says it is, and what makes data unfit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from onoma.cli.lint import command
from onoma.errors import WrongUseError
from onoma.training.lint import FileReport, is_unfit, lint

CLEAN = {
    "train.conll": "Ada\tB-PER\nran\tO\n\nKano\tB-LOC\n",
    "dev.conll": "Ada\tB-PER\nfell\tO\n\nObi\tB-PER\n",
}

DAMAGED = "".join(f"a{number}\tB-X\n\n" for number in range(12)) + "b\tO\nc\tI-X\n"


def _write(directory: Path, **files: str) -> Path:
    for name, text in {**CLEAN, **{f"{key}.conll": value for key, value in files.items()}}.items():
        (directory / name).write_text(text, encoding="utf-8", newline="")
    return directory


def _of(reports: tuple[FileReport, ...], part: str) -> FileReport:
    return next(report for report in reports if report.part == part)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def test_clean_data_has_statistics_and_no_findings(tmp_path: Path) -> None:
    reports = lint(_write(tmp_path))
    dev = _of(reports, "dev")

    assert not is_unfit(reports)
    assert [report.findings for report in reports] == [{}, {}]
    assert (dev.sentences, dev.tokens, dict(dev.labels)) == (2, 3, {"PER": 2})
    assert dev.unseen == 0.5
    assert dev.tagging == "IOB2"


def test_a_sentence_in_two_parts_is_leakage_in_whatever_layout(tmp_path: Path) -> None:
    reports = lint(_write(tmp_path, dev="x\tO\n\nADA\tB-PER\nran\tO\n!\tO\n"))

    leakage = _of(reports, "dev").findings["leakage"]
    assert is_unfit(reports)
    assert leakage.count == 1
    assert leakage.places == [f"{tmp_path}/dev.conll:3 (in {tmp_path}/train.conll:1)"]


def test_other_corpora_of_the_language_are_looked_at_too(tmp_path: Path) -> None:
    for corpus, language, part in (("a", "hau", "train"), ("b", "ha", "dev"), ("c", "yo", "test")):
        directory = tmp_path / corpus / language
        directory.mkdir(parents=True)
        (directory / f"{part}.conll").write_text("Ada\tO\nran\tO\n")

    leaking = [report.name for report in lint(tmp_path) if "leakage" in report.findings]

    assert leaking == ["b/ha"]


def test_sentences_of_punctuation_alone_are_never_leakage(tmp_path: Path) -> None:
    assert not is_unfit(lint(_write(tmp_path, train="-\tO\n", dev="-\tO\n")))


@pytest.mark.parametrize(
    ("train", "kind", "places"),
    [
        ("a\tO\n\na\tO\n", "duplicates", [3]),
        ("a\tO\n\na\tB-X\n", "contradictions", [3]),
        (DAMAGED, "invalid tags", [26]),
        ("e\u0301\tO\n", "not NFC", [1]),
        ("a\tO\nb\ufffd\tO\n", "replacement characters", [2]),
        ("a\x07\tO\n", "control characters", [1]),
        ("a\u202e\tO\n", "format characters", [1]),
        ("a b\tO\n", "blanks in tokens", [1]),
    ],
)
def test_each_fault_is_found_at_its_place(
    tmp_path: Path, train: str, kind: str, places: list[int]
) -> None:
    reports = lint(_write(tmp_path, train=train))

    findings = _of(reports, "train").findings
    assert list(findings) == [kind]
    assert [place.split(" ")[0] for place in findings[kind].places] == [
        f"{tmp_path}/train.conll:{line}" for line in places
    ]
    assert not is_unfit(reports)


def test_joiners_that_a_script_needs_are_no_fault(tmp_path: Path) -> None:
    assert not _of(lint(_write(tmp_path, train="ක්\u200dෂ\tO\n")), "train").findings


def test_labels_outside_the_label_map_are_found(tmp_path: Path) -> None:
    label_map = {tmp_path.name: {"map": {"PER": "PER"}, "annotates": ["PER"]}}
    (tmp_path / "labelmap.json").write_text(json.dumps(label_map))

    assert _of(lint(_write(tmp_path)), "train").findings["unknown labels"].count == 1


def test_licences_come_from_the_manifest_beside_the_files(tmp_path: Path) -> None:
    row = {"corpus": tmp_path.name, "lang": "und", "split": "train", "licence": "CC0"}
    (tmp_path / "manifest.json").write_text(json.dumps([row]))
    reports = lint(_write(tmp_path))

    assert [(r.part, r.licence) for r in reports] == [("dev", ""), ("train", "CC0")]


@pytest.mark.parametrize("text", ["{", '[{"corpus": 1}]', '{"a": 1}'])
def test_a_broken_manifest_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (_write(tmp_path) / "manifest.json").write_text(text)

    with pytest.raises(WrongUseError, match=r"manifest\.json: is no list of objects"):
        lint(tmp_path)


def test_json_lines_are_linted_by_their_rows(tmp_path: Path) -> None:
    row = {"text": "Ada ran", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    (tmp_path / "train.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")

    (report,) = lint(tmp_path)

    assert report.findings["duplicates"].places == [f"{tmp_path}/train.jsonl:2 (as line 1)"]


def test_leakage_ends_with_exit_code_1_and_all_else_with_0(tmp_path: Path) -> None:
    clean = _run(str(_write(tmp_path)))
    leaking = _run(str(_write(tmp_path, dev=CLEAN["train.conll"])))

    assert (clean.exit_code, leaking.exit_code) == (0, 1)
    assert "2 sentences of this part that are also in a training part" in leaking.output
    assert "unfit" in leaking.stderr


def test_json_names_counts_and_places(tmp_path: Path) -> None:
    result = _run(str(_write(tmp_path, train="a\tO\n\na\tO\n")), "--json")
    record: dict[str, Any] = json.loads(result.stdout)

    assert record["unfit"] is False
    train = next(file for file in record["files"] if file["part"] == "train")
    assert train["findings"]["duplicates"]["count"] == 1
    assert train["licence"] == ""
