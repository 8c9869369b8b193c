"""Reads from the bytes of an ONNX file what a loader has to know of it: nodes, types, outside data.

The worker has no `onnx` package, and neither has the gate; both judge a graph before onnxruntime
sees it, so what they need of protobuf is here: walking fields, skipping what is not asked for. The
numbers are the field numbers of onnx/onnx.proto. Nothing of a tensor is copied or looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DEEPEST_GRAPHS = 16
"""Graphs inside nodes inside graphs."""
LONGEST_VARINT = 10
VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES = 0, 1, 2, 5
EXTERNAL = 1


@dataclass(frozen=True, slots=True)
class Node:
    """One operator; `numbers` are its attributes of one whole number."""

    operator: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, int]


@dataclass(slots=True)
class OnnxFile:
    """All nodes, those of inner graphs and functions too; `types` are the element types of
    constants by their name, `external` the names of constants whose numbers lie in other files.
    """

    nodes: list[Node] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)


def read_onnx(data: bytes) -> OnnxFile:
    """Return what `data` holds. Raises ValueError where it is no ONNX file."""
    found = OnnxFile()
    graphs = 0
    for number, value in _fields(memoryview(data)):
        if number == 7:
            _graph(_message(value), found, 0)
            graphs += 1
        elif number == 25:
            _function(_message(value), found)
    if graphs != 1:
        raise ValueError(f"found {graphs} graphs in it, wanted one")
    return found


def _graph(message: memoryview, found: OnnxFile, depth: int) -> None:
    if depth > DEEPEST_GRAPHS:
        raise ValueError(f"graphs lie more than {DEEPEST_GRAPHS} deep in each other")
    for number, value in _fields(message):
        if number == 1:
            _node(_message(value), found, depth)
        elif number == 5:
            _tensor(_message(value), found)
        elif number == 15:
            _sparse(_message(value), found)


def _function(message: memoryview, found: OnnxFile) -> None:
    for number, value in _fields(message):
        if number == 7:
            _node(_message(value), found, 0)


def _node(message: memoryview, found: OnnxFile, depth: int) -> None:
    inputs, outputs, operator, domain = [], [], "", ""
    numbers: dict[str, int] = {}
    constants: list[int] = []
    for number, value in _fields(message):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            operator = _text(value)
        elif number == 5:
            _attribute(_message(value), found, depth, numbers, constants)
        elif number == 7:
            domain = _text(value)
    found.nodes.append(Node(operator, domain, tuple(inputs), tuple(outputs), numbers))
    if operator == "Constant" and constants and outputs:
        found.types[outputs[0]] = constants[0]


def _attribute(
    message: memoryview,
    found: OnnxFile,
    depth: int,
    numbers: dict[str, int],
    constants: list[int],
) -> None:
    name = ""
    for number, value in _fields(message):
        if number == 1:
            name = _text(value)
        elif number == 3 and isinstance(value, int):
            numbers[name] = value - (value >> 63 << 64)  # two's complement
        elif number in (5, 10):
            constants.append(_tensor(_message(value), found))
        elif number in (6, 11):
            _graph(_message(value), found, depth + 1)
        elif number in (22, 23):
            _sparse(_message(value), found)


def _sparse(message: memoryview, found: OnnxFile) -> None:
    for number, value in _fields(message):
        if number in (1, 2):
            _tensor(_message(value), found)


def _tensor(message: memoryview, found: OnnxFile) -> int:
    """Note a tensor and return its element type."""
    name, kind, outside = "", 0, False
    for number, value in _fields(message):
        if number == 2 and isinstance(value, int):
            kind = value
        elif number == 8:
            name = _text(value)
        elif number == 13 or (number == 14 and value == EXTERNAL):
            outside = True
    found.types[name] = kind
    if outside:
        found.external.append(name)
    return kind


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field; numbers of fixed size, which nothing here asks for,
    are yielded as their bytes.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == SIZED:
            size, at = _varint(message, at)
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError(f"found a field of wire type {wire}")
        if size > len(message) - at:
            raise ValueError(f"a field of {size} bytes reaches beyond its message")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(message[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number does not end")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("found a number, wanted a message")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode("utf-8")
