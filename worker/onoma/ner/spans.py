"""Turns the label of every unit into mentions: half-open spans of units with a label and a
confidence.

The confidence of a mention is the lowest posterior of its units: one doubtful word makes the whole
name doubtful. A document's mentions are a function of its own units.
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
    path: npt.NDArray[np.intp],
    confidences: npt.NDArray[np.float64],
    lengths: Sequence[int],
    labels: Sequence[str],
) -> list[tuple[Mention, ...]]:
    """Return the mentions of each document, from the best label of every unit and how sure it is,
    both `(units,)`, of documents of `lengths` laid end to end.
    """
    ends_of_documents = np.cumsum(lengths)
    begins = np.array([label.startswith("B-") for label in labels])[path]
    goes_on = np.array([label.startswith("I-") for label in labels])[path]
    starts = np.flatnonzero(begins)
    stop = np.append(~goes_on, True)
    stop[ends_of_documents] = True
    stops = np.flatnonzero(stop)
    ends = stops[np.searchsorted(stops, starts, side="right")]
    document = np.searchsorted(ends_of_documents, starts, side="right")
    first_unit = (ends_of_documents - lengths)[document]
    found: list[list[Mention]] = [[] for _ in lengths]
    for number, start, end, label, confidence in zip(
        document.tolist(),
        (starts - first_unit).tolist(),
        (ends - first_unit).tolist(),
        path[starts].tolist(),
        _least(confidences, starts, ends).tolist(),
        strict=True,
    ):
        found[number].append(Mention(start, end, labels[label][2:], confidence))
    return [tuple(of_document) for of_document in found]


def _least(
    values: npt.NDArray[np.float64], starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Return the least of `values[start:end]` for each pair."""
    if not len(starts):
        return np.zeros(0)
    # Every other stretch lies between two pairs. The last may end where the values do.
    stretches = np.stack((starts, ends), 1).ravel()
    least: npt.NDArray[np.float64] = np.minimum.reduceat(np.append(values, np.inf), stretches)[::2]
    return least
