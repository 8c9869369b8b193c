# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""A network learns from lists of names, and its bundle carries them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.training.extra import need

need("torch", "onnx", "safetensors")


import onnxruntime
import torch

from onoma.cli.annotate import command as annotate
from onoma.errors import FatalError, WrongUseError
from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.judging import read
from onoma.gazetteer.channel import NUMBERS_PER_UNIT, Gazetteer
from onoma.ner.wordhash import WINDOW_UNITS, Inputs, WordHashRecogniser
from onoma.registry import bundle
from onoma.registry.gate import write_manifest
from onoma.registry.gate_record import checked_gate
from onoma.registry.manifest import GAZETTEER_NAME, Manifest
from onoma.registry.manifest import Gazetteer as GazetteerEntry
from onoma.training import pieces
from onoma.training.bundle import CHANNEL, calibration_batches, write
from onoma.training.card import card
from onoma.training.corpora import Corpora
from onoma.training.dequantising import network_of
from onoma.training.export import calibrate, export
from onoma.training.gazetteers import NameList, Names, names_of
from onoma.training.network import Batch, Shape, WordHash
from onoma.training.pieces import Place, fresh_network, run
from onoma.training.recipes import Lists, Pretraining, Recipe, Schedule
from onoma.training.reference import full_precision
from onoma.training.sources import Licence
from tests.training.networks import RECIPE, small_network, trained_network
from tests.training.sentences import LABELS

pytestmark = pytest.mark.train

CHANCE = Random(1)


def _word() -> str:
    pairs = (CHANCE.choice("bdfgklmnprstvz") + CHANCE.choice("aeiou") for _ in range(3))
    return "".join(pairs).title()


WORDS = sorted({_word() for _ in range(400)})
CHANCE.shuffle(WORDS)
LISTED, UNLISTED = WORDS[:150], WORDS[150:300]
NEW, STRANGE = WORDS[300:340], WORDS[340:380]
"""Words that no sentence has; the new ones are listed."""
GAZETTEER = Gazetteer([*LISTED, *NEW, "Nuvela Hexati"], ["Amina"])
NAMES = Names(GAZETTEER, (NameList("own/places.txt", "places", 191, "CC BY 4.0", "own/lists"),))


def _sentence(name: str, label: str) -> Sentence:
    return Sentence(("they", "saw", name, "today"), ("O", "O", label, "O"))


# Neither capitals nor neighbours tell places here, and the words are too many to be remembered.
CORPUS = Corpus(
    "own/xx",
    "xx",
    frozenset({"PER", "LOC", "ORG"}),
    (
        *(_sentence(name, "B-LOC") for name in LISTED),
        *(_sentence(name, "O") for name in UNLISTED),
    ),
)
CORPORA = Corpora(
    (CORPUS,), (CORPUS,), {"own/xx": Licence("own", "xx", "written by us", "none")}, names=NAMES
)
LISTS = Lists(places=("own/places.txt",), dropout=0.0)
WITH_LISTS = replace(
    RECIPE,
    gazetteer=LISTS,
    architecture=replace(RECIPE.architecture, word_dropout=0.8),
)


@pytest.fixture(scope="module")
def trained() -> WordHash:
    network = fresh_network(WITH_LISTS, LABELS, None)
    return trained_network(WITH_LISTS, corpora=(CORPUS,), network=network, gazetteer=GAZETTEER)[0]


