# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""The report of an evaluation: its words are those of the record, its pictures are pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.extra import need

need("matplotlib")

from onoma.errors import WrongUseError
from onoma.evaluation.learning import Score, learning_record
from onoma.training.reports import open_directory, read_curves, write_report

pytestmark = pytest.mark.train

FIGURES = {
    "f1": 0.5,
    "precision": 0.6,
    "recall": 0.4286,
    "right": 3,
    "predicted": 5,
    "gold": 7,
    "interval": [0.4, 0.6],
}
RECORD: dict[str, Any] = {
    "model": {"name": "own", "version": "2", "sha256": "ab" * 32, "gate": "none"},
    "text": "raw",
    "signature": {"line": "scheme:IOB2|data:ab"},
    "intervals": {"share": 0.95, "resamples": 1000, "seed": 0},
    "macro_f1": 0.5123,
    "macro_interval": [0.4, 0.6],
    "micro": FIGURES,
    "sets": {
        "a/en": {**FIGURES, "sentences": 4},
        "b/yo": {**FIGURES, "sentences": 1234, "f1": 0.7, "interval": [0.7, 0.7]},
    },
    "mentions": {"seen": {k: v for k, v in FIGURES.items() if k != "interval"}},
    "beside": {},
    "languages": {"en": FIGURES, "yo": FIGURES},
    "types": {"PER": FIGURES},
    "calibration": {
        "ece": 0.0312,
        "temperature": 1.2,
        "fitted_temperatures": [1.3, 1.4],
        "fitted_ece": 0.021,
        "bins": [
            {"mentions": 5, "confidence": 0.45, "precision": 0.4},
            {"mentions": 0, "confidence": 0.0, "precision": 0.0},
        ],
    },
    "against": {
        "model": {"name": "old", "version": "1"},
        "macro": {
            "first": 0.5,
            "second": 0.4,
            "difference": 0.1,
            "low": 0.02,
            "high": 0.2,
            "p": 0.012,
        },
        "sets": {},
    },
}


def test_a_report_holds_words_record_and_pictures(tmp_path: Path) -> None:
    curve = (Score(10, 0.1, 70, 2.5), Score(20, 0.48, 90, 7.25), Score(30, 0.5, 100, 9.0))
    record = {**RECORD, "learning": {"own": learning_record(curve)}}
    open_directory(tmp_path / "new" / "report")
    files = write_report(record, tmp_path / "new" / "report")
    text = (tmp_path / "new/report/report.md").read_text(encoding="utf-8")

    assert json.loads((tmp_path / "new/report/report.json").read_text()) == record
    assert "Macro F1 of 2 sets **0.5123**" in text
    assert "| b/yo | 1,234 | 7 | 0.600 | 0.429 | 0.700 | 0.700-0.700 |" in text
    assert "| seen | 7 | 0.600 | 0.429 | 0.500 |\n" in text
    assert "0.0210 at 1.3 and 1.4, each fitted" in text
    assert "| 0.45 | 0.40 | 5 |" in text
    assert "| **macro** | 0.500 | 0.400 | +0.100 | +0.020 to +0.200 | 0.0120 |" in text
    assert "| own | 0.5000 | 20 | 90 | 7.2 | 0.3600 |" in text
    pictures = [file for file in files if file.suffix == ".png"]
    assert [p.name for p in pictures] == [
        "languages.png",
        "sets.png",
        "reliability.png",
        "learning.png",
    ]
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert f"({picture.name})" in text


def test_equal_records_give_equal_pictures(tmp_path: Path) -> None:
    for name in ("one", "two"):
        open_directory(tmp_path / name)
    one, two = (write_report(RECORD, tmp_path / name) for name in ("one", "two"))

    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_what_a_training_did_not_record_is_said_and_not_made_up(tmp_path: Path) -> None:
    curve = (Score(4000, 0.58), Score(8000, 0.66), Score(12000, 0.67))
    write_report({**RECORD, "learning": {"old": learning_record(curve)}}, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")

    assert "| old | 0.6700 | 8,000 | not recorded | not recorded | 0.6367 |" in text
    assert (tmp_path / "learning.png").read_bytes().startswith(b"\x89PNG")


def test_logs_of_the_same_name_are_two_curves(tmp_path: Path) -> None:
    logs = [tmp_path / run / "names.jsonl" for run in ("one", "two")]
    for number, log in enumerate(logs):
        log.parent.mkdir()
        log.write_text(f'{{"step": {number}, "f1": 0.5}}\n')

    assert [curve[0].step for curve in read_curves(logs).values()] == [0, 1]


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(WrongUseError, match=r"file: can't be made: File exists"):
        open_directory(tmp_path / "file")
