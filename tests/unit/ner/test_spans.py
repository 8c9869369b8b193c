"""Mentions: a `B-` opens one, its `I-` go on, and the least sure unit decides."""

from __future__ import annotations

import numpy as np
import pytest

from onoma.ner.spans import Mention, mentions

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def _mentions(tags: str, confidences: list[float] | None = None) -> list[tuple[int, int, str]]:
    path = np.array([LABELS.index(tag) for tag in tags.split()], np.intp)
    sure = np.array(confidences or [1.0] * len(path))
    (found,) = mentions(path, sure, [len(path)], LABELS)
    return [(m.start, m.end, m.label) for m in found]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O", []),
        ("O O O", []),
        ("B-PER", [(0, 1, "PER")]),
        ("B-PER I-PER", [(0, 2, "PER")]),
        ("O B-PER I-PER I-PER O", [(1, 4, "PER")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-PER I-PER B-LOC I-LOC", [(0, 2, "PER"), (2, 4, "LOC")]),
        ("B-LOC O B-LOC I-LOC", [(0, 1, "LOC"), (2, 4, "LOC")]),
    ],
)
def test_a_mention_runs_from_its_first_unit_to_the_next_that_does_not_go_on(
    tags: str, expected: list[tuple[int, int, str]]
) -> None:
    assert _mentions(tags) == expected


def test_a_mention_is_as_sure_as_its_least_sure_unit() -> None:
    path = np.array([0, 1, 2, 2, 3], np.intp)
    confidences = np.array([0.1, 0.9, 0.4, 0.8, 0.7])

    assert mentions(path, confidences, [5], LABELS) == [
        (Mention(1, 4, "PER", 0.4), Mention(4, 5, "LOC", 0.7))
    ]


def test_a_mention_ends_with_its_document_and_counts_its_units_from_there() -> None:
    path = np.array([1, 2, 0, 3, 1], np.intp)

    found = mentions(path, np.full(5, 0.5), [0, 2, 0, 2, 1, 0], LABELS)

    assert found == [
        (),
        (Mention(0, 2, "PER", 0.5),),
        (),
        (Mention(1, 2, "LOC", 0.5),),
        (Mention(0, 1, "PER", 0.5),),
        (),
    ]
