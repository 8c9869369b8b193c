"""What a loader needs of an ONNX file is read; what is no such file is named, never guessed at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.registry.onnx_file import DEEPEST_GRAPHS, Node, read_onnx
from tests.tiny_onnx import INT8, UINT8, graph, model, node, tensor, wordhash_graph

BYTES = np.zeros((2, 3), np.uint8)


def test_nodes_come_with_their_values_domain_and_numbers() -> None:
    found = read_onnx(
        model(
            [
                node("Cast", ["a"], "b", to=3),
                node("Split", ["b", "sizes"], "c", "d", domain="com.example", axis=1, kept=0),
            ]
        )
    )

    assert found.nodes == [
        Node("Cast", "", ("a",), ("b",), {"to": 3}),
        Node("Split", "com.example", ("b", "sizes"), ("c", "d"), {"axis": 1, "kept": 0}),
    ]


def test_constants_have_their_type_in_the_graph_and_in_a_node() -> None:
    inside = node("Constant", [], "made", constant=tensor("", BYTES))
    found = read_onnx(model([inside], [tensor("weights", BYTES.astype(np.int8))]))

    assert found.types["weights"] == INT8
    assert found.types["made"] == UINT8
    assert found.external == []


def test_a_graph_inside_a_node_is_read_too() -> None:
    inner = graph([node("Custom", ["a"], "b", domain="evil")], [tensor("far", BYTES, location="x")])
    found = read_onnx(model([node("If", ["c"], "d", inner=inner)]))

    assert [each.operator for each in found.nodes] == ["Custom", "If"]
    assert found.external == ["far"]


def test_graphs_that_lie_too_deep_are_refused() -> None:
    data = graph([node("Abs", ["a"], "b")])
    for _ in range(DEEPEST_GRAPHS + 2):
        data = graph([node("If", ["c"], "d", inner=data)])

    with pytest.raises(ValueError, match="more than 16 deep"):
        read_onnx(model([node("If", ["c"], "d", inner=data)]))


@pytest.mark.parametrize("data", [b"", b"no graph", b"\x3a\x05ab", b"\xff" * 20, b"{}", b"\x3b"])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_onnx(data)


@given(st.data())
def test_a_file_cut_short_or_altered_is_read_or_refused_and_nothing_else(
    data: st.DataObject,
) -> None:
    whole = bytearray(wordhash_graph(3))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))

    try:
        read_onnx(bytes(whole[:end]))
    except ValueError:
        return
