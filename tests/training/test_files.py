"""Annotated files of any layout, and what is said of those that can't be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from onoma.errors import WrongUseError
from onoma.evaluation.spans import Span, spans_of
from onoma.training.files import Reading, read_part

CONLL = "Ada\tB-SHIP\nran\tO\n"


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_files_of_every_format_are_read_by_their_part(tmp_path: Path) -> None:
    _write(tmp_path / "own/ha/dev.conll.gz", CONLL)
    row = {"text": "Ada ran", "spans": [{"start": 0, "end": 3, "label": "SHIP"}]}
    _write(tmp_path / "lines/yo/dev.jsonl", json.dumps(row) + "\n")
    value = {"start": 0, "end": 3, "text": "Ada", "labels": ["SHIP"]}
    region = {"type": "labels", "value": value}
    task = {"data": {"text": "Ada ran"}, "annotations": [{"result": [region]}]}
    _write(tmp_path / "studio/ig/dev.json", json.dumps([task]))

    corpora = read_part(tmp_path, "dev")

    assert [(c.name, c.language) for c in corpora] == [
        ("lines/yo", "yo"),
        ("own/ha", "ha"),
        ("studio/ig", "ig"),
    ]
    for corpus in corpora:
        assert spans_of(corpus.sentences[0].tags) == (Span(0, 1, "SHIP"),)
        assert corpus.annotates == {"SHIP"}


def test_a_label_map_beside_the_files_decides(tmp_path: Path) -> None:
    label_map = {"own": {"map": {"SHIP": "LOC"}, "annotates": ["LOC", "PER"]}}
    _write(tmp_path / "labelmap.json", json.dumps(label_map))
    _write(tmp_path / "own/hau/dev.conll", CONLL)

    (corpus,) = read_part(tmp_path, "dev")

    assert corpus.language == "ha"
    assert corpus.annotates == {"LOC", "PER"}
    assert corpus.sentences[0].tags == ("B-LOC", "O")


def test_a_type_that_only_training_has_is_annotated_in_dev_too(tmp_path: Path) -> None:
    _write(tmp_path / "dev.conll", CONLL)
    _write(tmp_path / "train.conll", "Kano\tB-TOWN\n")

    (corpus,) = read_part(tmp_path, "dev")

    assert corpus.annotates == {"SHIP", "TOWN"}
    assert corpus.language == "und"


def test_a_single_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    (corpus,) = read_part(_write(tmp_path / "mine.iob", CONLL), "dev")

    assert len(corpus.sentences) == 1


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("dev.conll", b"", r"dev\.conll:1: found no sentence"),
        ("dev.conll", b"\tO\n", r"dev\.conll:1: found the tag 'O' without a token"),
        ("dev.conll", b"M\xe1laga\tO\n", r"dev\.conll: is not UTF-8"),
        ("dev.conll.gz", b"Ada\tO\n", r"dev\.conll\.gz: can't be read"),
        ("dev.jsonl", b"", r"dev\.jsonl:1: found no line"),
        ("dev.json", b"{}", r"dev\.json:1: found no task"),
        ("train.conll", b"Ada\tO\n", "found no file of the part 'dev'"),
        ("notes.md", b"x", "found no annotated files; wanted such as train.conll"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(data)

    with pytest.raises(WrongUseError, match=message) as caught:
        read_part(tmp_path, "dev")
    assert "\n" not in str(caught.value)


def test_a_declared_scheme_reaches_the_reader(tmp_path: Path) -> None:
    file = _write(tmp_path / "dev.conll", "Ada\tB-PER\n\na\tO\nObi\tI-PER\n")

    with pytest.raises(WrongUseError, match="IOB1 and IOB2 are mixed"):
        read_part(file, "dev")
    assert len(read_part(file, "dev", Reading(tagging="IOB2"))[0].sentences) == 2
