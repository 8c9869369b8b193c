"""A range's bounds are offsets or times, and anything else is refused with what was wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest

from onoma.cli.bounds import BoundType


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0", 0),
        ("1200", 1200),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00.250", datetime(2026, 1, 31, 8, 0, 0, 250_000, tzinfo=UTC)),
        (
            "2026-01-31T08:00:00+02:00",
            datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=2))),
        ),
    ],
)
def test_a_bound_is_an_offset_or_a_time_of_utc(typed: str, meant: int | datetime) -> None:
    assert BoundType().convert(typed, None, None) == meant


@pytest.mark.parametrize("typed", ["", "-1", "yesterday", "12:00"])
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="wanted an offset such as 1200"):
        BoundType().convert(typed, None, None)
