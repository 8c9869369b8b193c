"""Windows over pieces: each holds whole units, and each unit has the window that suits it best."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.text.windows import Window, overlapping_windows

pieces = st.lists(st.one_of(st.integers(1, 6), st.integers(1, 60)), max_size=120)
capacities = st.integers(1, 40)


def _context(pieces: list[int], window: Window, unit: int) -> int:
    """Return the pieces on the shorter side of a unit in a window."""
    return min(sum(pieces[window.start : unit]), sum(pieces[unit + 1 : window.end]))


@settings(max_examples=300, deadline=None)
@given(pieces, capacities, st.data())
def test_cores_tile_the_document_and_lie_inside_their_windows(
    pieces: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))

    windows = overlapping_windows(pieces, capacity=capacity, overlap=overlap)

    edges = [0, *(w.core_end for w in windows)]
    assert [w.core_start for w in windows] == edges[:-1]
    assert edges[-1] == len(pieces)
    assert all(w.start <= w.core_start <= w.core_end <= w.end for w in windows)


@settings(max_examples=300, deadline=None)
@given(pieces, capacities, st.data())
def test_a_window_keeps_to_its_capacity_unless_it_is_one_longer_unit(
    pieces: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))

    windows = overlapping_windows(pieces, capacity=capacity, overlap=overlap)

    assert all(sum(pieces[w.start : w.end]) <= capacity or w.end - w.start == 1 for w in windows)
    for before, after in pairwise(windows):
        assert before.start < after.start <= before.end < after.end
        assert sum(pieces[after.start : before.end]) <= overlap


@settings(max_examples=300, deadline=None)
@given(pieces, capacities, st.data())
def test_each_unit_is_kept_from_the_window_with_most_context_on_both_its_sides(
    pieces: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))
    windows = overlapping_windows(pieces, capacity=capacity, overlap=overlap)

    for window in windows:
        for unit in range(window.core_start, window.core_end):
            others = [w for w in windows if w.start <= unit < w.end]
            best = max(_context(pieces, w, unit) for w in others)
            assert _context(pieces, window, unit) == best


def test_a_document_that_fits_is_one_window() -> None:
    assert overlapping_windows([2, 3, 5], capacity=10, overlap=4) == (Window(0, 3, 0, 3),)


def test_a_document_without_units_has_no_windows() -> None:
    assert overlapping_windows([], capacity=10, overlap=4) == ()


def test_the_border_of_two_windows_is_the_middle_of_what_they_share() -> None:
    first, second = overlapping_windows([1] * 16, capacity=10, overlap=4)

    assert (first.start, first.end, second.start, second.end) == (0, 10, 6, 16)
    assert first.core_end == second.core_start == 8
