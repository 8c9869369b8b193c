"""A whole text as names are compared with it: its words in normalised form, and what parts them.

Between the units of a document and what looks for a list's names in them. The rules: words that no
blank parts, but for apostrophes that names lose anyway, are one; a legal form in words is one word,
as it is in a list's names; and what lies between two words says whether one name may reach over it.
So `normalise` of a stretch of the text is the tokens of its words, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.normalisation import APOSTROPHES, PHRASES, normalise
from onoma.text.casing import first_letter, may_begin_name
from onoma.text.segmentation import Units

LONGEST_ABBREVIATION = 4
"""Letters of a word that a full stop may abbreviate (`Corp.`); after a longer one a sentence ends.
"""
_WITHIN_NAMES = frozenset("-‐‑–&/·፡")
_BETWEEN_PARTS = frozenset(',،、፣"“”«»„()') | APOSTROPHES
_LONGEST_PHRASE = max(map(len, PHRASES))
_FIRST_OF_PHRASES = frozenset(phrase[0] for phrase in PHRASES)


class Gap(IntEnum):
    """What lies before a word, by how surely it ends a name."""

    WITHIN = 0
    """Blanks, or a mark that stands within names: `al-Qaida`, `Smith & Co.`."""
    PARTS = 1
    """A comma, quotes, brackets or the end of a line: `VANT, Orbal`."""
    BREAK = 2
    """The end of a sentence, an empty line, any other mark."""


class Word(NamedTuple):
    """A word: characters `[start, end)`, its normalised tokens with the sum of their hashes, the
    gap before it, and whether it is written as the first word of a name may be.
    """

    start: int
    end: int
    tokens: tuple[str, ...]
    total: int
    gap: int
    may_begin: bool


@dataclass(frozen=True, slots=True)
class RunningText:
    """The words of a text, and for each a sum over hashes of its tokens, `(words,)`.

    The sum of a stretch is that of its words, so that it says which tokens there are, in whatever
    order. Hashes are those of this process: equal sums are to be compared.
    """

    text: str
    words: tuple[Word, ...]
    sums: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)

    def reach(self, most: Gap) -> npt.NDArray[np.int64]:
        """Return for each word where a stretch from it on has to end, `(words,)`: before the next
        gap of more than `most`.
        """
        gaps = np.fromiter((word.gap for word in self.words), np.int8, len(self.words))
        ends = np.append(np.flatnonzero(gaps > most), len(self.words))
        reached: npt.NDArray[np.int64] = ends[
            np.searchsorted(ends, np.arange(len(self.words)), side="right")
        ]
        return reached

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Return the characters of the words `[first, last)`."""
        return self.words[first].start, self.words[last - 1].end

    def tokens(self, first: int, last: int) -> list[str]:
        """Return the tokens of the words `[first, last)`."""
        return [token for word in self.words[first:last] for token in word.tokens]


def token_sum(tokens: Sequence[str]) -> int:
    """Return the sum over the hashes of `tokens`, as a signed number of 64 bits."""
    return (sum(map(hash, tokens)) + _HALF) % (2 * _HALF) - _HALF


_HALF = 1 << 63


def running_text(units: Units) -> RunningText:
    """Return the words of a text that was cut into `units`."""
    words = tuple(_words(units))
    if any(word.tokens[0] in _FIRST_OF_PHRASES for word in words):
        words = tuple(_with_phrases(words))
    sums = np.fromiter((word.total for word in words), np.int64, len(words))
    return RunningText(units.text, words, sums)


def _words(units: Units) -> Iterator[Word]:
    # Plain numbers: comparing members of an enumeration took a third of the time.
    within, gap = int(Gap.WITHIN), int(Gap.BREAK)
    text, before, reached = units.text, "", 0
    for start, end in _stretches(units):
        if (blanks := text[reached:start]) != " ":
            gap = max(gap, _blanks(blanks))
        piece, reached = text[start:end], end
        tokens, total, may_begin = _piece(piece)
        if tokens:
            yield Word(start, end, tokens, total, gap, may_begin)
            gap, before = within, piece
        else:
            gap = max(gap, _mark(piece, before))


def _stretches(units: Units) -> Iterator[tuple[int, int]]:
    """Yield the characters of words and marks: units that no blank parts are one word, as are those
    that only an apostrophe parts.
    """
    first = last = reached = -1
    for start, end in zip(units.starts.tolist(), units.ends.tolist(), strict=True):
        unit = units.text[start:end]
        if start == reached and unit in APOSTROPHES:
            reached = end
        elif _piece(unit).tokens:
            if start != reached:
                if reached >= 0:
                    yield first, last
                first = start
            last = reached = end
        else:
            if reached >= 0:
                yield first, last
            yield start, end
            reached = -1
    if reached >= 0:
        yield first, last


class _Piece(NamedTuple):
    tokens: tuple[str, ...]
    total: int
    may_begin: bool


@lru_cache(1 << 16)
def _piece(text: str) -> _Piece:
    tokens = tuple(normalise(text).split())
    return _Piece(tokens, token_sum(tokens), may_begin_name(first_letter(text)))


def _blanks(blanks: str) -> int:
    lines = len(f"{blanks}.".splitlines())
    return min(lines - 1, Gap.BREAK)


def _mark(mark: str, before: str) -> int:
    if mark in _WITHIN_NAMES:
        return Gap.WITHIN
    if mark == ".":
        if len(before) <= 1:
            return Gap.WITHIN
        return Gap.PARTS if len(before) <= LONGEST_ABBREVIATION else Gap.BREAK
    return Gap.PARTS if mark in _BETWEEN_PARTS else Gap.BREAK


def _with_phrases(words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words, with those of a legal form as the one that `normalise` makes of them."""
    place = 0
    while place < len(words):
        end, word = place + 1, words[place]
        if word.tokens[0] in _FIRST_OF_PHRASES:
            end, word = _phrase_at(words, place)
        yield word
        place = end


def _phrase_at(words: Sequence[Word], place: int) -> tuple[int, Word]:
    """Return the longest legal form that begins at `place`, or the word there, and its end."""
    tokens: tuple[str, ...] = ()
    found, first = (place + 1, words[place]), words[place]
    for end, word in enumerate(words[place : place + _LONGEST_PHRASE], place + 1):
        if word is not first and word.gap == Gap.BREAK:
            break
        tokens += word.tokens
        if form := PHRASES.get(tokens):
            found = end, first._replace(end=word.end, tokens=(form,), total=token_sum((form,)))
    return found
