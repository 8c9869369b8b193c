"""Our scores are those of seqeval's default mode and of nervaluate's strict, on any tags."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support

from onoma.evaluation.spans import Counts, added, count, micro, spans_of

TYPES = ("LOC", "ORG", "PER")
_ILL_FORMED = st.sampled_from(["O", *(f"{p}-{kind}" for p in "BI" for kind in TYPES)])


@st.composite
def _sentences(draw: st.DrawFn) -> list[tuple[list[str], list[str]]]:
    """Draw sentences of gold and predicted tags of equal length, well- and ill-formed."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    return [(_tags(draw, length), _tags(draw, length)) for length in lengths]


def _tags(draw: st.DrawFn, length: int) -> list[str]:
    tags = draw(st.lists(_ILL_FORMED, min_size=length, max_size=length))
    return _mended(tags) if draw(st.booleans()) else tags


def _mended(tags: list[str]) -> list[str]:
    """Return well-formed tags: what continues nothing opens."""
    mended: list[str] = []
    for tag in tags:
        continues = mended and mended[-1][2:] == tag[2:] and mended[-1] != "O"
        mended.append(tag if tag[0] != "I" or continues else f"B{tag[1:]}")
    return mended


def _ours(sentences: list[tuple[list[str], list[str]]]) -> dict[str, Counts]:
    return added(
        *(count(spans_of(predicted), spans_of(gold), TYPES) for gold, predicted in sentences)
    )


def _three(counts: Counts) -> tuple[float, float, float]:
    return counts.precision, counts.recall, counts.f1


@settings(max_examples=300, deadline=None)
@given(sentences=_sentences())
def test_scores_are_those_of_seqeval_by_default(
    sentences: list[tuple[list[str], list[str]]],
) -> None:
    gold, predicted = [g for g, _ in sentences], [p for _, p in sentences]
    ours = _ours(sentences)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)
        by_type = precision_recall_fscore_support(gold, predicted, average=None, zero_division=0)

    assert _three(micro(ours)) == pytest.approx([float(value) for value in theirs[:3]], abs=1e-9)
    present = sorted(k for k, counts in ours.items() if counts.gold or counts.predicted)
    for place, kind in enumerate(present):
        wanted = [float(figures[place]) for figures in by_type[:3]]
        assert _three(ours[kind]) == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(sentences=_sentences())
def test_scores_are_those_of_nervaluate_strict(
    sentences: list[tuple[list[str], list[str]]],
) -> None:
    gold, predicted = [g for g, _ in sentences], [p for _, p in sentences]
    result: dict[str, Any] = Evaluator(gold, predicted, tags=list(TYPES), loader="list").evaluate()
    ours = _ours(sentences)

    pairs = [(micro(ours), result["overall"]["strict"])]
    pairs += [(ours[kind], result["entities"][kind]["strict"]) for kind in result["entities"]]
    for counts, theirs in pairs:
        wanted = (theirs.precision, theirs.recall, theirs.f1)
        assert _three(counts) == pytest.approx(wanted, abs=1e-9)
