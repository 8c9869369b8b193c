from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.evaluation.spans import (
    Counts,
    Span,
    added,
    count,
    macro_f1,
    micro,
    spans_of,
    tags_of,
)

TAGS = st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12)


def _spans_by_cutting(tags: list[str]) -> tuple[Span, ...]:
    """Cut between two tags unless the second continues the first; keep what has a type."""
    cuts = [0]
    for place, (before, tag) in enumerate(pairwise(tags), start=1):
        if not (tag.startswith("I-") and before[2:] == tag[2:]):
            cuts.append(place)
    cuts.append(len(tags))
    return tuple(Span(a, b, tags[a][2:]) for a, b in pairwise(cuts) if a < b and tags[a] != "O")


@given(TAGS)
def test_spans_of_any_tags_are_the_stretches_between_cuts(tags: list[str]) -> None:
    assert spans_of(tags) == _spans_by_cutting(tags)


@given(TAGS)
def test_tags_made_from_spans_give_these_spans_back(tags: list[str]) -> None:
    spans = spans_of(tags)

    assert spans_of(tags_of(spans, len(tags))) == spans


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["I-PER", "I-PER"], [Span(0, 2, "PER")]),
        (["B-PER", "I-LOC"], [Span(0, 1, "PER"), Span(1, 2, "LOC")]),
        (["B-PER", "B-PER"], [Span(0, 1, "PER"), Span(1, 2, "PER")]),
        (["O", "O"], []),
    ],
)
def test_a_continuation_of_nothing_opens_a_span(tags: list[str], spans: list[Span]) -> None:
    assert list(spans_of(tags)) == spans


def test_an_empty_span_leaves_no_tag() -> None:
    assert tags_of([Span(1, 1, "PER")], 2) == ("O", "O")


def test_types_that_are_not_annotated_are_neither_right_nor_wrong() -> None:
    predicted = [Span(0, 1, "DATE"), Span(1, 2, "PER")]
    gold = [Span(1, 2, "PER"), Span(3, 4, "PER")]

    assert count(predicted, gold, {"PER"}) == {"PER": Counts(right=1, predicted=1, gold=2)}


def test_a_span_with_another_border_or_label_is_wrong() -> None:
    counts = count(
        [Span(0, 2, "PER"), Span(3, 4, "LOC")],
        [Span(0, 1, "PER"), Span(3, 4, "PER")],
        {"PER", "LOC"},
    )

    assert micro(counts) == Counts(right=0, predicted=2, gold=2)


def test_precision_recall_and_f1_follow_from_the_counts() -> None:
    counts = Counts(right=2, predicted=4, gold=3)

    assert (counts.precision, counts.recall, counts.f1) == (0.5, 2 / 3, 4 / 7)


def test_scores_of_nothing_are_zero() -> None:
    counts = Counts()

    assert (counts.precision, counts.recall, counts.f1) == (0.0, 0.0, 0.0)


def test_each_set_counts_once_in_the_macro() -> None:
    small, large = Counts(1, 1, 1), Counts(0, 1000, 1000)

    assert macro_f1([small, large]) == 0.5


def test_counts_of_texts_add_up_label_by_label() -> None:
    one = {"PER": Counts(1, 1, 1)}
    two = {"PER": Counts(0, 1, 2), "LOC": Counts(1, 1, 1)}

    assert added(one, two) == {"PER": Counts(1, 2, 3), "LOC": Counts(1, 1, 1)}
