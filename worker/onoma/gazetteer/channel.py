"""Says which units of a document stand in lists of names: the optional channel of `wordhash`.

One implementation, imported by training and serving, on the normalisation of the matcher: what a
list's name meets here is what it would meet there when letter by letter alike. Its rule: the
numbers of a unit are a function of the whole document's units and the lists. They are made before
windows are cut, because a match that begins before a window's edge would else change with the edge.
What a name looks like in the text decides only whether it may be one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.normalisation import VERSION, abbreviate, heads, romanise
from onoma.text.casing import first_letter, may_begin_name
from onoma.text.segmentation import segment

NORMALISATION = VERSION
"""Of the names in a bundle: with another they would meet other words than in training."""
NUMBERS_PER_UNIT = 7
(
    PLACE_BEGINS,
    PLACE_GOES_ON,
    PERSON,
    CAPITALISED,
    MATCH_LENGTH,
    ORGANISATION_BEGINS,
    ORGANISATION_GOES_ON,
) = range(NUMBERS_PER_UNIT)
"""All are 0 or 1, but for the length of the longest match, in quarters: 0, .25, .5, .75 or 1."""
LONGEST_MATCH = 8
"""Units of a place or an organisation; longer names are left out of the lists."""
QUARTERS = 4
"""Units from which a match is as long as can be told."""
FEWEST_LETTERS = 2
"""A list has places of one letter, and a text has initials."""
FEWEST_WITHOUT_CAPITALS = 4
"""Letters, romanised, of a name of one unit in a script that has no capitals: with fewer, one word
in ten of Hindi was a place in another language.
"""

Channel = npt.NDArray[np.float32]
"""Shape `(units, 7)`."""


class _Word(NamedTuple):
    """A unit as it is looked up, and what its first letter says.

    `may_begin` a name: a capital, or a letter of a script without capitals at the head of words.
    """

    key: str
    may_begin: bool
    capitalised: bool

    @property
    def is_telling(self) -> bool:
        """Return whether the unit alone may be a name."""
        return self.capitalised or len(self.key) >= FEWEST_WITHOUT_CAPITALS


class _Phrases:
    """Names that are found as a whole."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        firsts = {key.partition(" ")[0] for key in self.keys}
        self._heads = frozenset(head for first in firsts for head in heads(first))

    def matches(self, words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
        """Yield `[start, end)` of names from left to right, each as long as can be."""
        done = 0
        for start, word in enumerate(words):
            if start < done or not word.may_begin:
                continue
            if word.key.partition(" ")[0] not in self._heads:
                continue
            length = self._longest(words[start : start + LONGEST_MATCH])
            if length:
                done = start + length
                yield start, done

    def _longest(self, words: Sequence[_Word]) -> int:
        """Return how many of `words` are a name, from the first on; 0 if none is."""
        for length in range(len(words), 0, -1):
            # A mark behind a name is not part of it.
            if words[length - 1].key and _key(words[:length]) in self.keys:
                return length if length > 1 or words[0].is_telling else 0
        return 0


class Gazetteer:
    """Names of places and organisations, and words of people's names. Without any, all numbers of
    all units are 0.
    """

    def __init__(
        self,
        places: Iterable[str] = (),
        people: Iterable[str] = (),
        organisations: Iterable[str] = (),
    ) -> None:
        """Take names as they are written; those that could match nothing are left out."""
        self._take(
            filter(None, map(_phrase_key, places)),
            _person_keys(people),
            filter(None, map(_phrase_key, organisations)),
        )

    def _take(
        self, places: Iterable[str], people: Iterable[str], organisations: Iterable[str]
    ) -> None:
        self._places, self._organisations = _Phrases(places), _Phrases(organisations)
        self._people = frozenset(people)

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Gazetteer:
        """Return the gazetteer that wrote `lines`. Raises ValueError, which names a wrong line."""
        found: dict[str, list[str]] = {"place": [], "person": [], "organisation": []}
        for number, line in enumerate(lines, 1):
            kind, _, key = line.rstrip("\n").partition("\t")
            if kind not in found or not key:
                raise ValueError(f"line {number}: wanted one of {', '.join(found)}, a tab, a name")
            found[kind].append(key)
        gazetteer = cls()
        gazetteer._take(found["place"], found["person"], found["organisation"])
        return gazetteer

    def lines(self) -> Iterator[str]:
        """Yield what `from_lines` reads, in an order that follows from the names alone."""
        yield from (f"place\t{key}\n" for key in sorted(self._places.keys))
        yield from (f"person\t{key}\n" for key in sorted(self._people))
        yield from (f"organisation\t{key}\n" for key in sorted(self._organisations.keys))

    def __len__(self) -> int:
        """Return the number of places and organisations and of words of people's names."""
        return len(self._places.keys) + len(self._people) + len(self._organisations.keys)

    def channel(self, units: Sequence[str]) -> Channel:
        """Return the seven numbers of each of the units of one whole document."""
        numbers = np.zeros((len(units), NUMBERS_PER_UNIT), np.float32)
        if not len(self):
            return numbers
        words = [_word_of(unit) for unit in units]
        numbers[:, CAPITALISED] = [word.capitalised for word in words]
        numbers[:, PERSON] = [
            word.may_begin and word.is_telling and self._is_persons(word.key) for word in words
        ]
        _mark(numbers, self._places.matches(words), PLACE_BEGINS, PLACE_GOES_ON)
        _mark(
            numbers, self._organisations.matches(words), ORGANISATION_BEGINS, ORGANISATION_GOES_ON
        )
        return numbers

    def _is_persons(self, key: str) -> bool:
        """Return whether all words of a unit are of people's names; Jean-Pierre has two."""
        if key in self._people:
            return True
        return " " in key and all(token in self._people for token in key.split(" "))


def _mark(numbers: Channel, matches: Iterable[tuple[int, int]], begins: int, goes_on: int) -> None:
    for start, end in matches:
        numbers[start, begins] = 1.0
        numbers[start + 1 : end, goes_on] = 1.0
        length = min(end - start, QUARTERS) / QUARTERS
        lengths = numbers[start:end, MATCH_LENGTH]
        np.maximum(lengths, length, out=lengths)


def _key(words: Iterable[_Word]) -> str:
    """Return the form of several units that is compared: the matcher's, of them together."""
    return abbreviate(" ".join(word.key for word in words if word.key))


def _phrase_key(name: str) -> str:
    """Return how `name` is looked up, or nothing if it can't match."""
    units = segment(name).strings()
    if len(units) > LONGEST_MATCH or _letters(name) < FEWEST_LETTERS:
        return ""
    return _key(map(_word_of, units))


def _person_keys(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for unit in segment(name).strings():
            if _letters(unit) >= FEWEST_LETTERS:
                tokens = _word_of(unit).key.split()
                yield from (token for token in tokens if len(token) >= FEWEST_LETTERS)


def _letters(text: str) -> int:
    """Return how many letters and vowel signs `text` has."""
    composed = unicodedata.normalize("NFC", text)
    return sum(unicodedata.category(character)[0] in "LM" for character in composed)


@lru_cache(65_536)
def _word_of(unit: str) -> _Word:
    word = unicodedata.normalize("NFC", unit)
    letter = first_letter(word)
    may_begin = may_begin_name(letter)
    return _Word(romanise(unit), may_begin, may_begin and letter.lower() != letter)
