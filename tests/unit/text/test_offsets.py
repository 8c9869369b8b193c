"""Offsets go from any unit to any other and back; one inside a character is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.text.offsets import OffsetUnit, convert
from tests.texts import mixed_texts

SAMPLE = "👩🏽‍⚕️ Dr. Ćosić"
UNITS: tuple[OffsetUnit, ...] = ("unicode_code_point", "utf16_code_unit", "utf8_byte")

units = st.sampled_from(UNITS)


@pytest.mark.parametrize(
    ("unit", "span"),
    [("unicode_code_point", [10, 15]), ("utf16_code_unit", [12, 17]), ("utf8_byte", [22, 29])],
)
def test_the_same_name_stands_elsewhere_in_every_unit(unit: OffsetUnit, span: list[int]) -> None:
    assert convert(SAMPLE, [10, 15], source="unicode_code_point", target=unit) == span
    assert convert(SAMPLE, span, source=unit, target="unicode_code_point") == [10, 15]


@settings(max_examples=100, deadline=None)
@given(mixed_texts, units, units)
def test_offsets_come_back_from_any_unit(text: str, source: OffsetUnit, target: OffsetUnit) -> None:
    every = convert(text, range(len(text) + 1), source="unicode_code_point", target=source)

    there = convert(text, every, source=source, target=target)

    assert convert(text, there, source=target, target=source) == every


@settings(max_examples=100, deadline=None)
@given(mixed_texts)
def test_offsets_are_those_of_the_encoded_text(text: str) -> None:
    places = range(len(text) + 1)

    in_utf16 = convert(text, places, source="unicode_code_point", target="utf16_code_unit")
    in_utf8 = convert(text, places, source="unicode_code_point", target="utf8_byte")

    assert in_utf16 == [len(text[:place].encode("utf-16-le")) // 2 for place in places]
    assert in_utf8 == [len(text[:place].encode()) for place in places]


@pytest.mark.parametrize(
    ("unit", "offset"),
    [
        ("utf16_code_unit", 1),
        ("utf16_code_unit", 3),
        ("utf8_byte", 1),
        ("utf8_byte", 3),
        ("utf8_byte", 23),
        ("unicode_code_point", 16),
        ("utf16_code_unit", 18),
        ("utf8_byte", 30),
        ("unicode_code_point", -1),
        ("utf16_code_unit", -1),
    ],
)
def test_an_offset_inside_a_character_or_outside_the_text_is_refused(
    unit: OffsetUnit, offset: int
) -> None:
    with pytest.raises(ValueError, match=f"offset {offset} is no character boundary"):
        convert(SAMPLE, [offset], source=unit, target="unicode_code_point")


def test_a_line_break_of_two_characters_counts_two_in_every_unit() -> None:
    for unit in UNITS:
        assert convert("a\r\nb", [3], source="unicode_code_point", target=unit) == [3]
