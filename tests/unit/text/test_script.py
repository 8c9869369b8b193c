"""The script of a text is that of most of its letters."""

from __future__ import annotations

import pytest
from hypothesis import given

from onoma.text.script import NO_LETTERS, UNKNOWN_SCRIPT, dominant_script
from tests.texts import mixed_texts


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Zaria", "Latn"),
        ("Ọ̀ṣogbo ɓangare", "Latn"),
        ("मीरा जोशी", "Deva"),
        ("বাংলা", "Beng"),
        ("தமிழ்", "Taml"),
        ("සිංහල", "Sinh"),
        ("አማርኛ", "Ethi"),
        ("Қазақстан", "Cyrl"),
        ("مریم", "Arab"),
        ("שלום", "Hebr"),
        ("กรุงเทพ", "Thai"),
        ("北京市", "Hani"),
        ("ひらがな", "Hira"),
        ("서울", "Hang"),
        ("ქართული", "Geor"),
        ("Հայերեն", "Armn"),
        ("ߒߞߏ", "Nkoo"),
        ("ＡＢＣ", "Latn"),
    ],
)
def test_a_text_of_one_script_is_named_by_it(text: str, script: str) -> None:
    assert dominant_script(text) == script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("मीरा works at IBM in पुणे and in दिल्ली today, she says", "Latn"),
        ("मीरा जोशी पुणे (IBM)", "Deva"),
        ("аб ab", "Cyrl"),
        ("ab аб", "Cyrl"),
    ],
)
def test_a_mixed_text_is_named_by_most_letters_and_a_tie_by_the_first_code(
    text: str, script: str
) -> None:
    assert dominant_script(text) == script


@pytest.mark.parametrize("text", ["", " \n", "123 456", "😀!?", "\u0301\u0301"])
def test_a_text_without_letters_has_no_script(text: str) -> None:
    assert dominant_script(text) == NO_LETTERS


def test_a_script_that_no_rule_names_is_unknown() -> None:
    assert dominant_script("𐎀𐎁𐎂") == UNKNOWN_SCRIPT


@given(mixed_texts)
def test_the_order_of_letters_says_nothing(text: str) -> None:
    assert dominant_script(text[::-1]) == dominant_script(text)
