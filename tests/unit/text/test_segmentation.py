"""Units tile a text: no character that is not blank is dropped, none is read twice."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.text.segmentation import MAX_UNIT_CHARACTERS, segment
from tests.texts import mixed_texts


def _units(text: str) -> list[str]:
    return segment(text).strings()


@cache
def _plain_pattern() -> re.Pattern[str]:
    """Return what a unit is, before long ones are cut, as a regular expression."""
    marks = "".join(
        re.escape(chr(code))
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] == "M"
    )
    letter = rf"[\w{marks}\u200c\u200d]"
    return re.compile(rf"{letter}+(?:['’ʼ\-]{letter}+)*|[^\s]")


@settings(max_examples=300, deadline=None)
@given(st.one_of(mixed_texts, st.text(st.sampled_from("aé1'’ʼ-. \n\u0301\u200dक\u094d中😀"))))
def test_the_units_are_what_a_regular_expression_finds_cut_where_they_are_long(text: str) -> None:
    found = [match.span() for match in _plain_pattern().finditer(text)]

    units = segment(text)

    pieces = {*zip(units.starts.tolist(), units.ends.tolist(), strict=True)}
    assert {span for span in found if span[1] - span[0] <= MAX_UNIT_CHARACTERS} <= pieces
    assert {start for start, _ in found} <= {*units.starts.tolist()}
    assert {end for _, end in found} <= {*units.ends.tolist()}
    assert len(found) == len(pieces) or any(b - a > MAX_UNIT_CHARACTERS for a, b in found)


def test_every_character_is_of_the_kind_that_the_regular_expression_takes_it_for() -> None:
    text = " ".join(f"a{chr(code)}b" for code in range(0x110000))

    units = segment(text)

    found = [match.span() for match in _plain_pattern().finditer(text)]
    assert [*zip(units.starts.tolist(), units.ends.tolist(), strict=True)] == found


@settings(max_examples=300, deadline=None)
@given(mixed_texts)
def test_the_units_hold_every_character_that_is_not_blank_once_and_in_order(text: str) -> None:
    units = segment(text)

    assert "".join(units.strings()) == "".join(text.split())
    assert (units.starts < units.ends).all()
    assert (units.ends[:-1] <= units.starts[1:]).all()


@settings(max_examples=200, deadline=None)
@given(mixed_texts)
def test_no_unit_is_longer_than_the_limit_or_holds_a_blank(text: str) -> None:
    units = _units(text)

    assert all(len(unit) <= MAX_UNIT_CHARACTERS for unit in units)
    assert all(unit.split() == [unit] for unit in units)


@settings(max_examples=200, deadline=None)
@given(mixed_texts)
def test_the_units_account_for_every_character_of_a_text_that_is_not_blank(text: str) -> None:
    units = segment(text)

    assert units.owned_characters().sum() == (len(text) if text.strip() else 0)
    assert (units.owned_characters() >= units.ends - units.starts).all()


@pytest.mark.parametrize(
    "word",
    [
        "क्षत्रिय",
        "हिन्दुस्तानी",
        "বাংলাদেশ",
        "সংগঠন",
        "தமிழ்நாடு",
        "ශ්‍රී",
        "የኢትዮጵያ",
        "Ọ̀ṣogbo",
        "Gbẹ́nga",
        "nai\u0308ve",
        "မြန်မာ",
        "ខ្មែរ",
        "עִבְרִית",
        "می‌روم",
        "jami'an",
        "Oʻzbekiston",
        "it’s",
        "up-to-date",
        "Abdul-Aziz",
        "snake_case",
        "H2O",
    ],
)
def test_a_word_with_marks_or_joined_by_signs_is_one_unit(word: str) -> None:
    assert _units(f"({word}), {word}!") == ["(", word, ")", ",", word, "!"]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", []),
        (" \r\n\t\u3000", []),
        ("Zaria, Jos.", ["Zaria", ",", "Jos", "."]),
        ("a\r\nb\u2028c\x85d", ["a", "b", "c", "d"]),
        ("3.5%", ["3", ".", "5", "%"]),
        ("...", [".", ".", "."]),
        ("-a-", ["-", "a", "-"]),
        ("'tis", ["'", "tis"]),
        ("😀😀", ["😀", "😀"]),
        ("a\0b", ["a", "\0", "b"]),
        ("\ufeffZaria", ["\ufeff", "Zaria"]),
        ("𐎀𐎁 𝔘𝔫𝔦", ["𐎀𐎁", "𝔘𝔫𝔦"]),
        ("من هو؟", ["من", "هو", "؟"]),
        ("मीरा।", ["मीरा", "।"]),
    ],
)
def test_words_and_signs_are_parted(text: str, units: list[str]) -> None:
    assert _units(text) == units


@pytest.mark.parametrize(
    "clause",
    [
        "กรุงเทพมหานครเป็นเมืองหลวงและนครที่มีประชากรมากที่สุด",
        "北京市朝阳区的居民昨天在公园里看见了一只很大的白鸟和三只小猫",
        "x" * 10_000,
        "а́" * 5_000,
        "ကျွန်တော်သည်ရန်ကုန်မြို့တွင်နေထိုင်ပါသည်",
    ],
    ids=["Thai", "Chinese", "one letter", "accented", "Burmese"],
)
def test_a_clause_without_blanks_is_read_in_pieces_that_part_no_mark_from_its_letter(
    clause: str,
) -> None:
    units = _units(clause)

    assert "".join(units) == clause
    assert len(units) >= len(clause) / MAX_UNIT_CHARACTERS
    assert len(units) <= len(clause) / (MAX_UNIT_CHARACTERS / 2)
    assert not any(unicodedata.category(unit[0]).startswith("M") for unit in units)


def test_a_letter_with_more_marks_than_a_unit_holds_is_cut_all_the_same() -> None:
    text = "a" + "\u0301" * 100

    units = _units(text)

    assert "".join(units) == text
    assert max(map(len, units)) == MAX_UNIT_CHARACTERS


@pytest.mark.parametrize(("length", "units"), [(16, 1), (17, 2), (32, 2), (33, 3)])
def test_a_word_is_cut_only_past_the_limit(length: int, units: int) -> None:
    assert len(_units("x" * length)) == units


def test_blanks_before_the_first_unit_and_after_the_last_are_accounted_for() -> None:
    assert segment("\r\n ab  c \n").owned_characters().tolist() == [7, 3]
