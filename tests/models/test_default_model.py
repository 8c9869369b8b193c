"""The model that ships: what it promises, measured on the file in the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.raw import every_unit
from onoma.evaluation.report import evaluate
from onoma.evaluation.spans import spans_of
from onoma.ner.wordhash import WordHashRecogniser
from onoma.registry import bundle
from onoma.registry.bundle import Model
from onoma.text.segmentation import segment
from onoma.training.card import card
from onoma.training.sources import read_corpora, scored
from tests.conftest import DATA

WANTED_MACRO_F1 = 0.66
WORDS = ("Shugaban", "Najeriya", "Bola", "Tinubu", "said:", "दिल्ली", "القاهرة", "2024", "Ṣadé", "—")


@pytest.fixture(scope="module")
def model() -> Model:
    return bundle.load(bundle.default_directory())


@pytest.mark.data
@pytest.mark.slow
def test_the_bundled_model_reaches_the_wanted_macro_f1_on_the_open_dev_sets(model: Model) -> None:
    corpora = scored(read_corpora(DATA, "dev"))

    report = evaluate(model.recogniser.label, model.manifest.labels, corpora)

    assert len(report.sets) == 25
    assert report.macro_f1 >= WANTED_MACRO_F1
    stated = {name: row["tokens"] for name, row in model.manifest.scores["sets"].items()}
    assert {s.name: round(s.counts.f1, 4) for s in report.sets} == pytest.approx(stated, abs=2e-3)


def test_the_card_says_what_the_manifest_says(model: Model) -> None:
    text = (bundle.default_directory() / "README.md").read_text(encoding="utf-8")

    assert text == card(model.manifest)


def test_the_bundle_is_small() -> None:
    files = [file for file in Path(bundle.default_directory()).iterdir() if file.is_file()]

    assert sum(file.stat().st_size for file in files) <= 12 * 1024**2


def test_names_are_found_in_a_hausa_sentence(model: Model) -> None:
    text = "Shugaban Najeriya Bola Ahmed Tinubu ya gana da jami'an Bankin Duniya a birnin Abuja."
    units = segment(text)

    (path,) = model.recogniser.label([units.strings()])

    spans = spans_of([model.manifest.labels[number] for number in path])
    found = {(text[units.starts[s.start] : units.ends[s.end - 1]], s.label) for s in spans}
    wanted = {("Bola Ahmed Tinubu", "PER"), ("Bankin Duniya", "ORG"), ("Abuja", "LOC")}
    assert len(found & wanted) >= 2


@pytest.mark.parametrize("length", [1, 2, 3, 5, 17, 64, 120, 333])
def test_bits_of_a_document_do_not_depend_on_its_neighbours(model: Model, length: int) -> None:
    recogniser = model.recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    words = segment(" ".join(WORDS)).strings()
    document = recogniser.rows((words * length)[:length])
    (alone,) = recogniser.emissions([document])
    for before, after in ((0, 1), (1, 0), (2, 5), (40, 0), (300, 101), (700, 3)):
        neighbours = [recogniser.rows(["Ⓩ" * 16] * count) for count in (before, after) if count]
        place = 1 if before else 0
        neighbours.insert(place, document)

        beside = recogniser.emissions(neighbours)[place]

        assert np.array_equal(alone, beside)


def test_bits_of_a_word_do_not_depend_on_whether_the_call_computes_it_once(model: Model) -> None:
    recogniser = model.recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    documents = [recogniser.rows([word, *WORDS, word] * 9) for word in WORDS[:5]]

    together = recogniser.emissions(documents)
    recogniser._graph, graph = (lambda inputs: graph(every_unit(inputs))), recogniser._graph
    try:
        apart = recogniser.emissions(documents)
    finally:
        recogniser._graph = graph

    for once, each in zip(together, apart, strict=True):
        assert np.array_equal(once, each)


def test_every_training_corpus_stands_with_its_licence(model: Model) -> None:
    corpora = model.manifest.training["corpora"]

    assert all(row["licence"] for row in corpora.values())
    assert not [name for name in corpora if name.startswith(("masakha", "lacuna"))]


def test_a_graph_byte_that_was_changed_is_noticed(tmp_path: Path) -> None:
    for file in bundle.default_directory().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "model.onnx").open("r+b") as graph:
        graph.seek(5_000_000)
        byte = graph.read(1)
        graph.seek(5_000_000)
        graph.write(bytes([byte[0] ^ 1]))

    with pytest.raises(Exception, match="was altered"):
        bundle.load(tmp_path)
