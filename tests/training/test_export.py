# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

from tests.training.extra import need

need("torch", "onnx")


import onnx
import onnxruntime
import torch

from onoma.ner.features import FeatureTable
from onoma.training.batches import Collator
from onoma.training.examples import Example
from onoma.training.export import calibrate, export, quantised_columns
from onoma.training.network import Batch, Shape, WordHash
from tests.training.sentences import LABELS

pytestmark = pytest.mark.train

ALPHABETS = ("abcdefghijklmnop", "ABCDEFG", "àéîõüẹọṣ", "абвгде", "कखगघाि", "ابتثج", "0123", "…'-")


def _words(count: int, chance: Random) -> tuple[str, ...]:
    return tuple(
        "".join(chance.choices(chance.choice(ALPHABETS), k=chance.randint(1, 16)))
        for _ in range(count)
    )


def _batches(chance: Random) -> list[Batch]:
    collator = Collator(LABELS, [frozenset()])
    return [
        collator.batch(
            [
                Example(words, (0,) * len(words), 0)
                for words in (_words(chance.randint(1, 30), chance) for _ in range(16))
            ]
        )
        for _ in range(8)
    ]


@pytest.fixture(scope="module")
def network() -> WordHash:
    torch.manual_seed(7)
    network = WordHash(Shape(labels=len(LABELS)))
    network.eval()
    return network


@pytest.fixture(scope="module")
def graph(network: WordHash) -> bytes:
    return export(network, calibrate(network, _batches(Random(1))), "0")


@pytest.fixture(scope="module")
def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],
    )


def _run(
    session: onnxruntime.InferenceSession, documents: list[tuple[str, ...]]
) -> list[list[npt.NDArray[np.float32]]]:
    """Return emissions and hidden of each of `documents`, packed into one call."""
    features = [FeatureTable().features(document) for document in documents]
    edges = np.cumsum([0, *(len(document) + 1 for document in documents)])
    # A word of zeros of its own for the masked rows, whose number is zero.
    words = np.zeros(edges[-1] - 1, np.int32)
    mask = np.zeros((edges[-1] - 1, 1), np.float32)
    places = [slice(a, b - 1) for a, b in pairwise(edges.tolist())]
    for number, place in enumerate(places):
        words[place] = np.arange(place.start, place.stop) + 1 - number
        mask[place] = 1.0
    inputs = {
        "hashes": np.concatenate([np.zeros((1, 7), np.int32), *(f.hashes for f in features)]),
        "bytes": np.concatenate([np.zeros((1, 24), np.int32), *(f.bytes_ for f in features)]),
        "words": words,
        "mask": mask,
    }
    outputs = session.run(["emissions", "hidden"], inputs)
    return [[output[place] for output in outputs] for place in places]


def test_the_graph_says_nearly_what_the_network_says(
    network: WordHash, session: onnxruntime.InferenceSession
) -> None:
    chance = Random(2)
    collator = Collator(LABELS, [frozenset()])
    for _ in range(5):
        words = _words(40, chance)
        with torch.no_grad():
            expected = network(collator.batch([Example(words, (0,) * 40, 0)]))
        for found, wanted in zip(_run(session, [words])[0], expected, strict=True):
            error = np.sqrt(np.mean((found - wanted.numpy()) ** 2))
            assert error < 0.05 * wanted.numpy().std()


@pytest.mark.parametrize("length", [1, 2, 3, 5, 17, 64, 120, 333])
def test_bits_do_not_depend_on_the_neighbours(
    session: onnxruntime.InferenceSession, length: int
) -> None:
    chance = Random(length)
    document = _words(length, chance)
    (alone,) = _run(session, [document])
    for before, after in ((0, 1), (1, 0), (2, 5), (40, 0), (300, 101), (700, 3)):
        left = [_words(before, chance)] if before else []
        right = [("Ⓩ" * 16,) * after] if after else []
        beside = _run(session, [*left, document, *right])[len(left)]
        for one, other in zip(alone, beside, strict=True):
            assert np.array_equal(one, other)


def test_no_range_follows_the_batch(graph: bytes) -> None:
    model = onnx.load_from_string(graph)

    operators = {node.op_type for node in model.graph.node}
    assert not {name for name in operators if name.startswith("Dynamic")}
    assert not operators & {"MatMul", "Gemm", "Conv", "ConvInteger"}


def test_the_file_is_whole_and_small(graph: bytes) -> None:
    model = onnx.load_from_string(graph)

    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert {entry.domain for entry in model.opset_import} == {"", "com.microsoft"}
    assert len(graph) < 12 * 1024**2


def test_equal_networks_give_equal_files(network: WordHash, graph: bytes) -> None:
    assert export(network, calibrate(network, _batches(Random(1))), "0") == graph


def test_weights_stay_in_the_range_that_sixteen_bits_can_sum() -> None:
    weight = np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32)

    integers, scales = quantised_columns(weight)

    assert np.abs(integers).max(0).tolist() == [64] * 9
    assert np.allclose(integers * scales, weight, atol=scales.max())


def test_a_column_of_zeros_stays_zero() -> None:
    integers, scales = quantised_columns(np.zeros((4, 2), np.float32))

    assert not integers.any()
    assert (scales > 0).all()
