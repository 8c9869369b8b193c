"""A bundle of the kind `token-classification` is taken whole or refused with what it lacks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from onoma.errors import BundleError
from onoma.registry.bundle import Model, load
from tests.subword_models import tokenizer_json
from tests.tiny_onnx import token_graph

LABELS = ["O", "B-PER", "I-PER"]
SUBWORDS = {"prefix": [0], "suffix": [2], "unknown": 3, "window_tokens": 24, "overlap_tokens": 6}


def _bundle(
    directory: Path, *, graph: bytes | None = None, tokenizer: str | None = None, **changes: Any
) -> Path:
    """Write a bundle whose manifest has `changes`."""
    text = tokenizer_json() if tokenizer is None else tokenizer
    contents = {"model.onnx": graph or token_graph(len(LABELS)), "tokenizer.json": text.encode()}
    manifest: dict[str, Any] = {
        "kind": "token-classification",
        "name": "tiny",
        "version": "3",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "labels": LABELS,
        "decoder": {"start": [0.0] * 3, "transitions": [[0.0] * 3] * 3},
        "temperature": 1.5,
        "context_units": 0,
        "languages": {"trained": ["ha"]},
        "training": {},
        "scores": {},
        "subwords": SUBWORDS,
    }
    manifest.update(changes)
    for name in manifest["files"]:
        (directory / name).write_bytes(contents[name])
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def _load(directory: Path) -> Model:
    return load(directory, allow_ungated=True)


def test_a_whole_bundle_is_loaded_and_answers(tmp_path: Path) -> None:
    model = _load(_bundle(tmp_path))

    (labels,) = model.recogniser.label([["Amina", "moved", "to", "Zaria"] * 20])

    assert len(labels) == 80
    assert model.recogniser.labels == tuple(LABELS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subwords": None}, "needs `subwords` in its manifest and a tokenizer.json"),
        ({"subwords": {**SUBWORDS, "batching": "padded"}}, "Invalid enum value 'padded'"),
        ({"subwords": {**SUBWORDS, "window": 3}}, "not a manifest of this version: .*`window`"),
        ({"subwords": {**SUBWORDS, "overlap_tokens": -1}}, "Expected `int` >= 0"),
        (
            {"subwords": {**SUBWORDS, "window_tokens": 8}},
            "windows of 8 tokens leave room for 6 besides special tokens; .* overlap of 6",
        ),
    ],
)
def test_a_manifest_without_a_form_of_windows_that_works_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    _bundle(tmp_path, **changes)

    with pytest.raises(BundleError, match=message):
        _load(tmp_path)


def test_a_bundle_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    digest = hashlib.sha256(token_graph(len(LABELS))).hexdigest()
    _bundle(tmp_path, files={"model.onnx": digest})

    with pytest.raises(
        BundleError, match=r"needs `subwords` in its manifest and a tokenizer\.json"
    ):
        _load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_tokenizer_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    _bundle(tmp_path, tokenizer=text)

    with pytest.raises(BundleError, match=r"tokenizer\.json: is no tokenizer"):
        _load(tmp_path)


@pytest.mark.parametrize(
    "graph",
    [
        token_graph(len(LABELS) + 1),
        token_graph(len(LABELS), tokens="input_ids"),
        token_graph(len(LABELS), output="logits"),
        token_graph(len(LABELS), axes=("tokens",)),
        token_graph(len(LABELS), axes=("windows", "tokens", "letters")),
    ],
    ids=["more labels", "other input", "other output", "one axis", "three axes"],
)
def test_a_graph_of_other_shapes_than_the_manifest_says_is_refused(
    tmp_path: Path, graph: bytes
) -> None:
    _bundle(tmp_path, graph=graph)

    with pytest.raises(BundleError, match=r"wanted inputs tokens \(2 axes\) and an output em"):
        _load(tmp_path)


def test_a_graph_that_knows_fewer_tokens_than_the_tokenizer_is_noticed(tmp_path: Path) -> None:
    _bundle(tmp_path, graph=token_graph(len(LABELS), vocabulary=3))

    with pytest.raises(BundleError, match="the model does not answer"):
        _load(tmp_path)
