"""Finds the places, organisations and people of a list in a text, to be entities of its own.

Beside the model, for lists whose policy gives their entries labels; `onoma/merging.py` says what
comes of both. The rules: a name is found only as the list writes it, word for word and in order,
begun like a name, and never over a comma or the end of a line; what two types of entry share says
no label; and a word of one or two letters is no name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from onoma.gazetteer.entries import Quality
from onoma.gazetteer.matching import EqualNames, ListMatcher
from onoma.gazetteer.policy import EntityPolicy, SingleTokens
from onoma.gazetteer.running_text import Gap, RunningText
from onoma.gazetteer.similarity import is_full

FEWEST_LETTERS = 3
"""Letters and digits of a name of one word."""


@dataclass(frozen=True, slots=True)
class EntityList:
    """A list whose names become entities."""

    name: str
    matcher: ListMatcher
    policy: EntityPolicy


@dataclass(frozen=True, slots=True)
class ListedName:
    """Characters `[start, end)` that are a name of a list, and the labels that its entries have
    there: more than one where the list itself is of two minds.
    """

    start: int
    end: int
    labels: frozenset[str]
    gazetteer: str
    policy: EntityPolicy


def listed_names(text: RunningText, lists: Iterable[EntityList]) -> tuple[ListedName, ...]:
    """Return the names of all lists in `text`, overlapping ones too."""
    return tuple(found for each in lists for found in _of_list(text, each))


def _of_list(text: RunningText, each: EntityList) -> Iterator[ListedName]:
    for one in each.matcher.equal_names(text, over=Gap.WITHIN):
        labels = _labels(one, each)
        if labels and _may_be_name(text, one, each.policy.single_tokens):
            start, end = text.characters(one.first, one.last)
            yield ListedName(start, end, labels, each.name, each.policy)


def _labels(one: EqualNames, each: EntityList) -> frozenset[str]:
    kinds = each.matcher.kinds(one.in_order)
    types = {type_ for type_, quality in kinds if quality is Quality.STRONG}
    return frozenset(label for type_ in types if (label := each.policy.labels.get(type_)))


def _may_be_name(text: RunningText, one: EqualNames, single_tokens: SingleTokens) -> bool:
    if not text.words[one.first].may_begin:
        return False
    tokens = text.tokens(one.first, one.last)
    if sum(map(is_full, tokens)) > 1:
        return True
    return single_tokens is not SingleTokens.NEVER and sum(map(len, tokens)) >= FEWEST_LETTERS
