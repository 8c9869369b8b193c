"""Integer forms of a transformer's graph, made from its float graph: what `encoder_forms.py` times.

Only products with constant weights are replaced; attention and layer norms stay in float. Weights
are held within +-64 as in the default model, so that processors without VNNI don't saturate; the
form `dynamic, full weights` alone fills its bytes. Tables are bytes in all of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from onoma.registry.engine import onnxruntime
from onoma.training.export import CONTRIB, LARGEST_ACTIVATION, ZERO_POINT, quantised_columns

Tokens = npt.NDArray[np.int64]
Ranges = Mapping[str, tuple[float, float]]
"""The least and the largest number seen of each value that is multiplied by a weight."""

BLOCK = 128


def session(graph: onnx.ModelProto, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return a session as the worker makes it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        graph.SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],
    )


def with_byte_tables(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return `graph` with its embeddings as bytes."""
    return _quantised(graph, "dynamic", op_types_to_quantize=["Gather"])


def dynamic(graph: onnx.ModelProto, *, full_weights: bool) -> onnx.ModelProto:
    """Return `graph` with one range for each value of a call."""
    return _quantised(
        graph,
        "dynamic",
        op_types_to_quantize=["MatMul"],
        reduce_range=not full_weights,
        extra_options={"MatMulConstBOnly": True},
    )


def static(graph: onnx.ModelProto, texts: Iterable[Tokens]) -> onnx.ModelProto:
    """Return `graph` with QDQ nodes, ranges calibrated on `texts`."""
    return _quantised(
        graph,
        "static",
        calibration_data_reader=_Calibration(texts),
        op_types_to_quantize=["MatMul"],
        reduce_range=True,
        extra_options={"MatMulConstBOnly": True},
    )


