"""Rules out names whose alignment with a mention can't reach the threshold.

The last step of the token path before names are aligned one by one, which costs a hundred times
more. The rule: every token of a name is given the best partner that it has in the mention, though
two tokens may want the same one, so that what comes out is never less than the alignment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.arrays import Array, Arrays
from onoma.gazetteer.asked import Asked, Floats, Partners
from onoma.gazetteer.scoring import (
    CONTRADICTED_IN_MENTION,
    INITIAL_PAIR,
    UNPAIRED_IN_ENTRY,
    UNPAIRED_IN_MENTION,
)
from onoma.gazetteer.similarity import FULL, INITIAL
from onoma.gazetteer.spellings import Ids
from onoma.gazetteer.texts import ranges
from onoma.gazetteer.vocabulary import Vocabulary

_TINY = 1e-6
Bools = npt.NDArray[np.bool_]


class Bounds:
    """The names of one segment by what their tokens weigh."""

    def __init__(self, arrays: Arrays, vocabulary: Vocabulary) -> None:
        self._tokens, self._first_token = arrays["tokens"], arrays["first_token"]
        self._weight = arrays["weight"]
        self._vocabulary = vocabulary

    def may_reach(
        self, threshold: float, asked: Asked, partners: Partners, mentions: Ids, names: Ids,
        joined: Ids,
    ) -> Bools:  # fmt: skip
        """Return which pairs of a mention and a name may have an alignment of `threshold`.

        `joined` has the place of a pair as often as neighbours of one stand for a token of the
        other. With W the weight of the pairs, at most M of it matched, A and B the weights of the
        two names and u what an unpaired token of the mention costs, the alignment is at most
        M / (W + u max(0, A - W) + .45 max(0, B - W)), which is greatest for W = min(A, B, most W).
        Joined neighbours weigh two at most.
        """
        starts = self._first_token[names]
        counts = self._first_token[names + 1] - starts
        ids = self._tokens[ranges(starts, counts)]
        first = np.cumsum(counts) - counts
        theirs = self._vocabulary.weights[ids]
        gains, weights, met, slack = self._best_partners(
            asked, partners, np.repeat(mentions, counts), ids, theirs
        )
        most, paired = np.add.reduceat(gains, first), np.add.reduceat(weights, first)
        left = np.logical_or.reduceat((gains == 0) & (theirs == FULL), first)
        # Where one full token met and another found none, the rule's cap is below all thresholds.
        both = np.bitwise_count(np.bitwise_or.reduceat(met, first))
        besides = np.add.reduceat((gains > 0) & (theirs != FULL), first, dtype=np.int64)
        capped = np.minimum(both, np.add.reduceat(met > 0, first, dtype=np.int64)) < 2
        capped &= left | (both + besides < asked.full[mentions])
        if len(joined):
            np.add.at(most, joined, 2.0)
            np.add.at(paired, joined, 2.0)
            left[joined] = capped[joined] = False
        mine, weigh = asked.weight[mentions], self._weight[names].astype(np.float64)
        paired = np.minimum(np.minimum(paired, weigh), mine)
        unpaired = np.where(left, CONTRADICTED_IN_MENTION, UNPAIRED_IN_MENTION)
        least = paired + unpaired * (mine - paired) + UNPAIRED_IN_ENTRY * (weigh - paired)
        if slack is not None:
            least -= np.add.reduceat(slack, first)
        kept: Bools = ~capped & (100 * most >= (threshold - _TINY) * least)
        return kept

    def _best_partners(
        self, asked: Asked, partners: Partners, mentions: Ids, ids: Array, theirs: Array
    ) -> tuple[Floats, Floats, npt.NDArray[np.uint64], Floats | None]:
        """Return for each token of names, which weigh `theirs`, the most it may add to what
        matches, and to the weight of pairs; which full tokens it may have met as one; and how much
        less than its tokens a pair with a single letter weighs.
        """
        codes = mentions * len(self._vocabulary.words) + ids
        places = partners.codes.searchsorted(codes)
        places[places == len(partners.codes)] = 0
        known = partners.codes[places] == codes
        gained, weighed = partners.gains[places] * known, partners.weights[places] * known
        met = partners.met[places] * known
        letters, single = asked.letters(), theirs == INITIAL
        if letters is None and not single.any():
            return gained, weighed, met, None
        initials = self._vocabulary.initials[ids]
        by_letter = single & asked.heads()[mentions, initials]
        if letters is not None:
            by_letter |= letters[mentions, initials]
        gained = np.where(by_letter, np.maximum(gained, INITIAL_PAIR), gained)
        weighed = np.where(by_letter, np.maximum(weighed, FULL), weighed)
        return gained, weighed, met, (FULL - INITIAL_PAIR) * by_letter
