"""Forms of a graph that are refused, each with what was found, what is wanted, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from onoma.registry.bundle import default_directory
from onoma.registry.forms import complaints
from onoma.registry.onnx_file import read_onnx
from tests.tiny_onnx import INT8, UINT8, model, node, tensor

S8, U8 = np.zeros((4, 4), np.int8), np.zeros((4, 4), np.uint8)
FLOATS = np.zeros((4, 4), np.float32)
CONSTANTS = [
    tensor("s8", S8),
    tensor("u8", U8),
    tensor("scale", FLOATS[0, 0]),
    tensor("u8_zero", U8[0, 0]),
    tensor("s8_zero", S8[0, 0]),
    tensor("floats", FLOATS),
]


def _said(nodes: Sequence[bytes], *, packed: bool = False) -> list[str]:
    return list(complaints(read_onnx(model(nodes, CONSTANTS)), packed=packed))


def _quantised(zero: str) -> bytes:
    return node("QuantizeLinear", ["x", "scale", zero], "quantised")


def _dequantised(value: str, name: str) -> bytes:
    return node("DequantizeLinear", [value, "scale"], name)


CONTRIB = "com.microsoft"
WEIGHTS = r"of U8 weights; wanted S8, .*: quantise weights as QInt8"
ACTIVATIONS = r"of S8 activations; wanted U8, .*: quantise activations as QUInt8"
CONVOLUTION = r"wanted a float Conv .*: leave Conv out of the quantised operators"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("MatMulInteger", ["x", "u8", "u8_zero"], "y")], f"found a MatMulInteger {WEIGHTS}"),
        (
            [node("DynamicQuantizeMatMul", ["x", "u8", "scale"], "y", domain=CONTRIB)],
            f"found a DynamicQuantizeMatMul {WEIGHTS}",
        ),
        (
            [
                _quantised("u8_zero"),
                node("QLinearMatMul", ["quantised", "scale", "u8_zero", "u8"], "y"),
            ],
            f"found a QLinearMatMul {WEIGHTS}",
        ),
        (
            [_dequantised("u8", "weights"), node("MatMul", ["x", "weights"], "y")],
            f"found a MatMul {WEIGHTS}",
        ),
        (
            [
                _dequantised("u8", "weights"),
                node("Transpose", ["weights"], "turned"),
                node("Gemm", ["x", "turned"], "y"),
            ],
            f"found a Gemm {WEIGHTS}",
        ),
        (
            [_quantised("s8_zero"), node("MatMulInteger", ["quantised", "s8"], "y")],
            f"found a MatMulInteger {ACTIVATIONS}",
        ),
        (
            [
                _quantised("s8_zero"),
                node("Reshape", ["quantised", "shape"], "rows"),
                node("MatMulIntegerToFloat", ["rows", "s8"], "y", domain=CONTRIB),
            ],
            f"found a MatMulIntegerToFloat {ACTIVATIONS}",
        ),
        (
            [
                _quantised("s8_zero"),
                _dequantised("quantised", "values"),
                _dequantised("s8", "weights"),
                node("MatMul", ["values", "weights"], "y"),
            ],
            f"found a MatMul {ACTIVATIONS}",
        ),
        (
            [
                node("QuantizeLinear", ["x", "scale"], "quantised", output_dtype=INT8),
                node("MatMulInteger", ["quantised", "s8"], "y"),
            ],
            f"found a MatMulInteger {ACTIVATIONS}",
        ),
        (
            [
                node("Cast", ["x"], "quantised", to=INT8),
                node("MatMulInteger", ["quantised", "s8"], "y"),
            ],
            f"found a MatMulInteger {ACTIVATIONS}",
        ),
        (
            [node("SkipLayerNormalization", ["x", "y", "floats"], "z", domain=CONTRIB)],
            r"SkipLayerNormalization; wanted Add and LayerNormalization, .*: export the plain",
        ),
        ([node("ConvInteger", ["x", "s8"], "y")], f"operator ConvInteger; {CONVOLUTION}"),
        ([node("QLinearConv", ["x", "scale"], "y")], f"operator QLinearConv; {CONVOLUTION}"),
        (
            [_dequantised("s8", "weights"), node("Conv", ["x", "weights"], "y")],
            f"found a Conv of integer weights; {CONVOLUTION}",
        ),
        (
            [node("Tokenizer", ["x"], "y", domain="com.example")],
            r"com\.example\.Tokenizer; wanted operators of ai\.onnx and com\.microsoft only: ",
        ),
        (
            [node("If", ["x"], "y", inner=b"\x0a\x0a" + b"\x22\x03Abs\x3a\x03abc")],
            r"found the operator abc\.Abs; wanted operators of",
        ),
    ],
)
def test_a_form_that_is_slow_or_strange_is_refused(nodes: list[bytes], message: str) -> None:
    (said,) = _said(nodes)

    assert re.search(message, said), said


@pytest.mark.parametrize("operator", ["DynamicQuantizeLinear", "DynamicQuantizeMatMul"])
def test_a_range_over_the_call_is_refused_only_where_documents_share_it(operator: str) -> None:
    nodes = [node(operator, ["x", "s8"], "y", "scale_of_y", "zero_of_y", domain=CONTRIB)]

    (said,) = _said(nodes, packed=True)

    assert f"found the operator {operator}, whose range is taken over a call" in said
    assert said.endswith("wanted fixed ranges: export with calibrated ranges")
    assert _said(nodes, packed=False) == []


def test_a_tensor_in_another_file_is_refused() -> None:
    outside = tensor("weights", FLOATS, location="../../etc/passwd")
    (said,) = complaints(read_onnx(model([node("Abs", ["x"], "y")], [outside])), packed=False)

    assert said == (
        "found the tensor 'weights' in another file; wanted all in one, whose sha256 stands in the "
        "manifest: save it without external data"
    )


@pytest.mark.parametrize(
    "nodes",
    [
        [_quantised("u8_zero"), node("MatMulInteger", ["quantised", "s8", "u8_zero"], "y")],
        [node("QuantizeLinear", ["x", "scale"], "q"), node("MatMulInteger", ["q", "s8"], "y")],
        [node("Cast", ["x"], "q", to=UINT8), node("MatMulInteger", ["q", "s8"], "y")],
        # A table of bytes whose rows are activations, and a product of two activations.
        [node("Gather", ["u8", "x"], "q"), node("MatMulInteger", ["q", "s8"], "y")],
        [node("Gather", ["u8", "x"], "q"), node("MatMulInteger", ["z", "q"], "y")],
        # A table of signed bytes in front of a float product.
        [
            node("Gather", ["s8", "x"], "rows"),
            _dequantised("rows", "values"),
            node("MatMul", ["values", "floats"], "y"),
        ],
        [node("Conv", ["x", "floats"], "y"), node("LayerNormalization", ["y", "floats"], "z")],
        [
            node("Identity", ["b"], "a"),
            node("Identity", ["a"], "b"),
            node("MatMul", ["a", "b"], "c"),
        ],
        [node("MatMul", [], "c")],
    ],
)
def test_what_is_fast_or_float_is_taken(nodes: list[bytes]) -> None:
    assert _said(nodes, packed=True) == []


def test_the_graph_that_ships_is_taken() -> None:
    graph = read_onnx((default_directory() / "model.onnx").read_bytes())

    assert list(complaints(graph, packed=True)) == []
