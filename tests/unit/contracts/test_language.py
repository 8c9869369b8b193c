"""Tags come out as BCP 47 in its usual case, ISO 639-3 codes as the short ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.contracts.language import canonical, primary

tags = st.from_regex(r"\A[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}\Z")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("ha", "ha"),
        ("HA", "ha"),
        ("hau", "ha"),
        ("Hau-NG", "ha-NG"),
        ("sr-latn-rs", "sr-Latn-RS"),
        ("srp-Cyrl", "sr-Cyrl"),
        ("es-419", "es-419"),
        ("ger", "de"),
        ("ber", "ber"),
        ("pcm", "pcm"),
        ("de-1996", "de-1996"),
        ("sl-ROZAJ-biske", "sl-rozaj-biske"),
        ("en-x-ab", "en-x-AB"),
    ],
)
def test_a_tag_is_written_in_its_usual_form(tag: str, expected: str) -> None:
    assert canonical(tag) == expected


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "english please",
        "abcdefghi",
        "x-private",
        "en\n",
        "ен",
    ],
)
def test_what_has_not_the_form_of_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="not the form of a BCP 47 language tag"):
        canonical(tag)


@given(tags)
def test_a_canonical_tag_is_its_own_canonical_form(tag: str) -> None:
    assert canonical(canonical(tag)) == canonical(tag)


@given(tags)
def test_the_case_of_a_tag_says_nothing(tag: str) -> None:
    assert canonical(tag.upper()) == canonical(tag.lower()) == canonical(tag)


@pytest.mark.parametrize(("tag", "language"), [("sr-Latn-RS", "sr"), ("ha", "ha")])
def test_the_primary_language_is_without_script_and_region(tag: str, language: str) -> None:
    assert primary(tag) == language
