"""Counts spans apart by what makes them hard: seen in training or not, length of text and of name.

The rule: a span is put into a slice by its own words and its own text, so gold and predicted spans
are sorted alike, and precision has a meaning in each slice as recall has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Literal

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.judging import JudgedSet
from onoma.evaluation.spans import Counts, spans_of
from onoma.evaluation.texts import Text

Slice = tuple[str, str]
"""What is looked at and which part of it: ("mentions", "seen")."""

Known = Mapping[str, frozenset[str]]
"""The mentions of each set's training part, by the name of the set."""

_SIDES: tuple[Literal["right", "predicted", "gold"], ...] = ("right", "predicted", "gold")
_TEXT_LENGTHS = ((10, "1-10"), (25, "11-25"), (50, "26-50"))
_MENTION_LENGTHS = ((1, "1"), (2, "2"), (3, "3"))


def known_mentions(corpora: Iterable[Corpus]) -> dict[str, frozenset[str]]:
    """Return the mentions of each corpus by its name, from the corpora's training parts."""
    return {
        corpus.name: frozenset(
            _surface(sentence.tokens, span.start, span.end)
            for sentence in corpus.sentences
            for span in spans_of(sentence.tags)
        )
        for corpus in corpora
    }


def sliced(judged: Iterable[JudgedSet], known: Known) -> dict[str, dict[str, Counts]]:
    """Return counts by slice; mentions are seen or unseen where `known` has the set."""
    sides: dict[str, Counter[Slice]] = {side: Counter() for side in _SIDES}
    for one in judged:
        seen = known.get(one.name)
        for text, gold, found in one.pairs():
            wanted = {(span.start, span.end, span.label) for span in gold}
            guessed = {(mention.start, mention.end, mention.label) for mention in found}
            for side, spans in (
                ("right", wanted & guessed),
                ("predicted", guessed),
                ("gold", wanted),
            ):
                sides[side].update(
                    chain.from_iterable(_slices(text, a, b, seen) for a, b, _ in spans)
                )
    result: dict[str, dict[str, Counts]] = {}
    for key in sorted({*sides["predicted"], *sides["gold"]}):
        counts = Counts(*(sides[side][key] for side in _SIDES))
        result.setdefault(key[0], {})[key[1]] = counts
    return result


def _slices(text: Text, start: int, end: int, seen: frozenset[str] | None) -> list[Slice]:
    slices = [
        ("text_length", _bucket(len(text.units), _TEXT_LENGTHS, "over 50")),
        ("mention_length", _bucket(end - start, _MENTION_LENGTHS, "4 and more")),
    ]
    if seen is not None:
        surface = _surface(text.units, start, end)
        slices.append(("mentions", "seen" if surface in seen else "unseen"))
    return slices


def _bucket(length: int, limits: Sequence[tuple[int, str]], beyond: str) -> str:
    return next((name for limit, name in limits if length <= limit), beyond)


def _surface(units: Sequence[str], start: int, end: int) -> str:
    """Return the letters and digits of a mention: another cut or case is the same name."""
    return "".join(c for unit in units[start:end] for c in unit if not c.isspace()).casefold()
