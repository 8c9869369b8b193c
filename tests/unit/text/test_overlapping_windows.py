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


@settings(max_examples=300, deadline=None)
@given(pieces, capacities, st.data())
def test_each_unit_is_kept_once_and_in_order(
    pieces: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))

    windows = overlapping_windows(pieces, capacity=capacity, overlap=overlap)

    kept = [unit for w in windows for unit in range(w.core_start, w.core_end)]
    assert kept == list(range(len(pieces)))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 16), max_size=400), st.integers(40, 254), st.data())
def test_what_is_computed_stays_within_the_overlap_of_what_is_useful(
    pieces: list[int], capacity: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, capacity - 17))

    windows = overlapping_windows(pieces, capacity=capacity, overlap=overlap)

    useful = sum(pieces)
    computed = sum(sum(pieces[w.start : w.end]) for w in windows)
    assert computed <= useful + overlap * max(len(windows) - 1, 0)
    # A window that isn't the last leaves less room than the next unit needs.
    advance = capacity - overlap - (max(pieces, default=1) - 1)
    assert (len(windows) - 1) * advance <= useful


def test_the_default_windows_compute_at_most_a_fifth_more_than_is_useful() -> None:
    # Units of two pieces, windows of 256 tokens with two special ones, 32 of them shared.
    for units in (100, 127, 128, 400, 4_000, 50_000):
        windows = overlapping_windows([2] * units, capacity=254, overlap=32)

        computed = sum(2 * (w.end - w.start) + 2 for w in windows)
        assert computed <= 1.2 * 2 * units


def test_a_document_that_fits_is_one_window() -> None:
    assert overlapping_windows([2, 3, 5], capacity=10, overlap=4) == (Window(0, 3, 0, 3),)


def test_a_document_without_units_has_no_windows() -> None:
    assert overlapping_windows([], capacity=10, overlap=4) == ()


def test_the_border_of_two_windows_is_the_middle_of_what_they_share() -> None:
    first, second = overlapping_windows([1] * 16, capacity=10, overlap=4)

    assert (first.start, first.end, second.start, second.end) == (0, 10, 6, 16)
    assert first.core_end == second.core_start == 8
