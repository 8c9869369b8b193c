"""Finds the tokens of a list that are alike a mention's: by edits, by sound, or as legal forms.

Part of the token path. Its rule: what it says is what `similarity.py` says of every token of the
list; signatures only spare comparing most of them. What it found for a token is kept, since texts
say the same names again and again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from onoma.gazetteer.affixes import Affixes, NearJoined, affix_arrays
from onoma.gazetteer.arrays import Array, Arrays, is_first
from onoma.gazetteer.similarity import LEAST_SIMILARITY, sound_keys, weight
from onoma.gazetteer.spellings import (
    LONGEST,
    Ids,
    Similarities,
    Spellings,
    per_word,
    spelling_arrays,
)
from onoma.gazetteer.texts import Texts, ranges
from onoma.gazetteer.words import EQUIVALENTS

_KEPT = 1 << 14
_AT_ONCE = 64
"""Words that are looked up together, so that their arrays stay small."""

Found = TypeVar("Found")
_Pairs = tuple[Ids, Ids, Similarities]
"""A place among the words asked for, a token like that one, and how alike they are."""


@dataclass(frozen=True, slots=True)
class Near:
    """Tokens alike another, arrays of one length, sorted by id."""

    ids: Ids
    similarities: Similarities


class Memory(Generic[Found]):
    """What was found for a word, since texts say the same names again and again.

    A full memory is emptied, which costs less than knowing what is oldest. It doesn't hold what
    finds: such a circle would keep a list that another took the place of until the collector of
    circles comes by.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Found] = {}

    def of(
        self, words: Sequence[str], find: Callable[[Sequence[str]], Iterable[Found]]
    ) -> list[Found]:
        """Return what `find` says of each word, now or before."""
        known = {word: self._kept.get(word) for word in words}
        unknown = [word for word, found in known.items() if found is None]
        for start in range(0, len(unknown), _AT_ONCE):
            part = unknown[start : start + _AT_ONCE]
            found = dict(zip(part, find(part), strict=True))
            known.update(found)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept.update(found)
        return cast("list[Found]", [known[word] for word in words])


def vocabulary_arrays(words: Sequence[str]) -> dict[str, Array]:
    """Return the arrays of distinct tokens, sorted by length and then by letters."""
    sounds = [
        (_hash(key), place) for place, word in enumerate(words) for key, _ in sound_keys(word)
    ]
    hashes = np.array([hashed for hashed, _ in sounds], np.uint64)
    order = np.argsort(hashes, kind="stable")
    texts = Texts.of(words)
    return {
        **spelling_arrays(texts),
        **affix_arrays(texts),
        "weight": np.array([weight(word) for word in words], np.float32),
        "sound": hashes[order],
        "sounding": np.array([place for _, place in sounds], np.int32)[order],
    }


class Vocabulary:
    """The distinct tokens of a list."""

    def __init__(self, arrays: Arrays) -> None:
        self.words = Texts(arrays["letters"], arrays["offsets"]).all()
        self.weights = arrays["weight"]
        self.initials = arrays["letters"][arrays["offsets"][:-1]]
        self._spellings = Spellings(arrays, self.words)
        self._sound, self._sounding = arrays["sound"], arrays["sounding"]
        self._first_of_length = arrays["first_of_length"].tolist()
        self._near: Memory[Near] = Memory()
        self._affixes = Affixes(arrays, self.words)
        self._joined: Memory[NearJoined] = Memory()

    def near(self, tokens: Sequence[str]) -> list[Near]:
        """Return for each of `tokens`, of more than a letter, all tokens of more than a letter that
        have a similarity with it.
        """
        return self._near.of(tokens, self._find_near)

    def joined(self, pairs: Sequence[tuple[str, str]]) -> list[Ids]:
        """Return for each two neighbours all tokens that they may stand for, written as one."""
        found = self._joined.of([one + other for one, other in pairs], self._affixes.near)
        return [
            near.within(min(len(one), len(other)))
            for near, (one, other) in zip(found, pairs, strict=True)
        ]

    def _find_near(self, tokens: Sequence[str]) -> Iterator[Near]:
        # Numbers are only equal.
        spelt = [token if not token.isdigit() else "" for token in tokens]
        owners, ids, similarities = self._spellings.near(spelt)
        alike = (similarities >= LEAST_SIMILARITY) & self._comparable(ids)
        parts = [(owners[alike], ids[alike], similarities[alike])]
        parts += [self._sounding_like(tokens), self._equal(tokens)]
        owners, ids, similarities = (np.concatenate(each) for each in zip(*parts, strict=True))
        # Every token once, with its greatest similarity.
        order = np.lexsort((-similarities, ids, owners))
        owners, ids, similarities = owners[order], ids[order], similarities[order]
        first = is_first(ids) | is_first(owners)
        found = per_word(len(tokens), owners[first], ids[first], similarities[first])
        return (Near(*each) for each in found)

    def _comparable(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which are words of more than a letter, and no numbers."""
        # Only a token of digits alone begins and ends with one and is compared as a number; those
        # that begin with one are few.
        maybe = self.initials[ids] < ord("a")
        known = ~maybe
        for place in np.flatnonzero(maybe).tolist():
            known[place] = not self.words[ids[place]].isdigit()
        return known

    def _sounding_like(self, tokens: Sequence[str]) -> _Pairs:
        """Return the tokens that have a form by sound in common with one of `tokens`.

        Two keys of one hash would add a token that is not alike, and the rule would say so.
        """
        keys = [(owner, key) for owner, token in enumerate(tokens) for key in sound_keys(token)]
        hashes = np.array([_hash(key) for _, (key, _) in keys], np.uint64)
        first = self._sound.searchsorted(hashes)
        counts = self._sound.searchsorted(hashes, "right") - first
        owners = np.repeat(np.array([owner for owner, _ in keys], np.int64), counts)
        similarities = np.repeat(np.array([alike for _, (_, alike) in keys], np.float64), counts)
        return owners, self._sounding[ranges(first, counts)].astype(np.int64), similarities

    def _equal(self, tokens: Sequence[str]) -> _Pairs:
        """Return the tokens that are one of `tokens` or stand for it, where no edits say so."""
        found = [
            (owner, number)
            for owner, token in enumerate(tokens)
            for form in _equals(token)
            if (number := self.number(form)) is not None
        ]
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1], np.ones(len(pairs))

    def number(self, token: str) -> int | None:
        """Return the place of `token`."""
        length = min(len(token), LONGEST)
        first, last = self._first_of_length[length], len(self.words)
        if length < LONGEST:
            last = self._first_of_length[length + 1]
        place = bisect_left(self.words, token, first, last)
        return place if place < last and self.words[place] == token else None


def _equals(token: str) -> Sequence[str]:
    if group := EQUIVALENTS.get(token):
        return [form for form, of in EQUIVALENTS.items() if of == group]
    return (token,) if token.isdigit() or len(token) >= LONGEST else ()


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
