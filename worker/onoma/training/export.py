"""Writes a trained network as an ONNX graph in which every product is one of integers.

Last step of training; the file is served by `onoma.ner.wordhash`. The rule: the bits of a
document's scores never depend on its neighbours. A range taken over the batch would break that, and
so may a float product, whose kernel follows the number of rows. Here all ranges are fixed
beforehand and integer sums are exact in any order; what stays in float32 works on one row or one
element at a time.

Weights are held within +-64: on processors without VNNI the sum of two byte products is kept in 16
bits, and 2 x 255 x 64 just fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from onoma.gazetteer.channel import NUMBERS_PER_UNIT, QUARTERS
from onoma.ner.features import BYTES_PER_UNIT, HASHES_PER_UNIT
from onoma.training.network import BYTE_FILTERS, BYTE_WINDOWS, Batch, WordHash

OPSET = 20
CONTRIB = "com.microsoft"
ZERO_POINT = 128
LARGEST_WEIGHT = 64
LARGEST_ACTIVATION = 127

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranges:
    """The largest magnitudes seen: per column of the byte vectors, per context layer, per column
    of `hidden`.
    """

    bytes_: Floats
    context: tuple[float, ...]
    hidden: Floats


@torch.no_grad()
def calibrate(network: WordHash, batches: Iterable[Batch]) -> Ranges:
    """Return the ranges of the activations over `batches`; the maximum, because a quantile costs
    accuracy.
    """
    network.eval()
    bytes_, hidden = torch.zeros(1), torch.zeros(1)
    context = torch.zeros(len(network.norms))

    def keep(norm: object, inputs: object, output: torch.Tensor) -> None:
        layer = places[norm]
        context[layer] = torch.maximum(context[layer], output.abs().amax())

    places = {norm: layer for layer, norm in enumerate(network.norms)}
    hooks = [norm.register_forward_hook(keep) for norm in network.norms]
    for batch in batches:
        bytes_ = torch.maximum(bytes_, network.byte_vectors(batch.bytes_).abs().amax(0))
        hidden = torch.maximum(hidden, network(batch)[1].abs().amax(0))
    for hook in hooks:
        hook.remove()
    return Ranges(bytes_.numpy(), tuple(context.tolist()), hidden.numpy())


def export(network: WordHash, ranges: Ranges, producer_version: str) -> bytes:
    """Return the graph of `network` as one ONNX file without external data.

    Inputs `hashes` (words, 7) and `bytes` (words, 24) of the distinct words of a call, `words`
    (units), which of them each unit is, `mask` (units, 1), zero in the row between two documents;
    outputs `emissions` (units, labels) and `hidden` (units, width). A network with the channel of
    names has the input `gazetteer` (units, 7) too.
    """
    graph = _Graph()
    vectors = graph.node(
        "Concat", [*_tables(graph, network), _bytes(graph, network, ranges)], axis=1
    )
    distinct = _project(graph, network, vectors, ranges)
    hidden = graph.node("Gather", [distinct, "words"], axis=0)
    if network.gazetteer is not None:
        hidden = _lists(graph, network.gazetteer, hidden)
    for layer in range(network.shape.layers):
        hidden = _context(graph, network, layer, hidden, ranges.context[layer])
    graph.name(hidden, "hidden")
    _output(graph, network, hidden, ranges)
    shape = network.shape
    return graph.serialised(
        inputs=_inputs(network),
        outputs=[
            helper.make_tensor_value_info("emissions", TensorProto.FLOAT, ["units", shape.labels]),
            helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["units", shape.width]),
        ],
        producer_version=producer_version,
    )


def _inputs(network: WordHash) -> list[onnx.ValueInfoProto]:
    inputs = [
        helper.make_tensor_value_info("hashes", TensorProto.INT32, ["words", HASHES_PER_UNIT]),
        helper.make_tensor_value_info("bytes", TensorProto.INT32, ["words", BYTES_PER_UNIT]),
        helper.make_tensor_value_info("words", TensorProto.INT32, ["units"]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["units", 1]),
    ]
    if network.gazetteer is not None:
        shape = ["units", NUMBERS_PER_UNIT]
        inputs.append(helper.make_tensor_value_info("gazetteer", TensorProto.FLOAT, shape))
    return inputs


class _Graph:
    """Collects nodes and constants; every node's output is named after its operator and number."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def node(self, operator: str, inputs: list[str], domain: str = "", **attributes: Any) -> str:
        return self.nodes(operator, inputs, 1, domain, **attributes)[0]

    def nodes(
        self, operator: str, inputs: list[str], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        number = len(self._nodes)
        names = [f"{operator}_{number}_{i}" for i in range(outputs)]
        self._nodes.append(
            helper.make_node(
                operator, inputs, names, domain=domain, name=f"{operator}_{number}", **attributes
            )
        )
        return names

    def name(self, value: str, name: str) -> None:
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))

    def slice(self, value: str, start: int, end: int, axis: int) -> str:
        ends = [self.constant(f"at_{n}", np.array([n], np.int64)) for n in (start, end, axis)]
        return self.node("Slice", [value, *ends])

    def quantise(self, value: str, scale: float) -> str:
        """Return `value` as bytes around 128."""
        name = self.constant(f"scale_of_{value}", np.array(scale, np.float32))
        zero = self.constant("zero_point", np.array(ZERO_POINT, np.uint8))
        return self.node("QuantizeLinear", [value, name, zero])

    def product(self, name: str, value: str, scale: float, weight: Floats, bias: Floats) -> str:
        """Return bytes `value` times `weight` (inputs, outputs) plus `bias` in float32."""
        integers, scales = quantised_columns(weight)
        inputs = [
            value,
            self.constant(f"{name}.weight", integers),
            self.constant(f"{name}.input_scale", np.array(scale, np.float32)),
            self.constant(f"{name}.weight_scales", scales),
            self.constant("zero_point", np.array(ZERO_POINT, np.uint8)),
            self.constant(f"{name}.weight_zeros", np.zeros(len(scales), np.int8)),
            self.constant(f"{name}.bias", bias),
        ]
        return self.node("MatMulIntegerToFloat", inputs, CONTRIB)

    def serialised(
        self,
        inputs: list[onnx.ValueInfoProto],
        outputs: list[onnx.ValueInfoProto],
        producer_version: str,
    ) -> bytes:
        graph = helper.make_graph(
            self._nodes, "wordhash", inputs, outputs, list(self._constants.values())
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
            # The oldest format that knows the opset, so that older runtimes read the file.
            ir_version=9,
            producer_name="onoma",
            producer_version=producer_version,
        )
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def quantised_columns(weight: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return integers within +-64 and one scale per column of `weight` (inputs, outputs)."""
    scales = np.maximum(np.abs(weight).max(0) / LARGEST_WEIGHT, np.finfo(np.float32).tiny)
    return np.rint(weight / scales).astype(np.int8), scales.astype(np.float32)


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.detach().float().numpy()
    return array


def _tables(graph: _Graph, network: WordHash) -> list[str]:
    """Return the rows of the seven tables as bytes; their scales are part of the projection's
    weight.
    """
    vectors = []
    for i, table in enumerate(network.tables):
        weight = _array(table.weight)
        integers = np.rint(weight / _table_scales(weight)) + ZERO_POINT
        name = graph.constant(f"tables.{i}", integers.astype(np.uint8))
        column = graph.constant(f"feature_{i}", np.array(i, np.int64))
        rows = graph.node("Gather", ["hashes", column], axis=1)
        vectors.append(graph.node("Gather", [name, rows], axis=0))
    return vectors


def _table_scales(weight: Floats) -> Floats:
    safe = np.maximum(np.abs(weight).max(0), np.finfo(np.float32).tiny)
    scales: Floats = (safe / LARGEST_ACTIVATION).astype(np.float32)
    return scales


def _bytes(graph: _Graph, network: WordHash, ranges: Ranges) -> str:
    """Return the byte vectors as bytes. The maximum is taken over exact integer sums, before any
    rounding.
    """
    table = _array(network.bytes_.weight)
    scale = float(np.abs(table).max()) / LARGEST_ACTIVATION
    name = graph.constant("bytes.table", (np.rint(table / scale) + ZERO_POINT).astype(np.uint8))
    reach = max(BYTE_WINDOWS) // 2
    pads = graph.constant("bytes.pads", np.array([0, reach, 0, reach], np.int64))
    letters = graph.node("Gather", [name, graph.node("Pad", ["bytes", pads])], axis=0)
    shifts = [graph.slice(letters, i, i + BYTES_PER_UNIT, 1) for i in range(2 * reach + 1)]
    weight, bias = _byte_weight(network, table.shape[1])
    integers, scales = quantised_columns(weight)
    sums = graph.node(
        "MatMulInteger",
        [
            graph.node("Concat", shifts, axis=2),
            graph.constant("bytes.weight", integers),
            graph.constant("zero_point", np.array(ZERO_POINT, np.uint8)),
        ],
    )
    largest = graph.node(
        "ReduceMax", [sums, graph.constant("at_1", np.array([1], np.int64))], keepdims=0
    )
    # Divided by its range, each column fills the bytes; the projection's weight multiplies it back.
    safe = np.maximum(ranges.bytes_, np.finfo(np.float32).tiny)
    numbers = graph.node("Cast", [largest], to=TensorProto.FLOAT)
    numbers = graph.node("Mul", [numbers, graph.constant("bytes.scales", scales * scale / safe)])
    numbers = graph.node("Add", [numbers, graph.constant("bytes.bias", bias / safe)])
    return graph.quantise(numbers, 1 / LARGEST_ACTIVATION)


def _byte_weight(network: WordHash, width: int) -> tuple[Floats, Floats]:
    """Return the windows of 3 and 5 bytes as one weight over 5 bytes, zero where the short one
    does not reach.
    """
    longest = max(BYTE_WINDOWS)
    weight = np.zeros((longest * width, BYTE_FILTERS * len(BYTE_WINDOWS)), np.float32)
    for i, (size, window) in enumerate(zip(BYTE_WINDOWS, network.byte_windows, strict=True)):
        first = (longest - size) // 2 * width
        columns = slice(i * BYTE_FILTERS, (i + 1) * BYTE_FILTERS)
        weight[first : first + size * width, columns] = _array(window.weight).T
    return weight, np.concatenate([_array(window.bias) for window in network.byte_windows])


def _project(graph: _Graph, network: WordHash, vectors: str, ranges: Ranges) -> str:
    scales = [_table_scales(_array(table.weight)) for table in network.tables]
    scales.append((ranges.bytes_ / LARGEST_ACTIVATION).astype(np.float32))
    weight = _array(network.project.weight).T * np.concatenate(scales)[:, None]
    return graph.product("project", vectors, 1.0, weight, _array(network.project.bias))


def _lists(graph: _Graph, weight: torch.Tensor, vectors: str) -> str:
    """Add the channel of names: its numbers are quarters, so that as integers they are exact, and
    without names nothing is added.
    """
    scale = 1 / QUARTERS
    quarters = graph.quantise("gazetteer", scale)
    nothing = np.zeros(weight.shape[1], np.float32)
    product = graph.product("gazetteer", quarters, scale, _array(weight), nothing)
    return graph.node("Add", [vectors, product])


def _context(graph: _Graph, network: WordHash, layer: int, vectors: str, largest: float) -> str:
    norm, window = network.norms[layer], network.windows[layer]
    normal = graph.node(
        "LayerNormalization",
        [
            vectors,
            graph.constant(f"norms.{layer}.weight", _array(norm.weight)),
            graph.constant(f"norms.{layer}.bias", _array(norm.bias)),
        ],
        axis=-1,
        epsilon=norm.eps,
    )
    scale = largest / LARGEST_ACTIVATION
    # Quantised before the window is laid out: a third of the elementwise work.
    integers = graph.quantise(graph.node("Mul", [normal, "mask"]), scale)
    edge = graph.constant("edge", np.full((1, network.shape.width), ZERO_POINT, np.uint8))
    padded = graph.node("Concat", [edge, integers, edge], axis=0)
    shifts = [graph.slice(padded, i, end, 0) for i, end in ((0, -2), (1, -1), (2, 2**31))]
    three = graph.node("Concat", shifts, axis=1)
    weight, bias = _array(window.weight).T, _array(window.bias)
    gated = graph.product(f"windows.{layer}", three, scale, weight, bias)
    value, gate = graph.nodes("Split", [gated], 2, axis=1, num_outputs=2)
    update = graph.node("Mul", [value, graph.node("Sigmoid", [gate])])
    return graph.node("Add", [vectors, update])


def _output(graph: _Graph, network: WordHash, hidden: str, ranges: Ranges) -> None:
    safe = np.maximum(ranges.hidden, np.finfo(np.float32).tiny)
    filled = graph.node("Mul", [hidden, graph.constant("out.fill", 1 / safe)])
    weight = _array(network.head.out.weight).T * ranges.hidden[:, None]
    scale = 1 / LARGEST_ACTIVATION
    bias = _array(network.head.out.bias)
    graph.name(
        graph.product("out", graph.quantise(filled, scale), scale, weight, bias), "emissions"
    )
