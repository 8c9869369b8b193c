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
from math import ceil

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.arrays import Array
from onoma.gazetteer.asked import Asked, Partners
from onoma.gazetteer.scoring import UNPAIRED_IN_MENTION
from onoma.gazetteer.spellings import Ids
from onoma.gazetteer.texts import ranges

_UNITS = 1000
"""Similarities are counted in thousandths, rounded so that no name is missed by it."""
_MARKS = 1 << 20
"""Marks of which a table is made: for one mention, or for as many as it has room for."""
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
        self.at_once = max(1, _MARKS // max(1, len(full)))
        """Mentions that can be asked for together."""
        self._marks: deque[npt.NDArray[np.uint32]] = deque()

    def names(self, asked: Asked, partners: Partners, least: float) -> Ids:
        """Return pairs of a mention and a name that may align to the share `least` by what met, as
        `place of the mention * names + name`; some of them more than once.
        """
        full = partners.alike > 0
        names, counts = self._postings.of(partners.ids[full])
        brings = np.ceil(_UNITS * (partners.alike[full] - _unmatched(least))).astype(np.uint32)
        pairs, mentions = names, partners.mentions[full]
        others = asked.full[mentions] - 1
        if len(asked.rows) > 1:
            pairs = names + np.repeat(mentions * len(self._full), counts)
            others = np.repeat(others, counts)
        else:  # one number does, and a mention that is alone may have a hundred thousand names
            others = others[:1]
        met = self._met(pairs, np.repeat(brings + np.uint32(_ONE), counts))
        # One may be enough where letters, titles or the like stand for the others of both sides.
        rows = ((met >= 2 * _ONE) | (self._others[names] >= others)).nonzero()[0]
        pairs, met = pairs[rows], met[rows]
        found: Ids = pairs[self._alike_enough(asked, pairs, met, least)]
        return found

    def _alike_enough(
        self, asked: Asked, pairs: Ids, met: npt.NDArray[np.uint32], least: float
    ) -> npt.NDArray[np.bool_]:
        mentions, names = np.divmod(pairs, max(1, len(self._full)))
        enough = (met >= 2 * _ONE) | (self._full[names] <= asked.others[mentions] + 1)
        # Others of a name may have met as many full ones of the mention besides.
        besides = np.minimum(self._others[names], asked.full[mentions])
        brought = (met & (_ONE - 1)) + besides * ceil(_UNITS * (1 - _unmatched(least)))
        kept: npt.NDArray[np.bool_] = enough & (brought >= _wanted(asked, least)[mentions])
        return kept

    def _met(self, pairs: Ids, marked: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Return for each pair the sum of what it is `marked` with."""
        try:
            marks = self._marks.pop()  # asking first whether there is one would race with others
        except IndexError:
            marks = np.zeros(self.at_once * len(self._full), np.uint32)
        np.add.at(marks, pairs, marked)
        met = marks[pairs]
        marks[pairs] = 0
        self._marks.append(marks)
        return met


def _unmatched(least: float) -> float:
    """Return what a pair of full tokens has to be alike to bring anything."""
    return (1 - UNPAIRED_IN_MENTION) * least


def _wanted(asked: Asked, least: float) -> Ids:
    """Return what full tokens and others of a name have to bring together, in units."""
    wanted = UNPAIRED_IN_MENTION * least * asked.full - (1 - least) * asked.others
    found: Ids = np.maximum(0, np.floor(_UNITS * wanted)).astype(np.int64)
    return found
