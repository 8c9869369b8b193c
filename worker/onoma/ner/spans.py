"""Turns the label of every unit into mentions: half-open spans of units with a label and a
confidence.

The confidence of a mention is the lowest posterior of its units: one doubtful word makes the whole
name doubtful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Mention:
    """A name: units `[start, end)`, its label without the IOB prefix, and how sure the model is."""

    start: int
    end: int
    label: str
    confidence: float


def mentions(
    path: npt.NDArray[np.intp], confidences: npt.NDArray[np.float64], labels: Sequence[str]
) -> tuple[Mention, ...]:
    """Return the mentions of one document from its best label per unit, both arrays `(units,)`."""
    begins = np.array([label.startswith("B-") for label in labels])
    outside = np.array([label == "O" for label in labels])
    starts = np.flatnonzero(begins[path])
    stops = np.flatnonzero(begins[path] | outside[path])
    ends = np.append(stops, len(path))[np.searchsorted(stops, starts, side="right")]
    return tuple(
        Mention(start, end, labels[path[start]][2:], float(confidences[start:end].min()))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )
