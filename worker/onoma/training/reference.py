"""Lets a trained network read as the served model does, in full precision: the gate's reference.

Training judges with the network itself; `--keep-reference` writes it as a graph, with which `onoma
model gate --reference` judges the bundle again. The rule: only the graph differs. Features,
windows, decoder and temperature are those of the bundle, so that a difference between the two is
what the integers cost.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from onoma.gazetteer.channel import NUMBERS_PER_UNIT, Gazetteer
from onoma.ner.features import BYTES_PER_UNIT, HASH_BUCKETS, HASHES_PER_UNIT
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.registry.bundle import decoder_of
from onoma.registry.engine import onnxruntime
from onoma.registry.manifest import Manifest
from onoma.training.checkpoints import write_whole
from onoma.training.network import BYTE_VALUES, WordHash
from onoma.training.torch_export import exported, refuse_difference

COMPARED_UNITS = (1, 2, 3, 17, 120)


class _Rows(NamedTuple):
    hashes: Tensor
    bytes_: Tensor
    words: Tensor
    mask: Tensor
    gazetteer: Tensor | None


class _Served(nn.Module):
    """The network behind the inputs of the served graph."""

    def __init__(self, network: WordHash) -> None:
        super().__init__()
        self.network = network
        self.eval()

    def forward(
        self,
        hashes: Tensor,
        data: Tensor,
        words: Tensor,
        mask: Tensor,
        gazetteer: Tensor | None = None,
    ) -> Tensor:
        """Return emissions (units, labels)."""
        hidden = self.network.hidden(_Rows(hashes, data, words.long(), mask, gazetteer))
        return cast(Tensor, self.network.head(hidden))


def full_precision(
    network: WordHash, manifest: Manifest, gazetteer: Gazetteer | None = None
) -> WordHashRecogniser:
    """Return a recogniser like the bundle's, whose scores come from `network`."""
    served = _Served(network)

    @torch.no_grad()
    def graph(inputs: Inputs) -> npt.NDArray[np.float32]:
        tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
        named = (tensors[name] for name in ("hashes", "bytes", "words", "mask"))
        scores: npt.NDArray[np.float32] = served(*named, tensors.get("gazetteer")).numpy()
        return scores

    return WordHashRecogniser(
        graph,
        labels=manifest.labels,
        decoder=decoder_of(manifest),
        context_units=manifest.context_units,
        gazetteer=None if gazetteer is None else gazetteer.channel,
    )


def reference_graph(network: WordHash) -> bytes:
    """Return `network` as a graph of the served inputs, compared with it on units of chance."""
    served = _Served(network)
    words, units = torch.export.Dim("words"), torch.export.Dim("units")
    inputs = {
        name: (value, {0: words if name in ("hashes", "bytes") else units})
        for name, value in _chance(network, 7).items()
    }
    data: bytes = exported(served, inputs).SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    worst = 0.0
    for length in COMPARED_UNITS:
        given = _chance(network, length)
        scores = session.run(["emissions"], {name: t.numpy() for name, t in given.items()})[0]
        with torch.no_grad():
            wanted = served(*given.values()).numpy()
        worst = max(worst, float(np.abs(scores - wanted).max()))
    refuse_difference(worst)
    return data


def keep_reference(graph: bytes, path: Path) -> None:
    """Write a graph of full precision to `path`, in one step."""
    write_whole(path, graph, "reference")


def _chance(network: WordHash, units: int) -> dict[str, Tensor]:
    """Return inputs of the served graph, drawn by chance, the last row masked."""
    chance = torch.Generator().manual_seed(units)
    words = units // 2 + 1

    def drawn(end: int, *shape: int) -> Tensor:
        return torch.randint(end, shape, generator=chance, dtype=torch.int32)

    mask = torch.ones(units, 1)
    mask[-1] = 0.0
    inputs = {
        "hashes": drawn(HASH_BUCKETS, words, HASHES_PER_UNIT),
        "bytes": drawn(BYTE_VALUES, words, BYTES_PER_UNIT),
        "words": drawn(words, units),
        "mask": mask,
    }
    if network.gazetteer is not None:
        inputs["gazetteer"] = drawn(5, units, NUMBERS_PER_UNIT).float() / 4
    return inputs
