"""Looks mentions up in the names of one segment: every name that scores enough, and no other.

Made of a list's names by another process (`index_arrays`), opened by workers over mapped files. The
rule: `search` returns what scoring every name by the rule in `scoring.py` would, in any process and
for any batch of mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from onoma.gazetteer import normalisation, scoring
from onoma.gazetteer.arrays import Array, Arrays, Index, part
from onoma.gazetteer.characters import Characters, character_arrays
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.scoring import CHARACTER_PENALTY, Alignment, align_at_least, combined
from onoma.gazetteer.texts import Texts, offsets_of
from onoma.gazetteer.tokens import Tokens, token_arrays

LAYOUT = "4"
VERSION = f"{LAYOUT}.{normalisation.VERSION}.{scoring.VERSION}"
"""Of the arrays, the normaliser and the rule: an index of another version answers otherwise."""

LEAST_THRESHOLD = 75.0
"""Below the caps of the rule one token in common is enough, and the index would have to give half
of the list.
"""


class Path(StrEnum):
    """How a name was found: by its equal form, its letters, or its tokens."""

    EXACT = "exact"
    CHARACTERS = "characters"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Hit:
    """A name that scores enough. `number` is its place among the names the index was made of."""

    number: int
    normalised: str
    score: float
    path: Path
    alignment: Alignment


def index_arrays(names: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of `names`, as a list writes them. Names without letters are in none."""
    forms = [normalise(name) for name in names]
    distinct = sorted(set(forms) - {""})
    distinct.sort(key=lambda form: len(form) - form.count(" "))
    places = {form: place for place, form in enumerate(distinct)}
    numbers = [number for number, form in enumerate(forms) if form]
    owners = np.array([places[forms[number]] for number in numbers], np.int64)
    texts = Texts.of(distinct)
    return {
        "letters": texts.letters,
        "offsets": texts.offsets,
        "numbers": np.array(numbers, np.int32)[np.argsort(owners, kind="stable")],
        "first_number": offsets_of(np.bincount(owners, minlength=len(distinct))),
        **{f"characters.{name}": array for name, array in character_arrays(texts).items()},
        **{f"tokens.{name}": array for name, array in token_arrays(distinct).items()},
    }


INDEX = Index(VERSION, index_arrays)
"""How segments make the arrays that `NameIndex` reads."""


class NameIndex:
    """The names of one segment, ready to be searched. Threads may share it."""

    def __init__(self, arrays: Arrays) -> None:
        self._names = Texts(arrays["letters"], arrays["offsets"])
        self._numbers, self._first_number = arrays["numbers"], arrays["first_number"]
        self._characters = Characters(self._names, part(arrays, "characters"))
        self._tokens = Tokens(part(arrays, "tokens"))

    def __len__(self) -> int:
        """Return how many distinct normalised names there are."""
        return len(self._names)

    def search(self, mentions: Sequence[str], threshold: float) -> list[tuple[Hit, ...]]:
        """Return for each normalised mention the names of at least `threshold`, best first.

        Raises ValueError for a threshold under `LEAST_THRESHOLD`.
        """
        if threshold < LEAST_THRESHOLD:
            raise ValueError(
                f"found a threshold of {threshold:g}, wanted {LEAST_THRESHOLD:g} or more"
            )
        # Above 100 only equal keys are left, and those are asked for: equal names score 100.
        found = self._characters.search(mentions, min(100.0, threshold + CHARACTER_PENALTY))
        ratios: list[dict[int, float]] = [{} for _ in mentions]
        for number, place, ratio in zip(
            found.mentions.tolist(), found.names.tolist(), found.ratios.tolist(), strict=True
        ):
            ratios[number][place] = ratio
        by_tokens = self._tokens.candidates(mentions, threshold)
        return [
            self._hits(mention, by_characters, names.tolist(), threshold)
            for mention, by_characters, names in zip(mentions, ratios, by_tokens, strict=True)
        ]

    def _hits(
        self, mention: str, ratios: dict[int, float], by_tokens: Iterable[int], threshold: float
    ) -> tuple[Hit, ...]:
        hits = []
        for place in ratios.keys() | set(by_tokens):
            hits += self._scored(mention, place, ratios.get(place, 0.0), threshold)
        return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.number)))

    def _scored(self, mention: str, place: int, ratio: float, threshold: float) -> list[Hit]:
        """Return a hit for each name that is written with the normalised one at `place`."""
        name = self._names[place]
        by_letters = ratio - CHARACTER_PENALTY >= threshold
        alignment = align_at_least(mention, name, 0.0 if by_letters else threshold)
        if alignment is None:
            return []
        score = combined(ratio, alignment)
        if score < threshold:
            return []
        path = path_of(mention == name, alignment, score)
        return [Hit(number, name, score, path, alignment) for number in self.numbers(place)]

    def numbers(self, place: int) -> list[int]:
        """Return the numbers of the names that are written as the distinct one at `place`."""
        first, last = self._first_number[place : place + 2].tolist()
        numbers: list[int] = self._numbers[first:last].tolist()
        return numbers


def path_of(equal: bool, alignment: Alignment, score: float) -> Path:
    """Return what made the score of two names: their equality, their letters or their tokens."""
    if equal:
        return Path.EXACT
    return Path.TOKENS if alignment.score >= score else Path.CHARACTERS
