"""Says what comes of the model's names and those of lists: one table, and no name over another.

A step of the pipeline between mentions and event. The rules: the result is a function of what was
found, never of the order it was found in; names never overlap; a list never cuts a name of the
model's, nor takes a part of it, it only adds, confirms, widens, or says another label where it is
surer. `score` of a list's name is what the policy says of the list; of a merged one the greater of
both where they agree, else the list's. What the model read in another way is kept besides, since it
is screened too: a list may change what an event says, and never what is screened.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from onoma.contracts.entities import Entity
from onoma.gazetteer.listed import ListedName
from onoma.text.intervals import Spans


def sure_enough(
    listed: Iterable[ListedName], least: Callable[[str], float]
) -> tuple[ListedName, ...]:
    """Return `listed` with the labels for which a score like theirs is enough."""
    found = []
    for one in listed:
        labels = frozenset(label for label in one.labels if one.policy.score >= least(label))
        if labels:
            found.append(replace(one, labels=labels))
    return tuple(found)


class Meeting(StrEnum):
    """How a name of a list lies to those of the model."""

    APART = "apart"
    """No character in common."""
    SAME = "same"
    """The same span as one."""
    WIDER = "wider"
    """Around one or more, and none of them over its edge."""
    WITHIN = "within"
    """Inside a longer one."""
    CROSSING = "crossing"
    """Over the edge of one."""


class Ruling(StrEnum):
    """What follows."""

    ADD = "add"
    """The list's name, label and score: `gazetteer`."""
    AGREE = "agree"
    """The list's span, the label of both, the greater score: `merged`."""
    OVERRULE = "overrule"
    """The list's span, label and score if it is surer than the model of each name there: `merged`.
    """
    KEEP = "keep"
    """The model's names, as if the list were not there."""


RULES: dict[tuple[Meeting, bool], Ruling] = {
    (Meeting.APART, True): Ruling.ADD,
    (Meeting.SAME, True): Ruling.AGREE,
    (Meeting.SAME, False): Ruling.OVERRULE,
    (Meeting.WIDER, True): Ruling.AGREE,
    (Meeting.WIDER, False): Ruling.OVERRULE,
    (Meeting.WITHIN, True): Ruling.KEEP,
    (Meeting.WITHIN, False): Ruling.KEEP,
    (Meeting.CROSSING, True): Ruling.KEEP,
    (Meeting.CROSSING, False): Ruling.KEEP,
}
"""By how they lie, and whether all names of the model there have one label, which the list gives
too. `ADD` needs a list that adds, `AGREE` and `OVERRULE` one that corrects; a name for which the
list has two labels only agrees.
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """The names of a document, sorted, and those of the model that stand there in another way."""

    entities: tuple[Entity, ...]
    corrected: tuple[Entity, ...] = ()


def merged(entities: Sequence[Entity], listed: Sequence[ListedName], text: str) -> Merged:
    """Return what comes of the model's `entities`, sorted and without overlaps, and of the names
    of lists in `text`.

    Of listed names that overlap the longest decides, then the one of the greater score.
    """
    starts = [entity.start for entity in entities]
    ends = [entity.end for entity in entities]
    taken, made, gone = Spans(), [], set[int]()
    for one in sorted(listed, key=_longest_first):
        if taken.overlap(one.start, one.end):
            continue
        met = range(bisect_right(ends, one.start), bisect_left(starts, one.end))
        entity = _ruled(one, [entities[number] for number in met], text)
        if entity is not None:
            taken.add(one.start, one.end)
            made.append(entity)
            gone.update(met)
    kept = [entity for number, entity in enumerate(entities) if number not in gone]
    said = {(entity.start, entity.end, entity.label) for entity in made}
    return Merged(
        tuple(sorted([*kept, *made], key=lambda entity: entity.start)),
        tuple(
            entity
            for number, entity in enumerate(entities)
            if number in gone and (entity.start, entity.end, entity.label) not in said
        ),
    )


def _longest_first(one: ListedName) -> tuple[int, float, int, str, list[str]]:
    length = one.end - one.start
    return -length, -one.policy.score, one.start, one.gazetteer, sorted(one.labels)


def meeting(one: ListedName, met: Sequence[Entity]) -> Meeting:
    """Return how a name of a list lies to the names of the model that it overlaps."""
    if not met:
        return Meeting.APART
    if [(entity.start, entity.end) for entity in met] == [(one.start, one.end)]:
        return Meeting.SAME
    if all(one.start <= entity.start and entity.end <= one.end for entity in met):
        return Meeting.WIDER
    around = met[0].start <= one.start and one.end <= met[0].end
    return Meeting.WITHIN if around else Meeting.CROSSING


def _ruled(one: ListedName, met: Sequence[Entity], text: str) -> Entity | None:
    """Return the entity that takes the place of `met`; None where they stay."""
    labels = {entity.label for entity in met}
    agrees = len(labels) <= 1 and labels <= one.labels
    ruling = RULES[meeting(one, met), agrees]
    label = min(labels if ruling is Ruling.AGREE else one.labels)
    score = max([one.policy.score, *(entity.score for entity in met)])
    if not _holds(ruling, one, met):
        return None
    return Entity(
        one.start,
        one.end,
        label,
        round(score, 3),
        text[one.start : one.end],
        "gazetteer" if ruling is Ruling.ADD else "merged",
        one.gazetteer,
    )


def _holds(ruling: Ruling, one: ListedName, met: Sequence[Entity]) -> bool:
    match ruling:
        case Ruling.ADD:
            return one.policy.adds and len(one.labels) == 1
        case Ruling.AGREE:
            return one.policy.corrects
        case Ruling.OVERRULE:
            surer = all(one.policy.score > entity.score for entity in met)
            return one.policy.corrects and surer and len(one.labels) == 1
        case Ruling.KEEP:
            return False
