# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""The graph of full precision that a bundle can be judged against again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.extra import need

need("torch", "onnx", "onnxscript")

import onnxruntime
import torch

from onoma.errors import FatalError
from onoma.gazetteer.channel import NUMBERS_PER_UNIT
from onoma.ner.features import FeatureTable
from onoma.training.network import Shape, WordHash
from onoma.training.reference import keep_reference, reference_graph
from onoma.training.torch_export import PARITY, refuse_difference
from tests.training.networks import trained_network
from tests.training.sentences import LABELS, SENTENCES

pytestmark = pytest.mark.train


@pytest.mark.parametrize("gazetteer", [False, True])
def test_the_graph_has_the_inputs_that_are_served(gazetteer: bool) -> None:
    network = WordHash(Shape(len(LABELS), 32, 2, gazetteer=gazetteer))

    session = onnxruntime.InferenceSession(reference_graph(network))

    inputs = {put.name: put.shape[1:] for put in session.get_inputs()}
    served: dict[str, list[int]] = {"hashes": [7], "bytes": [24], "words": [], "mask": [1]}
    assert inputs == served | ({"gazetteer": [NUMBERS_PER_UNIT]} if gazetteer else {})


def test_on_real_words_the_graph_says_what_the_network_says() -> None:
    network, _ = trained_network()
    session = onnxruntime.InferenceSession(reference_graph(network))
    worst = 0.0
    for sentence in SENTENCES:
        features = FeatureTable().features(sentence.tokens)
        inputs = {
            "hashes": features.hashes,
            "bytes": features.bytes_,
            "words": np.arange(len(sentence.tokens), dtype=np.int32),
            "mask": np.ones((len(sentence.tokens), 1), np.float32),
        }
        hidden = network.hidden(_Words(**{name: torch.from_numpy(a) for name, a in inputs.items()}))
        wanted = network.head(hidden).detach().numpy()
        scores = session.run(["emissions"], inputs)[0]
        worst = max(worst, float(np.abs(scores - wanted).max()))

    assert worst <= 1e-4


class _Words:
    """A sentence as the encoder reads it."""

    gazetteer = None

    def __init__(
        self, hashes: torch.Tensor, bytes: torch.Tensor, words: torch.Tensor, mask: torch.Tensor
    ) -> None:
        self.hashes, self.bytes_, self.words, self.mask = hashes, bytes, words, mask


@pytest.mark.parametrize("worst", [2 * PARITY, float("nan")])
def test_a_graph_that_differs_from_its_network_is_refused(worst: float) -> None:
    with pytest.raises(FatalError, match="differs from the network by"):
        refuse_difference(worst)


def test_a_reference_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "reference.onnx").mkdir()

    with pytest.raises(FatalError, match=r"reference.onnx can't be written: .*Is a directory"):
        keep_reference(b"graph", tmp_path / "reference.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["reference.onnx"]
