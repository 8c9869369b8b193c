"""Makes a network again out of a bundle's integer graph, so that training can start from it.

The way back from `export.py`, for `onoma train --init`. The rule: there is no second weight file;
what ships is what one starts from. Of two weights that were multiplied into one before they were
rounded (a table's scale, the range of the byte vectors) only the product is left. It is shared out
so that each column of the projection is as long as training leaves them: the same function, and
about the same to the optimisers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper

from onoma.errors import WrongUseError
from onoma.ner.features import HASHES_PER_UNIT
from onoma.registry import bundle
from onoma.registry.manifest import GRAPH_NAME, Manifest
from onoma.training.export import LARGEST_ACTIVATION, ZERO_POINT
from onoma.training.network import BYTE_FILTERS, BYTE_WINDOWS, TABLE_WIDTHS, Shape, WordHash

KIND = "wordhash"
TABLE_COLUMN, BYTE_COLUMN = 1.3, 0.86
"""Mean lengths of the projection's columns after 15,000 steps: 1.32 +- .15 and .86 +- .08."""

Floats = npt.NDArray[np.float32]
Constants = Mapping[str, npt.NDArray[np.generic]]


def network_of(directory: Path) -> tuple[WordHash, Manifest]:
    """Return the network of the `wordhash` bundle in `directory`, and its manifest."""
    manifest, _ = bundle.verify(directory)
    if manifest.kind != KIND:
        raise WrongUseError(
            f"{directory} holds a model of kind {manifest.kind}, training starts from {KIND}"
        )
    graph = onnx.load(directory / GRAPH_NAME).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    try:
        return _network(constants, manifest), manifest
    except (KeyError, ValueError, RuntimeError) as error:
        raise WrongUseError(
            f"{directory / GRAPH_NAME} is not laid out as this version exports it: {error!r}; "
            "train anew without --init"
        ) from error


@torch.no_grad()
def _network(constants: Constants, manifest: Manifest) -> WordHash:
    labels = len(manifest.labels)
    width = len(constants["project.bias"])
    has_channel = "gazetteer.weight" in constants
    network = WordHash(Shape(labels, width, manifest.context_units, gazetteer=has_channel))
    parts = {
        **_words(constants),
        "head.transitions": np.array(manifest.decoder.transitions),
        "head.start": np.array(manifest.decoder.start),
        # The fill is what each column was divided by.
        "head.out.weight": (
            _product(constants, "out") * constants["out.fill"].astype(np.float32)[:, None]
        ).T,
        "head.out.bias": constants["out.bias"],
    }
    if has_channel:
        parts["gazetteer"] = _product(constants, "gazetteer")
    for layer in range(manifest.context_units):
        for part in ("weight", "bias"):
            parts[f"norms.{layer}.{part}"] = constants[f"norms.{layer}.{part}"]
        parts[f"windows.{layer}.weight"] = _product(constants, f"windows.{layer}").T
        parts[f"windows.{layer}.bias"] = constants[f"windows.{layer}.bias"]
    tensors = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in parts.items()}
    network.load_state_dict(tensors)
    return network


def _product(constants: Constants, name: str) -> Floats:
    """Return the weight (inputs, outputs) of an integer product."""
    integers = constants[f"{name}.weight"].astype(np.float32)
    weight: Floats = integers * constants[f"{name}.weight_scales"].astype(np.float32)
    return weight


def _words(constants: Constants) -> dict[str, Floats]:
    """Return tables, byte windows and projection, what was multiplied into one shared out again."""
    weight = _product(constants, "project")
    length = np.sqrt((weight**2).sum(1))
    edges = np.cumsum((0, *TABLE_WIDTHS))
    wanted = np.where(np.arange(len(length)) < edges[-1], TABLE_COLUMN, BYTE_COLUMN)
    factors = np.where(length > 0, length / wanted, 1.0).astype(np.float32)
    parts = {
        "project.weight": (weight / factors[:, None]).T,
        "project.bias": constants["project.bias"].astype(np.float32),
    }
    for i in range(HASHES_PER_UNIT):
        integers = constants[f"tables.{i}"].astype(np.float32) - ZERO_POINT
        parts[f"tables.{i}.weight"] = integers * factors[edges[i] : edges[i + 1]]
    return parts | _bytes(constants, factors[edges[-1] :])


def _bytes(constants: Constants, factors: Floats) -> dict[str, Floats]:
    """Return the byte table and its windows. A byte vector is rounded to 127ths of its range, and
    its row of the projection was divided by as much.
    """
    letters = constants["bytes.table"].astype(np.float32) - ZERO_POINT
    # Fresh letters have a standard deviation of 1.
    spread = np.float32(letters[1:].std() or 1.0)
    columns = factors * LARGEST_ACTIVATION
    integers = constants["bytes.weight"].astype(np.float32)
    weight = integers * (constants["bytes.scales"].astype(np.float32) * spread * columns)
    bias = constants["bytes.bias"].astype(np.float32) * columns
    longest, width = max(BYTE_WINDOWS), letters.shape[1]
    parts: dict[str, Floats] = {"bytes_.weight": letters / spread}
    for i, size in enumerate(BYTE_WINDOWS):
        first = (longest - size) // 2 * width
        own = slice(i * BYTE_FILTERS, (i + 1) * BYTE_FILTERS)
        parts[f"byte_windows.{i}.weight"] = weight[first : first + size * width, own].T
        parts[f"byte_windows.{i}.bias"] = bias[own]
    return parts