@pytest.fixture(scope="module")
def directory(trained: WordHash, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle")
    cost = {"seconds": 1, "steps": 1, "units": 1}
    write(trained, CORPORA, LABELS, WITH_LISTS, cost, path, report=lambda line: None)
    return path


@pytest.fixture(scope="module")
def nameless(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same bundle without its names: the same graph."""
    path = tmp_path_factory.mktemp("nameless")
    for file in directory.iterdir():
        if file.name != GAZETTEER_NAME:
            (path / file.name).write_bytes(file.read_bytes())
    manifest = msgspec.json.decode((path / "manifest.json").read_bytes(), type=Manifest)
    files = {name: sha256 for name, sha256 in manifest.files.items() if name != GAZETTEER_NAME}
    write_manifest(
        path, msgspec.structs.replace(manifest, files=files, gazetteer=GazetteerEntry(None))
    )
    return path


def _recogniser(directory: Path) -> WordHashRecogniser:
    recogniser = bundle.load(directory, allow_ungated=True).recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    return recogniser


def _places(directory: Path, text: str) -> list[str]:
    result = CliRunner(catch_exceptions=False).invoke(
        annotate,
        ["--model", str(directory), "--text", text, "--json"],
        env={"ONOMA_MODEL__ALLOW_UNGATED": "true"},
    )
    event = json.loads(result.stdout)
    return [entity["text"] for entity in event["entities"] if entity["label"] == "LOC"]


def _inputs(documents: Sequence[Sequence[str]], gazetteer: Gazetteer | None) -> Inputs:
    """Return the inputs of one call with these documents."""
    seen: list[Inputs] = []

    def graph(inputs: Inputs) -> npt.NDArray[np.float32]:
        seen.append(inputs)
        return np.zeros((len(inputs["mask"]), len(LABELS)), np.float32)

    manifest, _ = bundle.verify(bundle.default_directory())
    packing = WordHashRecogniser(
        graph,
        labels=LABELS,
        decoder=bundle.decoder_of(manifest),
        context_units=2,
        gazetteer=None if gazetteer is None else gazetteer.channel,
    )
    packing.emissions([packing.rows(document) for document in documents])
    return seen[0]


def _session(graph: bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        graph,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],
    )


def _document(length: int, chance: Random) -> list[str]:
    words = (*WORDS[:30], *NEW[:9], "Nuvela", "Hexati", "amina", "Amina", "दिल्ली", "Ⓩ" * 16, ".")
    return chance.choices(words, k=length)


def _found(directory: Path, names: Sequence[str]) -> int:
    """Return how many of `names` are taken for places."""
    recogniser = _recogniser(directory)
    place = LABELS.index("B-LOC")
    paths = recogniser.label([["they", "saw", name, "today"] for name in names])
    return sum(path[2] == place for path in paths)


def test_places_that_only_the_lists_know_are_found_where_the_bundle_has_them(
    directory: Path, nameless: Path
) -> None:
    listed, strange, unread = (
        _found(directory, NEW),
        _found(directory, STRANGE),
        _found(nameless, NEW),
    )

    assert listed > 0.75 * len(NEW)
    assert strange < 0.5 * len(NEW)
    assert unread < 0.5 * len(NEW)


def test_annotate_finds_them_too_and_finds_less_in_the_same_bundle_without_names(
    directory: Path, nameless: Path
) -> None:
    text = ". ".join(f"they saw {name} today" for name in NEW)
    with_names, without = _places(directory, text), _places(nameless, text)

    assert len(set(with_names) & set(NEW)) > 1.5 * len(set(without) & set(NEW))


def test_zeros_give_the_bits_of_a_graph_without_the_channel(trained: WordHash) -> None:
    ranges = calibrate(trained, calibration_batches(CORPORA, LABELS, WITH_LISTS))
    plain = WordHash(replace(trained.shape, gazetteer=False))
    plain.load_state_dict({n: w for n, w in trained.state_dict().items() if n != "gazetteer"})
    document = _document(300, Random(1))

    outputs = [
        _session(export(network, ranges, "0")).run(None, _inputs([document], gazetteer))
        for network, gazetteer in ((trained, Gazetteer()), (plain, None))
    ]

    for one, other in zip(*outputs, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("length", [1, 2, 5, 17, 120, 333])
def test_bits_do_not_depend_on_neighbours_or_threads(trained: WordHash, length: int) -> None:
    ranges = calibrate(trained, calibration_batches(CORPORA, LABELS, WITH_LISTS))
    graph, chance = export(trained, ranges, "0"), Random(length)
    document = _document(length, chance)
    alone = _session(graph).run(None, _inputs([document], GAZETTEER))
    for threads in (1, 2):
        session = _session(graph, threads)
        for before, after in ((0, 0), (0, 1), (1, 0), (2, 5), (300, 101), (700, 3)):
            around = [_document(before, chance)] if before else []
            packed = [*around, document, ["Nuvela"] * after]
            first = before + len(around)

            beside = session.run(None, _inputs(packed, GAZETTEER))

            for one, other in zip(alone, beside, strict=True):
                assert np.array_equal(one[:length], other[first : first + length])


def test_windows_of_a_long_document_give_the_bits_of_one_pass(directory: Path) -> None:
    recogniser = _recogniser(directory)
    units = _document(WINDOW_UNITS + 40, Random(2))
    for place in range(WINDOW_UNITS - 3, WINDOW_UNITS + 1, 2):
        units[place : place + 2] = ["Nuvela", "Hexati"]
        whole = recogniser.emissions([recogniser.rows(units)])[0]

        assert np.array_equal(read(recogniser, [units])[0], whole)


def test_the_graph_says_nearly_what_the_network_says(directory: Path, trained: WordHash) -> None:
    scores = _recogniser(directory)
    units = [list(sentence.tokens) for sentence in CORPUS.sentences]
    found = np.concatenate(read(scores, units))

    wanted = np.concatenate(read(full_precision(trained, _manifest(directory), GAZETTEER), units))

    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.05 * wanted.std()


def _manifest(directory: Path) -> Manifest:
    return bundle.verify(directory)[0]


def test_training_takes_the_whole_channel_of_some_words_and_serving_none() -> None:
    network = WordHash(Shape(3, width=16, layers=1, gazetteer=True, gazetteer_dropout=0.3))
    channel = torch.ones(2000, NUMBERS_PER_UNIT)
    torch.manual_seed(0)

    kept = network.train()._lists(channel)

    assert set(kept.sum(1).tolist()) == {0.0, NUMBERS_PER_UNIT}
    assert (kept.sum(1) == 0).float().mean().item() == pytest.approx(0.3, abs=0.04)
    assert network.eval()._lists(channel) is channel


def test_the_graph_is_calibrated_with_names_and_without() -> None:
    batches = calibration_batches(CORPORA, LABELS, WITH_LISTS)

    with_names = [batch for batch in batches if batch.gazetteer is not None]
    assert len(batches) == 2 * len(with_names) > 0
    assert any(batch.gazetteer.any() for batch in with_names if batch.gazetteer is not None)


def test_the_bundle_names_the_lists_with_their_licences(directory: Path) -> None:
    manifest = _manifest(directory)

    assert manifest.gazetteer == CHANNEL
    assert manifest.training["gazetteer"] == [msgspec.to_builtins(one) for one in NAMES.lists]
    assert "| own/places.txt | places | 191 | CC BY 4.0 | own/lists |" in card(manifest)
    assert set(manifest.files) == {"model.onnx", GAZETTEER_NAME, "README.md"}


def test_a_bundle_with_the_channel_passes_the_gate_with_its_names(directory: Path) -> None:
    record = checked_gate(directory, _manifest(directory))

    assert GAZETTEER_NAME in record.files
    assert {check.name: check.passed for check in record.checks}["batch invariance"]


def test_equal_names_make_equal_files(directory: Path, trained: WordHash, tmp_path: Path) -> None:
    names = Names(Gazetteer.from_lines(GAZETTEER.lines()), NAMES.lists)
    cost = {"seconds": 1, "steps": 1, "units": 1}
    again = replace(CORPORA, names=names)
    write(trained, again, LABELS, WITH_LISTS, cost, tmp_path, report=lambda line: None)

    for name in ("model.onnx", GAZETTEER_NAME, "README.md"):
        assert (tmp_path / name).read_bytes() == (directory / name).read_bytes()


def test_a_network_made_from_the_integers_has_the_channel(
    directory: Path, trained: WordHash
) -> None:
    network, _ = network_of(directory)

    assert network.gazetteer is not None
    assert trained.gazetteer is not None
    step = trained.gazetteer.abs().max().item() / 64
    assert torch.allclose(network.gazetteer, trained.gazetteer, atol=step)


@pytest.mark.parametrize("labels", [LABELS, ("O", "B-VESSEL", "I-VESSEL")])
def test_what_starts_from_the_bundle_keeps_channel_and_names(
    directory: Path, tmp_path: Path, labels: tuple[str, ...]
) -> None:
    network = fresh_network(RECIPE, labels, directory)
    names = names_of(tmp_path, RECIPE.gazetteer, directory)

    assert torch.equal(network.gazetteer, network_of(directory)[0].gazetteer)
    assert names is not None
    assert list(names.gazetteer.lines()) == list(GAZETTEER.lines())
    assert names.lists == NAMES.lists


def test_a_bundle_without_names_starts_a_channel_without_names(
    nameless: Path, tmp_path: Path
) -> None:
    names = names_of(tmp_path, None, nameless)

    assert names is not None
    assert not len(names.gazetteer)


def test_a_bundle_without_the_channel_says_the_same_after_it_got_one(tmp_path: Path) -> None:
    plain = small_network()
    manifest = bundle.verify(bundle.default_directory())[0]
    assert names_of(tmp_path, None, bundle.default_directory()) is None
    network = fresh_network(WITH_LISTS, manifest.labels, bundle.default_directory())
    before = network_of(bundle.default_directory())[0]
    units = [_document(40, Random(3))]

    assert plain.gazetteer is None
    assert network.gazetteer is not None
    for one, other in zip(_hidden(network, units), _hidden(before, units), strict=True):
        assert torch.equal(one, other)


def _hidden(network: WordHash, documents: Sequence[Sequence[str]]) -> torch.Tensor:
    inputs = {n: torch.from_numpy(v) for n, v in _inputs(documents, GAZETTEER).items()}
    none = torch.zeros(0)
    batch = Batch(
        inputs["hashes"],
        inputs["bytes"],
        inputs["words"],
        inputs["mask"],
        none,
        none,
        none,
        inputs["gazetteer"],
    )
    network.eval()
    with torch.no_grad():
        return network.hidden(batch)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with one corpus, one text and one list."""
    directory = tmp_path / "data"
    folder = directory / "ner" / "open" / "own" / "hau"
    folder.mkdir(parents=True)
    for part, sentences in (("train", CORPUS.sentences[:20]), ("dev", CORPUS.sentences[20:24])):
        rows = ("\n".join(map("\t".join, zip(s.tokens, s.tags, strict=True))) for s in sentences)
        (folder / f"{part}.conll.gz").write_bytes(gzip.compress("\n\n".join(rows).encode()))
    types = ["PER", "LOC", "ORG"]
    schemes = {"own": {"map": {name: name for name in types}, "annotates": types}}
    (directory / "labelmap.json").write_text(json.dumps(schemes))
    row = {"corpus": "own", "lang": "hau", "licence": "ours", "repo": "none", "split": "train"}
    (directory / "ner_manifest.json").write_text(json.dumps([row | {"non_commercial": False}]))
    (directory / "text" / "open").mkdir(parents=True)
    (directory / "text" / "open" / "hau.txt.gz").write_bytes(gzip.compress(b"a b c d e f\n" * 20))
    (directory / "own").mkdir()
    (directory / "own" / "places.txt").write_text("\n".join(LISTED[:30]))
    return directory


def _run(place: Place, recipe: Recipe) -> Manifest:
    return run(place, recipe, Console(file=io.StringIO()))


def test_a_whole_run_can_be_stopped_and_gives_on_what_it_knows(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(WITH_LISTS.schedule, steps=12, evaluate_every=6, checkpoint_every=5)
    words = Pretraining(schedule=Schedule(steps=3), batch=4)
    recipe = replace(WITH_LISTS, schedule=short, pretraining=words)
    whole = _run(Place(data, tmp_path / "whole"), recipe)
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "write", _full)
        with pytest.raises(FatalError, match="go on with --resume"):
            _run(Place(data, tmp_path / "model"), recipe)
    with pytest.raises(WrongUseError, match=r"lists of names \(.*wanted wordhash of width 32"):
        _run(Place(data, tmp_path / "model", resume=True), replace(recipe, gazetteer=None))
    _run(Place(data, tmp_path / "model", resume=True), recipe)

    tuned = _run(
        Place(data, tmp_path / "tuned", init=tmp_path / "whole"), replace(recipe, gazetteer=None)
    )

    graphs = [(tmp_path / name / "model.onnx").read_bytes() for name in ("whole", "model")]
    assert graphs[0] == graphs[1]
    assert tuned.files[GAZETTEER_NAME] == whole.files[GAZETTEER_NAME]
    assert tuned.training["gazetteer"] == whole.training["gazetteer"]


def _full(*arguments: object, **named: object) -> Manifest:
    raise OSError("No space left on device")
