"""Half-open spans put together: what of a text is taken already.

Used where names of several sources meet. The rule: spans that only touch don't overlap.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Spans:
    """A union of spans `[start, end)`, to be asked in the logarithm of how many there are."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Put a span to the others."""
        first, last = self._between(start, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last], self._ends[first:last] = [start], [end]

    def overlap(self, start: int, end: int) -> bool:
        """Return whether a character of `[start, end)` is in a span."""
        first, last = self._between(start, end)
        return first < last

    def _between(self, start: int, end: int) -> tuple[int, int]:
        """Return which spans have characters of `[start, end)`."""
        return bisect_right(self._ends, start), bisect_left(self._starts, end)
