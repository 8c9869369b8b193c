"""Writes tiny ONNX graphs as bytes, so that tests of bundles need no `onnx` package.

Only what those tests use of the protobuf messages ModelProto, GraphProto, NodeProto, TensorProto
and ValueInfoProto (onnx/onnx.proto); the numbers are the field numbers there. A node and a tensor
are written by `node` and `tensor`, a model of any of them by `model`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
_KINDS = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int32": INT32, "int64": INT64}
_INT_ATTRIBUTE, _TENSOR_ATTRIBUTE, _GRAPH_ATTRIBUTE = 2, 4, 5


def wordhash_graph(
    labels: int,
    *,
    hashes: int = 7,
    mask_name: str = "mask",
    output: str = "emissions",
    seed: int = 7,
    channel: bool = False,
    ending: Sequence[bytes] = (),
) -> bytes:
    """Return a graph with the inputs and the output of a `wordhash` model: hashes by weights, each
    unit that of its word.

    `ending`: nodes that make `shaped` out of `scores`, `(rows, labels)`. With `channel` it has the
    input `gazetteer` too, and does not read it.
    """
    weights = np.random.default_rng(seed).normal(0, 1e-4, (hashes, labels)).astype(np.float32)
    return model(
        [
            node("Gather", ["hashes", "words"], "rows_of_words"),
            node("Cast", ["rows_of_words"], "numbers", to=FLOAT),
            node("MatMul", ["numbers", "weights"], "scores"),
            *ending,
            node("Mul", ["shaped" if ending else "scores", mask_name], output),
        ],
        [tensor("weights", weights)],
        inputs=[
            value("hashes", INT32, "distinct", hashes),
            value("bytes", INT32, "distinct", 24),
            value("words", INT32, "rows"),
            value(mask_name, FLOAT, "rows", 1),
            *([value("gazetteer", FLOAT, "rows", 7)] if channel else []),
        ],
        outputs=[value(output, FLOAT, "rows", labels)],
    )


def token_graph(
    labels: int,
    *,
    vocabulary: int = 300,
    tokens: str = "tokens",
    output: str = "emissions",
    axes: Sequence[str] = ("windows", "tokens"),
) -> bytes:
    """Return a graph with the input and the output of a `token-classification` model: one row of
    chance for each token.
    """
    table = np.random.default_rng(7).normal(0, 1, (vocabulary, labels)).astype(np.float32)
    return model(
        [node("Gather", ["table", tokens], output)],
        [tensor("table", table)],
        inputs=[value(tokens, INT64, *axes)],
        outputs=[value(output, FLOAT, *axes, labels)],
    )


def model(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes] = (),
    *,
    inputs: Sequence[bytes] = (),
    outputs: Sequence[bytes] = (),
) -> bytes:
    """Return a file of one graph."""
    return (
        _number(1, 8)
        + _message(7, graph(nodes, tensors, inputs=inputs, outputs=outputs))
        + _message(8, _message(1, b"") + _number(2, 17))
    )


def graph(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes] = (),
    *,
    inputs: Sequence[bytes] = (),
    outputs: Sequence[bytes] = (),
) -> bytes:
    """Return a graph, such as lies in a file or in a node."""
    parts = ((1, nodes), (2, (b"tiny",)), (5, tensors), (11, inputs), (12, outputs))
    return b"".join(_message(field, part) for field, many in parts for part in many)


def node(
    kind: str,
    inputs: Sequence[str],
    *outputs: str,
    domain: str = "",
    inner: bytes = b"",
    constant: bytes = b"",
    **attributes: int,
) -> bytes:
    """Return a node; `inner` is a graph that it holds, `constant` a tensor, `attributes` are
    numbers.
    """
    parts = [_message(1, name.encode()) for name in inputs]
    parts += [_message(2, name.encode()) for name in outputs]
    parts.append(_message(4, kind.encode()))
    for name, value in attributes.items():
        attribute = _message(1, name.encode()) + _number(3, value) + _number(20, _INT_ATTRIBUTE)
        parts.append(_message(5, attribute))
    for name, field, data, what in (
        ("body", 6, inner, _GRAPH_ATTRIBUTE),
        ("value", 5, constant, _TENSOR_ATTRIBUTE),
    ):
        if data:
            attribute = _message(1, name.encode()) + _message(field, data) + _number(20, what)
            parts.append(_message(5, attribute))
    if domain:
        parts.append(_message(7, domain.encode()))
    return b"".join(parts)


def tensor(name: str, values: npt.NDArray[np.generic], *, location: str = "") -> bytes:
    """Return a tensor; with a `location` its numbers are said to lie in that file."""
    data = b"".join(_number(1, size) for size in values.shape)
    data += _number(2, _KINDS[values.dtype.name]) + _message(8, name.encode())
    if not location:
        return data + _message(9, values.tobytes())
    entry = _message(1, b"location") + _message(2, location.encode())
    return data + _message(13, entry) + _number(14, 1)


def value(name: str, kind: int, *axes: int | str) -> bytes:
    """Return an input or output: its element type and the length of each axis, or its name."""
    shape = b"".join(
        _message(1, _message(2, axis.encode()) if isinstance(axis, str) else _number(1, axis))
        for axis in axes
    )
    of_tensor = _number(1, kind) + _message(2, shape)
    return _message(1, name.encode()) + _message(2, _message(1, of_tensor))


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


DYNAMIC_RANGE = (
    node("DynamicQuantizeLinear", ["scores"], "integers", "scale", "zero"),
    node("DequantizeLinear", ["integers", "scale", "zero"], "shaped"),
)
"""An ending whose range is taken over the call, by the operator that is made for it."""

HIDDEN_RANGE = (
    node("Abs", ["scores"], "magnitudes"),
    node("ReduceMax", ["magnitudes"], "largest", keepdims=1),
    node("Div", ["scores", "largest"], "shaped"),
)
"""An ending whose range is taken over the call, by operators that nobody would suspect."""
