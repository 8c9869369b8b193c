"""Windows: cores tile the document, and each core has its context on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.text.windows import Window, windows

sizes = st.tuples(st.integers(0, 300), st.integers(1, 50), st.integers(0, 10))


@given(sizes)
def test_the_cores_tile_the_document(size: tuple[int, int, int]) -> None:
    units, core, context = size

    kept = [
        unit
        for window in windows(units, core=core, context=context)
        for unit in range(window.core_start, window.core_end)
    ]

    assert kept == list(range(units))


@given(sizes)
def test_every_kept_unit_has_its_context_or_the_edge_of_the_document(
    size: tuple[int, int, int],
) -> None:
    units, core, context = size

    for window in windows(units, core=core, context=context):
        assert window.core_end - window.core_start <= core
        assert window.start == max(0, window.core_start - context)
        assert window.end == min(units, window.core_end + context)


@given(sizes)
def test_what_is_computed_beyond_the_document_is_the_context_of_inner_borders(
    size: tuple[int, int, int],
) -> None:
    units, core, context = size

    made = windows(units, core=core, context=context)

    computed = sum(window.end - window.start for window in made)
    assert units <= computed <= units + 2 * context * max(len(made) - 1, 0)
    assert len(made) == -(-units // core)


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        (0, ()),
        (1, (Window(0, 1, 0, 1),)),
        (10, (Window(0, 10, 0, 10),)),
        (11, (Window(0, 11, 0, 10), Window(8, 11, 10, 11))),
        (25, (Window(0, 12, 0, 10), Window(8, 22, 10, 20), Window(18, 25, 20, 25))),
    ],
)
def test_a_document_is_read_in_these_windows(units: int, expected: tuple[Window, ...]) -> None:
    assert windows(units, core=10, context=2) == expected
