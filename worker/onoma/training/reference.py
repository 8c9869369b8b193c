"""Lets a trained network read as the served model does, in full precision: the gate's reference.

The rule: only the graph differs. Features, windows, decoder and temperature are those of the
bundle, so that a difference between the two is what the integers cost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from onoma.ner.gazetteer import Gazetteer
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.registry.bundle import decoder_of
from onoma.registry.manifest import Manifest
from onoma.training.network import WordHash


class _Rows(NamedTuple):
    hashes: Tensor
    bytes_: Tensor
    words: Tensor
    mask: Tensor
    gazetteer: Tensor | None


def full_precision(
    network: WordHash, manifest: Manifest, gazetteer: Gazetteer | None = None
) -> WordHashRecogniser:
    """Return a recogniser like the bundle's, whose scores come from `network`."""
    network.eval()

    @torch.no_grad()
    def graph(inputs: Inputs) -> npt.NDArray[np.float32]:
        tensors = {name: torch.from_numpy(values) for name, values in inputs.items()}
        rows = _Rows(
            tensors["hashes"],
            tensors["bytes"],
            torch.arange(len(tensors["hashes"])),
            tensors["mask"],
            tensors.get("gazetteer"),
        )
        scores: npt.NDArray[np.float32] = network.head(network.hidden(rows)).numpy()
        return scores

    return WordHashRecogniser(
        graph,
        labels=manifest.labels,
        decoder=decoder_of(manifest),
        context_units=manifest.context_units,
        gazetteer=gazetteer,
    )
