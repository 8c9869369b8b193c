"""Cuts the units of a document into windows for the model: a core that is kept, and context on both
sides.

A window is a function of the document alone. Where a model's answer for a unit reaches no further
than `context` units, the cores put together are bit for bit what one pass over the whole document
would give.
"""

from __future__ import annotations

from dataclasses import dataclass


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
