"""Many short texts as two arrays: their letters one after the other, and where each begins.

The form in which an index keeps names and tokens, so that a file of them can be mapped and shared
by processes. Texts are normalised (`normalisation.py`): a-z, 0-9 and blanks, one byte each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Texts:
    """`letters` of shape `(all letters,)`, `offsets` of shape `(texts + 1,)`."""

    letters: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Pack `texts`."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return cls(np.frombuffer("".join(texts).encode("ascii"), np.uint8), offsets_of(lengths))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> str:
        start, end = self.offsets[number : number + 2].tolist()
        return self.letters[start:end].tobytes().decode("ascii")

    def of_order(self, numbers: npt.NDArray[np.int64]) -> Texts:
        """Return the texts with these numbers, in their order."""
        counts = self.lengths()[numbers]
        return Texts(self.letters[ranges(self.offsets[numbers], counts)], offsets_of(counts))

    def lengths(self) -> npt.NDArray[np.int64]:
        """Return how many letters each text has."""
        return np.diff(self.offsets)

    def all(self) -> list[str]:
        """Return every text; for vocabularies, not for a million names."""
        whole = self.letters.tobytes().decode("ascii")
        bounds = self.offsets.tolist()
        return [whole[start:end] for start, end in pairwise(bounds)]


def offsets_of(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where each of `counts` things begins, and the end of the last."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def ranges(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return `start, start + 1, …` for each start, as many as its count, one after the other."""
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    numbers = np.arange(total, dtype=np.int64)
    numbers += np.repeat(starts - (ends - counts), counts)
    return numbers
