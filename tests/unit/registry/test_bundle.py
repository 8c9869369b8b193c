"""A bundle is taken whole or not at all, and what is wrong with it is named."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onoma.errors import BundleError
from onoma.registry.bundle import Model, default_directory, load, verify
from tests.tiny_bundle import LABELS, Change, tiny_bundle
from tests.tiny_onnx import FLOAT, INT32, model, node, tensor, value, wordhash_graph

INPUTS = [
    value("hashes", INT32, "distinct", 7),
    value("bytes", INT32, "distinct", 24),
    value("words", INT32, "rows"),
    value("mask", FLOAT, "rows", 1),
]


def load_ungated(directory: Path) -> Model:
    return load(directory, allow_ungated=True)


def _set(**values: object) -> Change:
    return lambda manifest: manifest.update(values)


def _drop(name: str) -> Change:
    def drop(manifest: dict[str, Any]) -> None:
        del manifest[name]

    return drop


def _unlist(name: str) -> Change:
    def unlist(manifest: dict[str, Any]) -> None:
        del manifest["files"][name]

    return unlist


def _list(name: str) -> Change:
    def list_too(manifest: dict[str, Any]) -> None:
        manifest["files"][name] = "0" * 64

    return list_too


def test_a_whole_bundle_is_loaded_and_answers(tmp_path: Path) -> None:
    model = load_ungated(tiny_bundle(tmp_path))

    (labels,) = model.recogniser.label([["Amina", "moved", "to", "Zaria"]])
    assert len(labels) == 4
    assert model.recogniser.labels == tuple(LABELS)
    assert model.manifest.languages.zero_shot == ("zu",)


def test_events_name_a_model_by_the_hash_of_its_manifest(tmp_path: Path) -> None:
    model = load_ungated(tiny_bundle(tmp_path))

    expected = hashlib.sha256((tmp_path / "manifest.json").read_bytes()).hexdigest()
    assert (model.version.name, model.version.version) == ("tiny", "3")
    assert model.version.sha256 == model.sha256 == expected
    assert model.version.gate == "none"


@pytest.mark.parametrize("name", ["model.onnx", "README.md"])
def test_an_altered_file_is_named_with_both_hashes(tmp_path: Path, name: str) -> None:
    path = tiny_bundle(tmp_path) / name
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    found = hashlib.sha256(path.read_bytes()).hexdigest()

    with pytest.raises(BundleError) as caught:
        verify(tmp_path)
    assert f"{path}: was altered" in str(caught.value)
    assert found in str(caught.value)
    assert wanted in str(caught.value)


@pytest.mark.parametrize("name", ["model.onnx", "README.md"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (tiny_bundle(tmp_path) / name).unlink()

    with pytest.raises(BundleError, match=f"{name} is in the manifest but is no file here"):
        verify(tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "model.onnx.data"])
def test_a_file_that_is_not_in_the_manifest_is_named(tmp_path: Path, name: str) -> None:
    (tiny_bundle(tmp_path) / name).write_text("x")

    with pytest.raises(BundleError, match=f"{name} is not in the manifest; take it out"):
        verify(tmp_path)


def test_a_directory_inside_a_bundle_is_named(tmp_path: Path) -> None:
    (tiny_bundle(tmp_path) / "old").mkdir()

    with pytest.raises(BundleError, match="old is not in the manifest"):
        verify(tmp_path)


def test_a_directory_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tiny_bundle(tmp_path, change=_list("old")) / "old").mkdir()

    with pytest.raises(BundleError, match="old is in the manifest but is no file here"):
        verify(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "sub/model.onnx"])
def test_a_manifest_reaches_no_file_outside_its_directory(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "bundle"
    inside.mkdir()
    (tmp_path / "secret").write_text("x")
    tiny_bundle(inside, change=_list(name))

    with pytest.raises(BundleError, match=f"{name} is in the manifest but is no file here"):
        verify(inside)


def test_a_directory_without_a_manifest_is_notiny_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"found no readable manifest.json \(No such file"):
        verify(tmp_path)


def test_a_directory_that_is_not_there_is_notiny_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"found no readable manifest\.json"):
        verify(tmp_path / "nowhere")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"kind":"wordhash"}', b"null"])
def test_a_broken_manifest_is_named(tmp_path: Path, data: bytes) -> None:
    path = tiny_bundle(tmp_path) / "manifest.json"
    path.write_bytes(data)

    with pytest.raises(BundleError, match=r"manifest\.json: is not a manifest of this version"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop("labels"), "is not a manifest of this version: .*`labels`"),
        (_set(lables=[]), "is not a manifest of this version: .*`lables`"),
        (_set(version=3), "is not a manifest of this version: Expected `str`"),
        (_set(context_units=-1), "is not a manifest of this version: Expected `int` >= 0"),
        (_unlist("model.onnx"), "model.onnx is not in the manifest"),
        (_set(labels=["O", "B-PER"]), "the decoder does not fit its 2 labels"),
        (_set(labels=[*LABELS, "B-LOC"]), "the decoder does not fit its 4 labels"),
        (
            _set(decoder={"start": [0.0] * 3, "transitions": [[0.0] * 2] * 3}),
            "the decoder does not fit its 3 labels",
        ),
        (
            _set(labels=[], decoder={"start": [], "transitions": []}),
            "the first label must be O",
        ),
        (_set(labels=["B-PER", "I-PER", "O"]), "the first label must be O"),
        (_set(labels=["O", "B-PER", "I-LOC"]), "the labels lack B-LOC"),
        (_set(temperature=0.0), "the temperature is 0.0, wanted above 0"),
        (_set(temperature=-1.0), "the temperature is -1.0, wanted above 0"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    tmp_path: Path, change: Change, message: str
) -> None:
    tiny_bundle(tmp_path, change=change)

    with pytest.raises(BundleError, match=message):
        verify(tmp_path)


def test_a_manifest_that_lists_no_graph_is_refused(tmp_path: Path) -> None:
    (tiny_bundle(tmp_path, change=_unlist("model.onnx")) / "model.onnx").unlink()

    with pytest.raises(BundleError, match=r"lists no model\.onnx"):
        verify(tmp_path)


def test_a_model_of_another_kind_is_refused_with_both_kinds(tmp_path: Path) -> None:
    tiny_bundle(tmp_path, change=_set(kind="gazetteer"))

    with pytest.raises(
        BundleError, match="'gazetteer', this worker serves token-classification, wordhash"
    ):
        load_ungated(tmp_path)


def test_a_graph_that_is_none_is_named(tmp_path: Path) -> None:
    tiny_bundle(tmp_path, graph=b"no graph")

    with pytest.raises(BundleError, match=r"model\.onnx: is no ONNX file: "):
        load_ungated(tmp_path)


def test_a_graph_that_can_not_run_is_named(tmp_path: Path) -> None:
    tiny_bundle(tmp_path, graph=model([node("MatMul", ["nothing", "either"], "emissions")]))

    with pytest.raises(BundleError, match=r"model\.onnx: onnxruntime does not load it"):
        load_ungated(tmp_path)


def test_a_graph_that_reaches_for_another_file_is_refused_before_it_is_run(tmp_path: Path) -> None:
    outside = tensor("weights", np.zeros((7, 3), np.float32), location="../secret")
    tiny_bundle(tmp_path, graph=model([node("Abs", ["weights"], "emissions")], [outside]))

    with pytest.raises(BundleError, match=r"model\.onnx: found the tensor 'weights' in another"):
        load_ungated(tmp_path)


@pytest.mark.parametrize(
    "graph",
    [
        wordhash_graph(len(LABELS) + 1),
        wordhash_graph(len(LABELS) - 1),
        wordhash_graph(len(LABELS), hashes=6),
        wordhash_graph(len(LABELS), mask_name="masks"),
        wordhash_graph(len(LABELS), output="logits"),
        model(
            [node("Identity", ["mask"], "emissions")],
            inputs=INPUTS,
            outputs=[value("emissions", FLOAT)],
        ),
        model(
            [node("Identity", ["mask"], "emissions")],
            inputs=INPUTS,
            outputs=[value("emissions", FLOAT, "rows", 1, len(LABELS))],
        ),
    ],
    ids=[
        "more labels",
        "fewer labels",
        "other hashes",
        "other input",
        "other output",
        "no axes",
        "more axes",
    ],
)
def test_a_graph_of_other_shapes_than_the_manifest_says_is_refused(
    tmp_path: Path, graph: bytes
) -> None:
    tiny_bundle(tmp_path, graph=graph)

    with pytest.raises(BundleError, match=r"tiny: the graph has inputs .* wanted inputs"):
        load_ungated(tmp_path)


def test_the_decoder_of_the_manifest_decides(tmp_path: Path) -> None:
    start = [0.0, 1000.0, 0.0]
    model = load_ungated(
        tiny_bundle(
            tmp_path,
            change=_set(decoder={"start": start, "transitions": [[1000.0, 0.0, 0.0]] * 3}),
        )
    )

    (labels,) = model.recogniser.label([["Amina", "moved", "to"]])

    assert labels == (1, 0, 0)


@pytest.mark.skipif(not default_directory().is_dir(), reason="no bundle ships with this checkout")
def test_the_bundle_that_ships_with_the_package_is_loaded() -> None:
    model = load(default_directory())

    (labels,) = model.recogniser.label([["Amina", "Sule", "moved", "to", "Zaria", "."]])
    assert len(labels) == 6
    assert model.manifest.kind == "wordhash"
