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
from onoma.evaluation.learning import points_of
from onoma.training.reports import write_report

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
    "model": {"name": "own", "version": "2"},
    "text": "raw",
    "signature": {"line": "scheme:IOB2|data:ab"},
    "macro_f1": 0.5123,
    "macro_interval": [0.4, 0.6],
    "micro": FIGURES,
    "sets": {"a/en": FIGURES, "b/yo": {**FIGURES, "f1": 0.7, "interval": [0.7, 0.7]}},
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
    curves = {"own": points_of([(10, 0.1), (20, 0.5)], units=100, seconds=9.0)}
    files = write_report(RECORD, tmp_path / "new" / "report", curves)
    text = (tmp_path / "new/report/report.md").read_text(encoding="utf-8")

    assert json.loads((tmp_path / "new/report/report.json").read_text()) == RECORD
    assert "Macro F1 of 2 sets **0.5123**" in text
    assert "| b/yo | 7 | 0.600 | 0.429 | 0.700 | 0.700-0.700 |" in text
    assert "| **macro** | 0.500 | 0.400 | +0.100 | +0.020 to +0.200 | 0.0120 |" in text
    assert "| own | 0.5000 | 20 | 100 | 9 |" in text
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
    one, two = (write_report(RECORD, tmp_path / name, {}) for name in ("one", "two"))

    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(WrongUseError, match="can't be written"):
        write_report(RECORD, tmp_path / "file", {})
