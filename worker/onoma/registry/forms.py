"""Judges the form of a graph before it is run: what would be slow, unsafe, or mix documents up.

Called for every graph that becomes a session, so gate and worker refuse the same. The rule: a form
is refused for what stands in the file, never for what a run of it happened to give; bits that
depend on neighbours for other reasons are found by the gate (`invariance.py`). Figures behind the
refusals: docs/decisions/0001-integer-form-of-transformers.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from onoma.registry.onnx_file import Node, OnnxFile

DOMAINS = ("", "ai.onnx", "com.microsoft")
UINT8, INT8 = 2, 3

REPLACED = {
    "SkipLayerNormalization": "Add and LayerNormalization, several times as fast: export the plain "
    "graph and leave onnxruntime.transformers.optimizer out",
    "ConvInteger": "a float Conv or a MatMul over shifted rows, three times as fast: leave Conv "
    "out of the quantised operators",
    "QLinearConv": "a float Conv or a MatMul over shifted rows, three times as fast: leave Conv "
    "out of the quantised operators",
}
"""Operators that are not taken, and what is wanted in their place."""

PRODUCTS = {
    "MatMul": (0, 1),
    "Gemm": (0, 1),
    "MatMulInteger": (0, 1),
    "MatMulIntegerToFloat": (0, 1),
    "DynamicQuantizeMatMul": (0, 1),
    "QAttention": (0, 1),
    "QLinearMatMul": (0, 3),
    "QGemm": (0, 3),
}
"""Products, and which of their inputs are the activations and the weights."""

KEEPS_INTEGERS = {
    "Concat", "DequantizeLinear", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape",
    "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators whose result is of the integers of their first input."""

SAME_CONSTANT = {"DequantizeLinear", "Flatten", "Identity", "Reshape", "Transpose"}
"""Those of them that leave a constant one."""


@dataclass(frozen=True, slots=True)
class Integers:
    """Of what integers a value is made, and whether it is a constant."""

    kind: int
    constant: bool


def complaints(graph: OnnxFile, *, packed: bool) -> Iterator[str]:
    """Yield what is wrong with `graph`: found, wanted, what to do. `packed`: windows of several
    documents share a call.
    """
    for name in graph.external:
        yield (
            f"found the tensor {name!r} in another file; wanted all in one, whose sha256 stands in "
            "the manifest: save it without external data"
        )
    values = _Values(graph)
    for node in graph.nodes:
        yield from _operator(node, packed)
        yield from _integers(node, values)


def _operator(node: Node, packed: bool) -> Iterator[str]:
    if node.domain not in DOMAINS:
        yield (
            f"found the operator {node.domain}.{node.operator}; wanted operators of ai.onnx and "
            "com.microsoft only: export without operators or functions of your own"
        )
    elif node.operator in REPLACED:
        yield f"found the operator {node.operator}; wanted {REPLACED[node.operator]}"
    elif packed and node.operator.startswith("DynamicQuantize"):
        yield (
            f"found the operator {node.operator}, whose range is taken over a call, in a bundle "
            "whose calls hold several documents, which would change each other's bits; wanted "
            "fixed ranges: export with calibrated ranges"
        )


def _integers(node: Node, values: _Values) -> Iterator[str]:
    if node.operator == "Conv" and values.of(node, 1) is not None:
        yield f"found a Conv of integer weights; wanted {REPLACED['QLinearConv']}"
    if node.operator not in PRODUCTS:
        return
    activations, weights = (values.of(node, place) for place in PRODUCTS[node.operator])
    if weights is not None and weights.constant and weights.kind == UINT8:
        yield (
            f"found a {node.operator} of U8 weights; wanted S8, twice as fast: quantise weights as "
            "QInt8"
        )
    if weights is not None and activations is not None and activations.kind == INT8:
        yield (
            f"found a {node.operator} of S8 activations; wanted U8, up to 18 times as fast: "
            "quantise activations as QUInt8"
        )


class _Values:
    """Finds out of what integers a value is made."""

    def __init__(self, graph: OnnxFile) -> None:
        self._types = graph.types
        self._makers = {output: node for node in graph.nodes for output in node.outputs}

    def of(self, node: Node, place: int) -> Integers | None:
        """Return the integers behind an input; None where it is a float or can't be told."""
        if place >= len(node.inputs):
            return None
        name, constant = node.inputs[place], True
        for _ in range(len(self._makers) + 1):  # a graph in a circle is onnxruntime's to refuse
            if name in self._types:
                kind = self._types[name]
                return Integers(kind, constant) if kind in (UINT8, INT8) else None
            maker = self._makers.get(name)
            if maker is None:
                return None
            if maker.operator not in KEEPS_INTEGERS or not maker.inputs:
                return self._made(maker)
            constant = constant and maker.operator in SAME_CONSTANT
            name = maker.inputs[0]
        return None

    def _made(self, maker: Node) -> Integers | None:
        """Return the integers that a node makes of floats."""
        if maker.operator == "DynamicQuantizeLinear":
            return Integers(UINT8, constant=False)
        if maker.operator == "QuantizeLinear":
            stated = maker.numbers.get("output_dtype", UINT8)
            zero = maker.inputs[2] if len(maker.inputs) > 2 else ""
            return Integers(self._types.get(zero, stated), constant=False)
        if maker.operator == "Cast" and maker.numbers.get("to") in (UINT8, INT8):
            return Integers(maker.numbers["to"], constant=False)
        return None
