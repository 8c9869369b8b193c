"""Spoils a corpus in fixed ways, to see how much of a score is left: case, marks, typing errors.

The sets of `onoma evaluate --robustness`. The rule: the same corpus is always spoilt the same way,
whatever noise a training used; tokens and tags stay as many as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from zlib import crc32

import numpy as np

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.ner.features import strip_marks

TYPO_SHARE = 0.2
SHORTEST_MISSPELT = 4
SEED = 3

Disturb = Callable[[str, np.random.Generator], str]


def lower(word: str, chance: np.random.Generator) -> str:
    """Return `word` in lower case."""
    return word.lower()


def without_marks(word: str, chance: np.random.Generator) -> str:
    """Return `word` without the diacritics of alphabets that have them."""
    return strip_marks(word)


def misspelt(word: str, chance: np.random.Generator) -> str:
    """Return `word`; one in five of four letters and more has an inner letter lost or doubled."""
    if len(word) < SHORTEST_MISSPELT or chance.random() >= TYPO_SHARE:
        return word
    place = int(chance.integers(1, len(word) - 1))
    if chance.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[: place + 1] + word[place:]


DISTURBANCES: Mapping[str, Disturb] = {
    "lower case": lower,
    "marks stripped": without_marks,
    "letters lost or doubled": misspelt,
}


def disturbed(corpus: Corpus, disturb: Disturb) -> Corpus:
    """Return `corpus` with every token disturbed."""
    chance = np.random.default_rng([SEED, crc32(corpus.name.encode())])
    return replace(
        corpus,
        sentences=tuple(
            Sentence(tuple(disturb(token, chance) or token for token in s.tokens), s.tags)
            for s in corpus.sentences
        ),
    )
