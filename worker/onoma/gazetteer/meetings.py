"""Finds the names of which enough full tokens have met one of a mention that is alike.

The first step of the token path, over lists that hold up to a tenth of all names for one token. Two
conditions follow from the rule in `scoring.py`, and no name is missed by either:

- Two full tokens met. One is enough where letters, titles or legal forms stand for all the others.
- They are alike enough. Let T be the least alignment as a share, A the weight of the mention, and W
  the weight of pairs in which M is matched and a is the mention's. What found none weighs .45 at
  least, so that M >= T (W + .45 (A - a)). In other words the sum over all pairs of

      weight * (similarity - T) + .45 T * weight in the mention

  is at least .45 T A. A pair of full tokens brings its similarity less .55 T to it, one of others
  at most `1 - T + .45 T * weight in the mention`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.arrays import Array
from onoma.gazetteer.scoring import UNPAIRED_IN_MENTION
from onoma.gazetteer.similarity import is_full, weight
from onoma.gazetteer.spellings import Ids
from onoma.gazetteer.texts import ranges

_UNITS = 1000
"""Similarities are counted in thousandths, rounded so that no name is missed by it."""
_ONE = 1 << 18
"""A token that met, in a mark; the bits below are for what such tokens bring: 255 of them."""


class Postings:
    """For each unit the names that have it."""

    def __init__(self, first: Array, names: Array) -> None:
        self._first, self._names = first, names

    def of(self, ids: Ids) -> tuple[Ids, Ids]:
        """Return the names of all units in `ids`, one after the other, and how many each has."""
        starts = self._first[ids]
        counts = self._first[ids + 1] - starts
        # Of another type they would be converted wherever they stand for places.
        return self._names[ranges(starts, counts)].astype(np.int64), counts


class Meetings:
    """The names of one segment by their tokens. `full` and `others` say how many of a name's
    tokens are full and how many are not, up to 255.
    """

    def __init__(self, postings: Postings, full: Array, others: Array) -> None:
        self._postings, self._full, self._others = postings, full, others
        self._marks: deque[npt.NDArray[np.uint32]] = deque()

    def names(
        self, words: Sequence[str], ids: Ids, alike: npt.NDArray[np.float64], least: float
    ) -> Ids:
        """Return the names that may align with `words` to the share `least` by what met; some of
        them more than once.

        `ids` are the full tokens like full ones of `words`, each once; `alike` is how much, at
        best.
        """
        names, counts = self._postings.of(ids)
        brings = np.ceil(_UNITS * (alike - (1 - UNPAIRED_IN_MENTION) * least)).astype(np.uint32)
        marks = self._marks.pop() if self._marks else np.zeros(len(self._full), np.uint32)
        np.add.at(marks, names, np.repeat(brings + np.uint32(_ONE), counts))
        met = marks[names]
        marks[names] = 0
        self._marks.append(marks)
        full = sum(map(is_full, words))
        # One may be enough where letters, titles or the like stand for the others of both sides.
        others = self._others[names]
        rows = ((met >= 2 * _ONE) | (others >= full - 1)).nonzero()[0]
        names, met, others = names[rows], met[rows], others[rows]
        enough = (met >= 2 * _ONE) | (self._full[names] <= len(words) - full + 1)
        # Others of a name may have met as many full ones of the mention besides.
        besides = np.minimum(others, full).astype(np.uint32)
        besides *= ceil(_UNITS * (1 - (1 - UNPAIRED_IN_MENTION) * least))
        enough &= (met & (_ONE - 1)) + besides >= _wanted(words, least)
        found: Ids = names[enough]
        return found


def _wanted(words: Sequence[str], least: float) -> int:
    """Return what full tokens and others of a name have to bring together, in units."""
    unpaired = UNPAIRED_IN_MENTION * least
    wanted = unpaired * sum(map(weight, words))
    wanted -= sum(1 - least + unpaired * weight(word) for word in words if not is_full(word))
    return max(0, floor(_UNITS * wanted))
