from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.evaluation.schemes import Tagging, damaged, spans_in, tagging_of
from onoma.evaluation.spans import Span

LENGTH = 12


@st.composite
def _spans(draw: st.DrawFn) -> tuple[Span, ...]:
    """Draw spans that stand apart by at least one position, so that every scheme can write them."""
    spans = []
    start = draw(st.integers(0, 2))
    while start < LENGTH:
        end = min(LENGTH, start + draw(st.integers(1, 3)))
        spans.append(Span(start, end, draw(st.sampled_from(["PER", "ORG"]))))
        start = end + draw(st.integers(1, 3))
    return tuple(spans)


def _written(spans: tuple[Span, ...], tagging: str) -> list[str]:
    tags = ["O"] * LENGTH
    for span in spans:
        for place in range(span.start, span.end):
            first, last = place == span.start, place == span.end - 1
            letter = {
                "IOB2": "B" if first else "I",
                "IOB1": "I",
                "IO": "I",
                "bare": "",
                "BIOES": ("S" if last else "B") if first else ("E" if last else "I"),
                "BILOU": ("U" if last else "B") if first else ("L" if last else "I"),
            }[tagging]
            tags[place] = f"{letter}-{span.label}".removeprefix("-")
    return tags


@pytest.mark.parametrize(
    ("written", "tagging"),
    [
        ("IOB2", "IOB2"),
        ("IOB1", "IO"),
        ("IO", "IO"),
        ("bare", "IO"),
        ("BIOES", "BIOES"),
        ("BILOU", "BIOES"),
    ],
)
@given(spans=_spans())
def test_spans_are_the_same_in_every_scheme(
    written: str, tagging: Tagging, spans: tuple[Span, ...]
) -> None:
    tags = _written(spans, written)

    assert spans_in(tags, tagging) == spans
    assert not damaged(tags, tagging)


@pytest.mark.parametrize(
    ("tags", "tagging"),
    [
        ([["B-PER", "I-PER", "O"]], "IOB2"),
        ([["I-PER", "B-PER", "O"], ["I-PER"]], "IOB1"),
        ([["I-PER", "O"]], "IO"),
        ([["PER", "O"]], "IO"),
        ([["O", "O"]], "IO"),
        ([["B-PER", "E-PER"]], "BIOES"),
        ([["U-PER"]], "BIOES"),
        ([["B-PER"]] * 20 + [["I-PER"]], "IOB2"),
    ],
)
def test_the_scheme_is_found_out(tags: list[list[str]], tagging: str) -> None:
    assert tagging_of(tags) == tagging


def test_neighbours_of_one_type_stand_apart_in_iob1() -> None:
    assert spans_in(["I-PER", "I-PER", "B-PER"], "IOB1") == (Span(0, 2, "PER"), Span(2, 3, "PER"))


@pytest.mark.parametrize(
    ("tags", "tagging", "places"),
    [
        (["O", "I-PER", "I-PER"], "IOB2", [1]),
        (["B-PER", "I-ORG"], "IOB2", [1]),
        (["B-PER", "O"], "IOB1", [0]),
        (["B-PER", "O"], "BIOES", [0, 1]),
        (["S-PER", "E-PER"], "BIOES", [1]),
        (["B-PER", "I-PER", "E-PER"], "BIOES", []),
    ],
)
def test_tags_that_cannot_follow_are_named_by_place(
    tags: list[str], tagging: Tagging, places: list[int]
) -> None:
    assert damaged(tags, tagging) == places


def test_damaged_bioes_loses_no_span() -> None:
    tags = ["B-PER", "E-PER", "I-PER", "S-ORG", "E-ORG"]

    assert spans_in(tags, "BIOES") == (
        Span(0, 2, "PER"),
        Span(2, 3, "PER"),
        Span(3, 4, "ORG"),
        Span(4, 5, "ORG"),
    )
