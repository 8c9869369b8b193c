# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""Our reader of ONNX files says what the library of the format says."""

from __future__ import annotations

import pytest

from tests.training.extra import need

need("onnx")

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onoma.registry.bundle import default_directory
from onoma.registry.forms import complaints
from onoma.registry.onnx_file import read_onnx

pytestmark = pytest.mark.train


def _branch(name: str) -> onnx.GraphProto:
    constant = helper.make_node(
        "Constant", [], [name], value=numpy_helper.from_array(np.zeros(3, np.uint8))
    )
    return helper.make_graph(
        [constant], name, [], [helper.make_tensor_value_info(name, TensorProto.UINT8, [3])]
    )


def _hostile() -> onnx.ModelProto:
    """Return a model that hides something in each place where something can be hidden."""
    far = numpy_helper.from_array(np.zeros(4, np.float32), "far")
    onnx.external_data_helper.set_external_data(far, "../../elsewhere")
    far.ClearField("raw_data")
    far.data_location = TensorProto.EXTERNAL
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "few"),
        numpy_helper.from_array(np.zeros(1, np.int64), "places"),
        [4],
    )
    choice = helper.make_node(
        "If", ["yes"], ["y"], then_branch=_branch("then"), else_branch=_branch("else")
    )
    graph = helper.make_graph(
        [
            choice,
            helper.make_node("Odd", ["y"], ["z"], domain="com.example", alpha=1.5, ids=[1, 2]),
        ],
        "hostile",
        [helper.make_tensor_value_info("yes", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [far],
        sparse_initializer=[sparse],
    )
    own = helper.make_function(
        "com.example",
        "Odd",
        ["a"],
        ["b"],
        [helper.make_node("Inner", ["a"], ["b"], domain="com.elsewhere")],
        [helper.make_opsetid("com.elsewhere", 1)],
    )
    return helper.make_model(graph, functions=[own], opset_imports=[helper.make_opsetid("", 20)])


def test_nothing_hidden_in_a_model_is_overlooked() -> None:
    found = read_onnx(_hostile().SerializeToString())

    said = " ".join(complaints(found, packed=True))
    for hidden in ("com.example.Odd", "com.elsewhere.Inner", "'far' in another file"):
        assert hidden in said
    assert found.types["then"] == found.types["else"] == TensorProto.UINT8
    assert found.types["few"] == TensorProto.FLOAT


def test_the_shipped_graph_is_read_as_the_library_reads_it() -> None:
    path = default_directory() / "model.onnx"
    wanted = onnx.load(path).graph

    found = read_onnx(path.read_bytes())

    assert [
        (node.operator, node.domain, list(node.inputs), list(node.outputs)) for node in found.nodes
    ] == [(node.op_type, node.domain, list(node.input), list(node.output)) for node in wanted.node]
    assert [dict(node.numbers) for node in found.nodes] == [
        {a.name: a.i for a in node.attribute if a.type == onnx.AttributeProto.INT}
        for node in wanted.node
    ]
    assert found.types == {each.name: each.data_type for each in wanted.initializer}
