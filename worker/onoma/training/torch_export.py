"""Writes a torch module as an ONNX graph in full precision.

Shared by encoders from elsewhere and by the gate's reference of `wordhash`. The rule: a graph is
worth nothing before it was compared with its module, so whoever exports one measures both.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import onnx
import torch
from torch import Tensor, nn

from onoma.errors import FatalError

OPSET = 20
PARITY = 1e-4
"""Largest difference of a score between graph and module."""

Axes = Mapping[int, torch.export.Dim]


def exported(
    module: nn.Module, inputs: Mapping[str, tuple[Tensor, Axes]], output: str = "emissions"
) -> onnx.ModelProto:
    """Return the graph of `module`, which takes `inputs` in their order: of each an example, no
    axis of which is one, and the axes that may have any length.
    """
    with quiet():
        try:
            program = torch.onnx.export(
                module,
                tuple(example for example, _ in inputs.values()),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=tuple(dict(axes) for _, axes in inputs.values()),
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise FatalError(
                f"torch can't export this network: {str(error).splitlines()[0]}"
            ) from error
    return program.model_proto


def refuse_difference(worst: float) -> None:
    """Raise FatalError where scores of graph and module differ by more than `PARITY`."""
    if not worst <= PARITY:
        raise FatalError(
            f"the exported graph differs from the network by {worst:.1e}, wanted at most {PARITY}: "
            "this network can't be served"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the remarks of exporter and quantiser to themselves; errors are raised anyway."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