def blocks(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return `graph` with eight-bit weights in blocks; activations are cut to bytes inside."""
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        MatMulNBitsQuantizer,
    )

    config = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8
    )
    quantiser = MatMulNBitsQuantizer(_copy(graph), algo_config=config)
    quantiser.process()
    model: onnx.ModelProto = quantiser.model.model
    return model


def per_row(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return `graph` with a range of its own for each token's row, from standard operators."""
    return _rewritten(graph, _rows_quantised)


def fixed(graph: onnx.ModelProto, ranges: Ranges) -> onnx.ModelProto:
    """Return `graph` with the fixed `ranges` and the fused product, as the default model has."""

    def quantise(build: _Nodes, value: str, inner: int) -> tuple[str, str, str, str]:
        low, high = (min(0.0, ranges[value][0]), max(0.0, ranges[value][1]))
        step = max(high - low, 1e-12) / 255
        zero = np.array(round(-low / step), np.uint8)
        scale = build.constant(f"{value}.scale", np.array(step, np.float32))
        zero_point = build.constant(f"{value}.zero", zero)
        return build.node("QuantizeLinear", [value, scale, zero_point]), scale, zero_point, ""

    return _rewritten(graph, quantise)


def calibrated(graph: onnx.ModelProto, texts: Iterable[Tokens]) -> Ranges:
    """Return the ranges of what goes into the products of `graph` over `texts`."""
    shown = _copy(graph)
    values = sorted({node.input[0] for node, _ in _products(shown)})
    shown.graph.output.extend(helper.make_empty_tensor_value_info(value) for value in values)
    runs = session(shown)
    ranges = dict.fromkeys(values, (0.0, 0.0))
    for tokens in texts:
        for value, found in zip(values, runs.run(values, {"tokens": tokens}), strict=True):
            low, high = ranges[value]
            ranges[value] = min(low, float(found.min())), max(high, float(found.max()))
    return ranges


class _Calibration:
    """Hands calibration texts to the quantiser one by one."""

    def __init__(self, texts: Iterable[Tokens]) -> None:
        self._texts = iter(texts)

    def get_next(self) -> dict[str, Tokens] | None:
        tokens = next(self._texts, None)
        return None if tokens is None else {"tokens": tokens}


class _Nodes:
    """Collects the nodes and constants that take the place of one product."""

    def __init__(self, constants: dict[str, onnx.TensorProto], prefix: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._constants = constants
        self._prefix = prefix

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self._constants.setdefault(name, numpy_helper.from_array(value, name))
        return name

    def node(
        self, operator: str, inputs: list[str], domain: str = "", output: str = "", **more: Any
    ) -> str:
        name = f"{self._prefix}/{operator}_{len(self.nodes)}"
        made = helper.make_node(
            operator, inputs, [output or name], name=name, domain=domain, **more
        )
        self.nodes.append(made)
        return output or name


Quantise = Callable[[_Nodes, str, int], tuple[str, str, str, str]]
"""Adds nodes that make bytes of a value with so many columns; returns them, their scale, their zero
point, and by what each row of the product is to be multiplied, if by anything.
"""


def _rows_quantised(build: _Nodes, value: str, inner: int) -> tuple[str, str, str, str]:
    """Flatten to rows, and quantise each by its own largest magnitude."""
    shape = build.constant(f"rows_of_{inner}", np.array([-1, inner], np.int64))
    rows = build.node("Reshape", [value, shape])
    last = build.constant("axis_of_columns", np.array([1], np.int64))
    largest = build.node("ReduceMax", [build.node("Abs", [rows]), last], keepdims=0)
    steps = build.constant("steps", np.array(1 / LARGEST_ACTIVATION, np.float32))
    least = build.constant("least", np.array(1e-12, np.float32))
    scales = build.node("Max", [build.node("Mul", [largest, steps]), least])
    zero = build.constant("zero_point", np.array(ZERO_POINT, np.uint8))
    zeros = build.node("Expand", [zero, build.node("Shape", [scales])])
    quantised = build.node("QuantizeLinear", [rows, scales, zeros], axis=0)
    one = build.constant("one", np.array(1, np.float32))
    return quantised, one, zero, build.node("Unsqueeze", [scales, last])


def _rewritten(graph: onnx.ModelProto, quantise: Quantise) -> onnx.ModelProto:
    model = _copy(graph)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    chosen = {node.output[0]: weight for node, weight in _products(model)}
    constants: dict[str, onnx.TensorProto] = {}
    seen: dict[str, tuple[str, str, str, str]] = {}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        if node.op_type != "MatMul" or node.output[0] not in chosen:
            nodes.append(node)
            continue
        build = _Nodes(constants, node.name)
        matrix = numpy_helper.to_array(weights.pop(chosen[node.output[0]]))
        value = node.input[0]
        if value not in seen:  # query, key and value share theirs
            seen[value] = quantise(build, value, matrix.shape[0])
        _product(build, seen[value], matrix, node)
        nodes += build.nodes
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend([*weights.values(), *constants.values()])
    if CONTRIB not in {opset.domain for opset in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
    return model


def _product(
    build: _Nodes,
    quantised: tuple[str, str, str, str],
    matrix: npt.NDArray[np.float32],
    node: onnx.NodeProto,
) -> None:
    data, scale, zero, factors = quantised
    integers, scales = quantised_columns(matrix)
    name = node.input[1]
    inputs = [
        data,
        build.constant(f"{name}.integers", integers),
        scale,
        build.constant(f"{name}.scales", scales),
        zero,
        build.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
    ]
    if not factors:
        build.node("MatMulIntegerToFloat", inputs, CONTRIB, node.output[0])
        return
    rows = build.node("Mul", [build.node("MatMulIntegerToFloat", inputs, CONTRIB), factors])
    # Back to (windows, tokens, columns).
    ends = [build.constant(f"at_{n}", np.array([n], np.int64)) for n in (0, 2)]
    leading = build.node("Slice", [build.node("Shape", [node.input[0]]), *ends])
    width = build.constant(f"width_{len(scales)}", np.array([len(scales)], np.int64))
    shape = build.node("Concat", [leading, width], axis=0)
    build.node("Reshape", [rows, shape], output=node.output[0])


def _products(model: onnx.ModelProto) -> Iterator[tuple[onnx.NodeProto, str]]:
    """Yield the products with a constant matrix, and its name."""
    names = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 2}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in names:
            yield node, node.input[1]


def _copy(graph: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    return copy


def _quantised(graph: onnx.ModelProto, how: str, **options: Any) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static

    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "model.onnx")
        if how == "dynamic":
            quantize_dynamic(
                _copy(graph), path, per_channel=True, weight_type=QuantType.QInt8, **options
            )
        else:
            quantize_static(
                _copy(graph),
                path,
                per_channel=True,
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                **options,
            )
        return onnx.load(path)
