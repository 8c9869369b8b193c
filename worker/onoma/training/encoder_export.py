"""Writes a token classifier as an ONNX graph: token numbers in, scores of our labels out.

Last step of import and of fine-tuning; the file is served by `onoma.ner.token_classification`. The
rule: a graph is compared with the network it came from, on windows of many lengths, before anything
else is done with it. It has no attention mask, because a served window is a call of its exact
length.

Integer form: weights S8 per channel, activations U8 with a range over the call, embeddings too
(docs/decisions/0001-integer-form-of-transformers.md). Weights of products are held within +-64: on
processors without VNNI the sum of two byte products is kept in 16 bits, and 2 x 255 x 64 just fits,
so that a file gives the same answers everywhere. Opset 23 has an attention operator of which the
quantiser makes an invalid graph. Forms that a worker would refuse are found when the bundle is
loaded, at the end of writing it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from onoma.errors import WrongUseError
from onoma.registry.engine import onnxruntime
from onoma.training.torch_export import exported, quiet, refuse_difference

Precision = Literal["int8", "fp32"]

LARGEST_PARAMETERS = 500_000_000
"""Of four bytes each: an ONNX file of one piece ends at 2 GiB."""

PARITY_SHAPES = ((1, 1), (1, 2), (2, 2), (1, 3), (3, 7), (1, 17), (2, 33), (1, 64))


class Tagger(nn.Module):
    """A token classifier whose scores are of our labels: `columns[i]` are the model's labels that
    make up label i.
    """

    def __init__(self, model: nn.Module, columns: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.model = model
        self.columns = tuple(tuple(each) for each in columns)
        # The exporter puts a network back into the mode of its outermost module, all of it.
        self.eval()

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores `(windows, tokens, labels)` of `tokens` `(windows, tokens)`."""
        scores = self.model(input_ids=tokens).logits
        if self.columns == tuple((i,) for i in range(scores.shape[-1])):
            return cast(Tensor, scores)
        merged = [
            scores[..., each[0]] if len(each) == 1 else scores[..., list(each)].logsumexp(-1)
            for each in self.columns
        ]
        return torch.stack(merged, -1)


def export(tagger: Tagger, precision: Precision, *, vocabulary: int, longest: int) -> bytes:
    """Return the graph of `tagger` in `precision`, one file without external data.

    `vocabulary` and `longest` bound the windows on which it is compared with the network.
    """
    refuse_size(tagger, "the model")
    tagger.eval()
    graph = _exported(tagger)
    worst = parity(tagger, graph.SerializeToString(), vocabulary=vocabulary, longest=longest)
    refuse_difference(worst)
    if precision == "int8":
        graph = _quantised(graph)
    graph.producer_name = "onoma"
    graph.graph.doc_string = ""
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def refuse_size(model: nn.Module, name: str) -> None:
    """Raise WrongUseError for a model that no file of one piece could hold."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters > LARGEST_PARAMETERS:
        raise WrongUseError(
            f"{name}: found {parameters:,} parameters, wanted at most {LARGEST_PARAMETERS:,}: an "
            "ONNX file of one piece ends at 2 GiB, int8 is made from it; take a smaller encoder, "
            "such as the base size of the same family"
        )


@torch.no_grad()
def parity(tagger: Tagger, graph: bytes, *, vocabulary: int, longest: int) -> float:
    """Return the largest difference of a score between `tagger` and `graph` on windows of many
    shapes, of chance tokens.
    """
    session = onnxruntime.InferenceSession(
        graph, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )
    chance = np.random.default_rng(0)
    worst = 0.0
    for windows, tokens in (*PARITY_SHAPES, (1, longest)):
        numbers = chance.integers(0, vocabulary, (windows, min(tokens, longest)))
        scores = session.run(["emissions"], {"tokens": numbers})[0]
        wanted = tagger(torch.from_numpy(numbers)).numpy()
        worst = max(worst, float(np.abs(scores - wanted).max()))
    return worst


def _exported(tagger: Tagger) -> onnx.ModelProto:
    axes = {0: torch.export.Dim("windows"), 1: torch.export.Dim("tokens")}
    return exported(tagger, {"tokens": (torch.ones((2, 7), dtype=torch.int64), axes)})


def _quantised(graph: onnx.ModelProto) -> onnx.ModelProto:
    # Tables are only looked up: their integers may fill the byte.
    tables = _dynamic(graph, ["Gather"], reduce_range=False)
    return _dynamic(tables, ["MatMul", "Gemm"], reduce_range=True)


def _dynamic(graph: onnx.ModelProto, operators: list[str], reduce_range: bool) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as directory, quiet():
        path = Path(directory) / "model.onnx"
        quantize_dynamic(
            graph,
            str(path),
            op_types_to_quantize=operators,
            per_channel=True,
            reduce_range=reduce_range,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(str(path))
