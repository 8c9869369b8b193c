"""What a training loop reads: endless supplies of batches that can be entered anywhere.

Between the makers of batches and `loop.py`. The rule: a chunk is a function of its number, so the
place in a supply is two numbers and resuming needs no replay.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

Item = TypeVar("Item")


class Feed(Generic[Item]):
    """An endless supply made chunk by chunk, each from its number alone.

    So a place in it is two numbers, and going on from there needs no replay of what came before.
    """

    def __init__(self, chunk_of: Callable[[int], Sequence[Item]]) -> None:
        self._chunk_of = chunk_of
        self._items: Sequence[Item] | None = None
        self._chunk, self._next = 0, 0

    @property
    def place(self) -> tuple[int, int]:
        """Return the chunk and the item in it that come next."""
        return self._chunk, self._next

    def go_to(self, place: tuple[int, int]) -> None:
        """Go on from `place`."""
        self._chunk, self._next = place
        self._items = None

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        if self._items is None:
            self._items = self._chunk_of(self._chunk)
        while self._next >= len(self._items):
            self._chunk, self._next = self._chunk + 1, 0
            self._items = self._chunk_of(self._chunk)
        self._next += 1
        return self._items[self._next - 1]


@dataclass(frozen=True, slots=True)
class Source(Generic[Item]):
    """One stream of batches; `loss` returns what to minimise, per unit, and the number of units.

    A step reads one source, drawn with a chance that is its share of all weights.
    """

    name: str
    weight: float
    feed: Feed[Item]
    loss: Callable[[Item], tuple[Tensor, int]]


def drawn(sources: Sequence[Source[Item]], seed: int, step: int) -> Source[Item]:
    """Return the source of `step`: a function of seed and step, so that nothing has to be saved."""
    if len(sources) == 1:
        return sources[0]
    chance = random.Random(f"{seed}/source/{step}")  # noqa: S311 (repeatable on purpose)
    return chance.choices(sources, [source.weight for source in sources])[0]
