"""Turns tags into spans and counts how many of them are right.

The unit of every score is a span after decoding, never a tag. The rule: strict, a span is right
when start, end and label are. A type that a corpus does not annotate is neither right nor wrong
there, so it is left out of all counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OUTSIDE = "O"


class Span(NamedTuple):
    """A labelled stretch, half-open `[start, end)`; a tuple, because scoring puts millions of
    them into sets.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Spans that are right, that were predicted, and that are in the gold annotation."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Return the sum of both."""
        return Counts(
            self.right + other.right, self.predicted + other.predicted, self.gold + other.gold
        )

    @property
    def precision(self) -> float:
        """Return the share of predicted spans that are right, 0 if there are none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Return the share of gold spans that were found, 0 if there are none."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall, 0 if nothing was predicted or
        wanted.
        """
        both = self.predicted + self.gold
        return 2 * self.right / both if both else 0.0


def spans_of(tags: Sequence[str]) -> tuple[Span, ...]:
    """Return the spans of IOB2 `tags`; an `I-` that continues nothing opens a span, as in
    seqeval's default.
    """
    spans: list[Span] = []
    start, label = 0, ""
    for position, tag in enumerate((*tags, OUTSIDE)):
        prefix, _, kind = tag.partition("-")
        if label and (prefix != "I" or kind != label):
            spans.append(Span(start, position, label))
            label = ""
        if prefix == "B" or (prefix == "I" and not label):
            start, label = position, kind
    return tuple(spans)


def tags_of(spans: Iterable[Span], length: int) -> tuple[str, ...]:
    """Return IOB2 tags of `length` positions for `spans` that do not overlap; empty spans leave
    no tag.
    """
    tags = [OUTSIDE] * length
    for span in spans:
        for position in range(span.start, span.end):
            tags[position] = f"{'B' if position == span.start else 'I'}-{span.label}"
    return tuple(tags)


def count(
    predicted: Iterable[Span], gold: Iterable[Span], annotated: Collection[str]
) -> dict[str, Counts]:
    """Return the counts of each annotated label for one text."""
    found = {label: (set[Span](), set[Span]()) for label in annotated}
    for side, spans in enumerate((predicted, gold)):
        for span in spans:
            if span.label in found:
                found[span.label][side].add(span)
    return {
        label: Counts(len(guessed & wanted), len(guessed), len(wanted))
        for label, (guessed, wanted) in found.items()
    }


def added(*parts: Mapping[str, Counts]) -> dict[str, Counts]:
    """Return the sum of `parts`, label by label."""
    total: dict[str, Counts] = {}
    for part in parts:
        for label, counts in part.items():
            total[label] = total.get(label, Counts()) + counts
    return total


def micro(by_label: Mapping[str, Counts]) -> Counts:
    """Return the counts of all labels together."""
    return sum(by_label.values(), Counts())


def macro_f1(sets: Iterable[Counts]) -> float:
    """Return the mean F1, in which each set counts once, however large it is."""
    scores = [counts.f1 for counts in sets]
    return sum(scores) / len(scores) if scores else 0.0
