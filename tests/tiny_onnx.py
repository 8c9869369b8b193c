"""Writes tiny ONNX graphs as bytes, so that tests of bundles need no `onnx` package.

Only what those tests use of the protobuf messages ModelProto, GraphProto, NodeProto, TensorProto
and ValueInfoProto (onnx/onnx.proto); the numbers are the field numbers there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FLOAT, INT32, INT64 = 1, 6, 7
_INT_ATTRIBUTE = 2


def wordhash_graph(
    labels: int,
    *,
    hashes: int = 7,
    mask_name: str = "mask",
    output: str = "emissions",
    seed: int = 7,
    channel: bool = False,
) -> bytes:
    """Return a graph with the inputs and the output of a `wordhash` model: hashes by weights. With
    `channel` it has the input `gazetteer` too, and does not read it.
    """
    weights = np.random.default_rng(seed).normal(0, 1e-4, (hashes, labels)).astype(np.float32)
    graph = b"".join(
        [
            _message(1, _node("Cast", ["hashes"], "numbers", to=FLOAT)),
            _message(1, _node("MatMul", ["numbers", "weights"], "scores")),
            _message(1, _node("Mul", ["scores", mask_name], output)),
            _message(2, b"tiny"),
            _message(5, _tensor("weights", weights)),
            _message(11, _value("hashes", INT32, "rows", hashes)),
            _message(11, _value("bytes", INT32, "rows", 24)),
            _message(11, _value(mask_name, FLOAT, "rows", 1)),
            *([_message(11, _value("gazetteer", FLOAT, "rows", 5))] if channel else []),
            _message(12, _value(output, FLOAT, "rows", labels)),
        ]
    )
    opset = _message(1, b"") + _number(2, 17)
    return _number(1, 8) + _message(7, graph) + _message(8, opset)


def token_graph(
    labels: int, *, vocabulary: int = 300, tokens: str = "tokens", output: str = "emissions"
) -> bytes:
    """Return a graph with the input and the output of a `token-classification` model: one row of
    chance for each token.
    """
    table = np.random.default_rng(7).normal(0, 1, (vocabulary, labels)).astype(np.float32)
    graph = b"".join(
        [
            _message(1, _node("Gather", ["table", tokens], output)),
            _message(2, b"tiny"),
            _message(5, _tensor("table", table)),
            _message(11, _value(tokens, INT64, "windows", "tokens")),
            _message(12, _value(output, FLOAT, "windows", "tokens", labels)),
        ]
    )
    return _number(1, 8) + _message(7, graph) + _message(8, _message(1, b"") + _number(2, 17))


def _node(kind: str, inputs: list[str], output: str, **attributes: int) -> bytes:
    parts = [_message(1, name.encode()) for name in inputs]
    parts += [_message(2, output.encode()), _message(4, kind.encode())]
    for name, value in attributes.items():
        attribute = _message(1, name.encode()) + _number(3, value) + _number(20, _INT_ATTRIBUTE)
        parts.append(_message(5, attribute))
    return b"".join(parts)


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    dimensions = b"".join(_number(1, size) for size in values.shape)
    data = _message(8, name.encode()) + _message(9, values.tobytes())
    return dimensions + _number(2, FLOAT) + data


def _value(name: str, kind: int, *axes: int | str) -> bytes:
    shape = b"".join(
        _message(1, _message(2, axis.encode()) if isinstance(axis, str) else _number(1, axis))
        for axis in axes
    )
    tensor = _number(1, kind) + _message(2, shape)
    return _message(1, name.encode()) + _message(2, _message(1, tensor))


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
