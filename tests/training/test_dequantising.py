# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.extra import need

need("torch", "onnx", "safetensors")


import torch

from onoma.errors import FatalError, WrongUseError
from onoma.ner.wordhash import WordHashRecogniser
from onoma.registry import bundle
from onoma.training.batches import Collator
from onoma.training.bundle import write
from onoma.training.corpora import Corpora
from onoma.training.dequantising import network_of
from onoma.training.examples import Example
from onoma.training.names import macro_dev
from onoma.training.network import WordHash
from onoma.training.pieces import fresh_network
from onoma.training.sources import Licence
from tests.training.networks import RECIPE, trained_network
from tests.training.sentences import LABELS, SENTENCES, corpus

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def trained() -> WordHash:
    return trained_network()[0]


@pytest.fixture(scope="module")
def directory(trained: WordHash, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle")
    licences = {"own/xx": Licence("own", "xx", "written by us", "none")}
    corpora = Corpora((corpus(),), (corpus(),), licences)
    cost = {"seconds": 1, "steps": 1, "units": 1}
    write(trained, corpora, LABELS, RECIPE, cost, path, report=lambda line: None)
    return path


def _emissions(network: WordHash) -> torch.Tensor:
    network.eval()
    examples = [Example(s.tokens, (0,) * len(s.tokens), 0) for s in SENTENCES]
    batch = Collator(LABELS, [frozenset()]).batch(examples)
    with torch.no_grad():
        return network(batch)[0][batch.rows[batch.inside]]


def test_a_network_made_from_the_integers_says_what_the_bundle_says(directory: Path) -> None:
    network, manifest = network_of(directory)
    recogniser = bundle.load(directory, allow_ungated=True).recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    served = recogniser.emissions([recogniser.rows(s.tokens) for s in SENTENCES])

    scores = _emissions(network).numpy()

    assert manifest.labels == LABELS
    assert np.abs(scores - np.concatenate(served)).max() < 0.02 * np.abs(scores).max()


def test_the_rest_of_the_numbers_come_back_as_they_were(directory: Path, trained: WordHash) -> None:
    network, _ = network_of(directory)

    assert torch.allclose(network.head.transitions, trained.head.transitions, atol=1e-5)
    assert torch.equal(network.norms[0].weight, trained.norms[0].weight)
    assert torch.allclose(network.windows[1].weight, trained.windows[1].weight, atol=5e-3)


def test_tuning_from_the_integers_is_as_good_as_from_the_full_weights(
    directory: Path, trained: WordHash
) -> None:
    recipe = replace(RECIPE, schedule=replace(RECIPE.schedule, steps=40))
    scores = []
    for start in (trained, network_of(directory)[0]):
        network = fresh_network(RECIPE, LABELS, None)
        network.load_state_dict(start.state_dict())
        trained_network(recipe, network=network)
        scores.append(macro_dev(network, [corpus()], LABELS, 100)())

    assert scores[1] == pytest.approx(scores[0], abs=0.003)


def test_other_labels_get_a_new_head_over_the_same_encoder(directory: Path) -> None:
    start, _ = network_of(directory)

    network = fresh_network(RECIPE, ("O", "B-VESSEL", "I-VESSEL"), directory)

    assert torch.equal(network.project.weight, start.project.weight)
    assert network.head.out.weight.shape == (3, 32)


def test_the_same_labels_keep_their_head(directory: Path) -> None:
    start, _ = network_of(directory)

    assert torch.equal(
        fresh_network(RECIPE, LABELS, directory).head.out.weight, start.head.out.weight
    )


def test_the_shipped_model_can_be_trained_further() -> None:
    network, manifest = network_of(bundle.default_directory())

    assert len(manifest.labels) == network.shape.labels
    assert all(torch.isfinite(weight).all() for weight in network.state_dict().values())


def _altered(directory: Path, to: Path, **changes: object) -> Path:
    for file in directory.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((to / "manifest.json").read_text(encoding="utf-8"))
    (to / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")
    return to


def test_another_kind_of_model_is_no_start(directory: Path, tmp_path: Path) -> None:
    other = _altered(directory, tmp_path, kind="other")

    with pytest.raises(FatalError, match="other"):
        network_of(other)


def test_a_graph_laid_out_otherwise_is_named(directory: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(directory / "model.onnx")
    for item in model.graph.initializer:
        item.name += "?"
    data = model.SerializeToString()
    files = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["files"]
    files["model.onnx"] = hashlib.sha256(data).hexdigest()
    other = _altered(directory, tmp_path, files=files)
    (other / "model.onnx").write_bytes(data)

    with pytest.raises(WrongUseError, match="not laid out"):
        network_of(other)
