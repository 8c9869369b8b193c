"""A union of spans says of every span whether it has a character in common with one of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onoma.text.intervals import Spans

spans = st.tuples(st.integers(0, 20), st.integers(1, 5)).map(lambda one: (one[0], sum(one)))


@given(st.lists(spans), spans)
def test_spans_overlap_what_has_a_character_of_them(
    taken: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    union = Spans()
    for start, end in taken:
        union.add(start, end)
    characters = {place for start, end in taken for place in range(start, end)}

    assert union.overlap(*asked) == (not characters.isdisjoint(range(*asked)))
