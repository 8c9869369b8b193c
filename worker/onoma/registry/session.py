"""Makes a session of a graph: its form judged first, its inputs and outputs held to what is wanted.

The options are those that were measured best for callers that are threads themselves: one thread
for each call, no spinning, and without the fused layer norm, which is slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onoma.errors import BundleError
from onoma.registry.engine import onnxruntime
from onoma.registry.forms import complaints
from onoma.registry.onnx_file import read_onnx

Axes = tuple[int, int | None]
"""How many axes a value has, and how long the last of them is; None for any length."""


def open_session(path: Path, *, packed: bool) -> onnxruntime.InferenceSession:
    """Return a session of the graph in `path`. Raises BundleError, naming what is wrong with it.

    `packed`: windows of several documents share a call.
    """
    data = path.read_bytes()
    try:
        graph = read_onnx(data)
    except ValueError as error:
        raise BundleError(f"{path}: is no ONNX file: {error}") from error
    for complaint in complaints(graph, packed=packed):
        raise BundleError(f"{path}: {complaint}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            data,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],
        )
    except Exception as error:  # onnxruntime raises a dozen unrelated classes for a bad graph
        raise BundleError(f"{path}: onnxruntime does not load it: {error}") from error


def check_values(
    model: str,
    session: onnxruntime.InferenceSession,
    *,
    inputs: Mapping[str, Axes],
    emissions: Axes,
) -> None:
    """Refuse a graph whose inputs are not `inputs`, or that has no output `emissions` like that.

    Other outputs are let be: nobody asks the session for them.
    """
    found = {put.name: _axes(put.shape) for put in session.get_inputs()}
    outputs = {put.name: _axes(put.shape) for put in session.get_outputs()}
    fits = found.keys() == inputs.keys() and all(
        _alike(found[name], inputs[name]) for name in inputs
    )
    if not fits or not _alike(outputs.get("emissions", (0, None)), emissions):
        raise BundleError(
            f"{model}: the graph has inputs {_told(found)} and outputs {_told(outputs)}; wanted "
            f"inputs {_told(inputs)} and an output {_told({'emissions': emissions})}, one column "
            "for each label: export it for this manifest"
        )


def _axes(shape: list[int | str | None]) -> Axes:
    last = shape[-1] if shape else None
    return len(shape), last if isinstance(last, int) else None


def _alike(found: Axes, wanted: Axes) -> bool:
    return found[0] == wanted[0] and wanted[1] in (None, found[1])


def _told(values: Mapping[str, Axes]) -> str:
    """Say `bytes (2 axes, 24 columns)` for each value."""
    said = [
        f"{name} ({axes} axes" + (")" if columns is None else f", {columns} columns)")
        for name, (axes, columns) in sorted(values.items())
    ]
    return ", ".join(said) or "none"
