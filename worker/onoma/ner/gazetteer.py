"""Says which units of a document stand in lists of names: the optional channel of `wordhash`.

One implementation, imported by training and serving. Its rule: the five numbers of a unit are a
function of the whole document's units and the lists. They are made before windows are cut, because
a match that begins before a window's edge would else change with the edge. Lookups use the NFC
form, without case; what a name looks like in the text decides only whether it may be one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onoma.text.segmentation import segment

NUMBERS_PER_UNIT = 5
PLACE_BEGINS, PLACE_GOES_ON, PERSON, CAPITALISED, MATCH_LENGTH = range(NUMBERS_PER_UNIT)
"""All are 0 or 1, but for the length, in quarters: 0, .25, .5, .75 or 1."""
LONGEST_MATCH = 4
"""Units of a place; longer names are left out of the lists."""
FEWEST_LETTERS = 2
"""A list has places of one letter, and a text has initials."""

Channel = npt.NDArray[np.float32]
"""Shape `(units, 5)`."""

_LETTERS = ("Lu", "Ll", "Lt", "Lo")
"""Without modifiers: an okina in front of a name has no case, but the letter after it has."""


class _Word(NamedTuple):
    """A unit as it is looked up, and what its first letter says.

    `may_begin` a name: a capital, or a letter of a script without capitals at the head of words.
    """

    key: str
    may_begin: bool
    capitalised: bool


class Gazetteer:
    """Names of places, and words of people's names. Without any, all numbers of all units are 0."""

    def __init__(self, places: Iterable[str] = (), people: Iterable[str] = ()) -> None:
        """Take names as they are written; those that could match nothing are left out."""
        self._take(filter(None, map(_place_key, places)), _person_keys(people))

    def _take(self, places: Iterable[str], people: Iterable[str]) -> None:
        self._places, self._people = frozenset(places), frozenset(people)
        self._longest: dict[str, int] = {}
        for place in self._places:
            first = place.partition(" ")[0]
            self._longest[first] = max(place.count(" ") + 1, self._longest.get(first, 0))

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Gazetteer:
        """Return the gazetteer that wrote `lines`. Raises ValueError, which names a wrong line."""
        found: dict[str, list[str]] = {"place": [], "person": []}
        for number, line in enumerate(lines, 1):
            kind, _, key = line.rstrip("\n").partition("\t")
            if kind not in found or not key:
                raise ValueError(f"line {number}: wanted `place` or `person`, a tab and a name")
            found[kind].append(key)
        gazetteer = cls()
        gazetteer._take(found["place"], found["person"])
        return gazetteer

    def lines(self) -> Iterator[str]:
        """Yield what `from_lines` reads, in an order that follows from the names alone."""
        yield from (f"place\t{key}\n" for key in sorted(self._places))
        yield from (f"person\t{key}\n" for key in sorted(self._people))

    def __len__(self) -> int:
        """Return the number of places and of words of people's names."""
        return len(self._places) + len(self._people)

    def channel(self, units: Sequence[str]) -> Channel:
        """Return the five numbers of each of the units of one whole document."""
        numbers = np.zeros((len(units), NUMBERS_PER_UNIT), np.float32)
        if not len(self):
            return numbers
        words = [_word_of(unit) for unit in units]
        numbers[:, CAPITALISED] = [word.capitalised for word in words]
        numbers[:, PERSON] = [word.may_begin and word.key in self._people for word in words]
        for start, end in self._matches(words):
            numbers[start, PLACE_BEGINS] = 1.0
            numbers[start + 1 : end, PLACE_GOES_ON] = 1.0
            numbers[start:end, MATCH_LENGTH] = (end - start) / LONGEST_MATCH
        return numbers

    def _matches(self, words: Sequence[_Word]) -> Iterator[tuple[int, int]]:
        """Yield `[start, end)` of places from left to right, each as long as can be."""
        keys = [word.key for word in words]
        done = 0
        for start, word in enumerate(words):
            if start < done or not word.may_begin:
                continue
            longest = min(self._longest.get(word.key, 0), len(words) - start)
            for length in range(longest, 0, -1):
                if " ".join(keys[start : start + length]) in self._places:
                    done = start + length
                    yield start, done
                    break


def _place_key(name: str) -> str:
    """Return the keys of the units of `name`, joined by blanks, or nothing if it can't match."""
    units = segment(name).strings()
    if len(units) > LONGEST_MATCH or _letters(name) < FEWEST_LETTERS:
        return ""
    return " ".join(_word_of(unit).key for unit in units)


def _person_keys(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for unit in segment(name).strings():
            if _letters(unit) >= FEWEST_LETTERS:
                yield _word_of(unit).key


def _letters(text: str) -> int:
    """Return how many letters and vowel signs `text` has."""
    composed = unicodedata.normalize("NFC", text)
    return sum(unicodedata.category(character)[0] in "LM" for character in composed)


@lru_cache(65_536)
def _word_of(unit: str) -> _Word:
    word = unicodedata.normalize("NFC", unit)
    letter = next((c for c in word if unicodedata.category(c) in _LETTERS), "")
    # Its title form, not its capital: Georgian has capitals, but never at the head of a word.
    may_begin = bool(letter) and letter.title() == letter
    return _Word(word.casefold(), may_begin, may_begin and letter.lower() != letter)
