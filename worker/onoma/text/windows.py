"""Cuts the units of a document into windows for the model: a core that is kept, and context on both
sides.

A window is a function of the document alone. Where a model's answer for a unit reaches no further
than `context` units, the cores put together are bit for bit what one pass over the whole document
would give. Where it reaches as far as the window does (attention), windows overlap, and the core of
each holds the units that have the most context in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Window:
    """Units `[start, end)` go into the model, the answers for `[core_start, core_end)` are kept."""

    start: int
    end: int
    core_start: int
    core_end: int


def windows(units: int, *, core: int, context: int) -> tuple[Window, ...]:
    """Return the windows of a document of `units` units, cores of at most `core` that tile it."""
    return tuple(
        Window(
            max(0, begin - context),
            min(units, begin + core + context),
            begin,
            min(units, begin + core),
        )
        for begin in range(0, units, core)
    )


def overlapping_windows(
    pieces: Sequence[int], *, capacity: int, overlap: int
) -> tuple[Window, ...]:
    """Return the windows of a document whose unit i has `pieces[i]` pieces, at least one.

    A window takes whole units of at most `capacity` pieces together, or a single longer one. The
    next begins at most `overlap` pieces before its end. Where two overlap, a unit belongs to the
    core of the one in which the shorter of its two sides is longer: the border is their middle.
    """
    at = np.concatenate(([0], np.cumsum(np.asarray(pieces, np.int64))))
    edges: list[tuple[int, int]] = []
    start = end = 0
    while end < len(pieces):
        end = max(_last_within(at, int(at[start]) + capacity), start + 1)
        edges.append((start, end))
        if end < len(pieces):
            # With the first new unit in it, or else the next window would end where this one does.
            least = max(int(at[end]) - overlap, int(at[end + 1]) - capacity)
            start = min(int(np.searchsorted(at, least)), end)
    return _with_cores(at.tolist(), edges)


def _last_within(at: np.typing.NDArray[np.int64], pieces: int) -> int:
    return int(np.searchsorted(at, pieces, side="right")) - 1


def _with_cores(at: Sequence[int], edges: Sequence[tuple[int, int]]) -> tuple[Window, ...]:
    windows: list[Window] = []
    begin = 0
    for number, (start, end) in enumerate(edges):
        border = end
        if number + 1 < len(edges):
            following = edges[number + 1][0]
            # A unit stays here while what follows it here is no less than what precedes it there.
            border = next(
                (u for u in range(following, end) if at[end] - at[u + 1] < at[u] - at[following]),
                end,
            )
        windows.append(Window(start, end, begin, border))
        begin = border
    return tuple(windows)
