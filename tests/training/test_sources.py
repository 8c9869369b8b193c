from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Sentence
from onoma.training.sources import Licence, read_corpora, read_licences, scored

LABEL_MAP = {
    "own": {"map": {"person": "PER"}, "annotates": ["PER"]},
    "german_ler": {"map": {}, "annotates": ["LOC"]},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "labelmap.json").write_text(json.dumps(LABEL_MAP), encoding="utf-8")
    _write(tmp_path / "ner/open/own/hau/dev.conll.gz", "Ada\tB-person\n\nKano\tO\n")
    _write(tmp_path / "ner/open/german_ler/deu/dev.conll.gz", "Bonn\tO\n")
    _write(tmp_path / "ner/nc/own/yor/dev.conll.gz", "Ade\tB-person\n")
    return tmp_path


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(text.encode()))


def test_open_corpora_are_read_by_name_with_their_language(data: Path) -> None:
    german, own = read_corpora(data, "dev")

    assert (german.name, german.language) == ("german_ler/deu", "de")
    assert (own.name, own.language, own.annotates) == ("own/hau", "ha", frozenset({"PER"}))
    assert own.sentences == (Sentence(("Ada",), ("B-PER",)), Sentence(("Kano",), ("O",)))


def test_corpora_beside_the_headline_are_not_scored(data: Path) -> None:
    assert [corpus.name for corpus in scored(read_corpora(data, "dev"))] == ["own/hau"]


def test_a_directory_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"has no ner/open.*give --data"):
        read_corpora(tmp_path, "dev")


def test_a_corpus_that_the_label_map_lacks_is_refused(data: Path) -> None:
    _write(data / "ner/open/new/eng/dev.conll.gz", "Ada\tO\n")

    with pytest.raises(WrongUseError, match="no entry for new"):
        read_corpora(data, "dev")


def test_a_damaged_line_is_refused_with_its_file(data: Path) -> None:
    _write(data / "ner/open/own/yor/dev.conll.gz", "Ada\n")

    with pytest.raises(WrongUseError, match=r"own/yor/dev.conll.gz:1: found"):
        read_corpora(data, "dev")


def test_a_label_map_that_is_no_json_is_refused(data: Path) -> None:
    (data / "labelmap.json").write_text("{", encoding="utf-8")

    with pytest.raises(WrongUseError, match=r"labelmap\.json can't be read"):
        read_corpora(data, "dev")


def test_only_open_training_sets_have_a_licence_to_name(tmp_path: Path) -> None:
    row = {"corpus": "own", "lang": "hau", "licence": "CC0", "repo": "a/b"}
    rows = [
        {**row, "split": "train", "non_commercial": False},
        {**row, "lang": "yor", "split": "train", "non_commercial": True},
        {**row, "lang": "ibo", "split": "dev", "non_commercial": False},
    ]
    (tmp_path / "ner_manifest.json").write_text(json.dumps(rows), encoding="utf-8")

    assert read_licences(tmp_path) == {"own/hau": Licence("own", "hau", "CC0", "a/b")}
