"""Running text meets names in the form that names have: what `normalise` makes of each stretch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.running_text import Gap, RunningText, running_text, token_sum
from onoma.text.segmentation import segment
from tests.texts import mixed_texts

PARTS_OF_TEXTS = (
    "Orbal", "VANT", "al-Quoro", "Qur'an", "Isma`il", "l", "L.", "C.", "limited", "liability",
    "company", "joint", "stock", "sp", "z", "o", "Ltd.", "Zébulon", "Мирел", "አበበ", "№7", "&",
    ",", ".", ";", "\n", "\n\n", "“", "(", ")", "'", " ", "  ", "x" * 40, "😀", "中文",
)  # fmt: skip
pieces = st.lists(st.sampled_from(PARTS_OF_TEXTS), max_size=12)
composed = st.builds(str.join, st.sampled_from(["", " "]), pieces)


def _running(text: str) -> RunningText:
    return running_text(segment(text))


@settings(max_examples=300, deadline=None)
@given(composed | mixed_texts)
def test_the_tokens_of_a_stretch_are_those_of_its_normalised_characters(text: str) -> None:
    running = _running(text)
    reach = running.reach(Gap.PARTS).tolist()

    for first in range(len(running)):
        for last in range(first + 1, min(reach[first], first + 6) + 1):
            start, end = running.characters(first, last)
            tokens = running.tokens(first, last)
            assert " ".join(tokens) == normalise(" ".join(text[start:end].split()))
            total = int(running.sums[first:last].sum())
            assert total == token_sum(tokens)


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("Orbal Vant", Gap.WITHIN),
        ("Orbal & Vant", Gap.WITHIN),
        ("J. Vant", Gap.WITHIN),
        ("Orbal-\u200bVant", Gap.BREAK),
        ("VANT, Orbal", Gap.PARTS),
        ("Corp. Vant", Gap.PARTS),
        ("Orbal\nVant", Gap.PARTS),
        ("Orbal\r\nVant", Gap.PARTS),
        ("Orbal “Vant", Gap.PARTS),
        ("Orbal. Vant", Gap.BREAK),
        ("Orbal\n\nVant", Gap.BREAK),
        ("Orbal; Vant", Gap.BREAK),
        ("Orbal? Vant", Gap.BREAK),
    ],
)
def test_what_lies_between_two_words_says_whether_one_name_may_have_both(
    text: str, gap: Gap
) -> None:
    first, last = _running(text).words

    assert (first.gap, last.gap) == (Gap.BREAK, gap)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Orbal Limited Liability Company", [("orbal",), ("llc",)]),
        ("Orbal L.L.C.", [("orbal",), ("llc",)]),
        ("a public limited liability company", [("a",), ("public",), ("llc",)]),
        ("limited; liability company", [("limited",), ("liability",), ("company",)]),
        ("x" * 40 + " al-Vant", [("x" * 40,), ("al", "vant")]),
    ],
)
def test_words_are_those_of_names(text: str, tokens: list[tuple[str, ...]]) -> None:
    assert [word.tokens for word in _running(text).words] == tokens


@pytest.mark.parametrize(
    ("word", "may_begin"),
    [("Orbal", True), ("orbal", False), ("አበበ", True), ("ʻOrbal", True), ("42", False)],
)
def test_a_word_may_begin_a_name_by_its_capital_or_its_script(word: str, may_begin: bool) -> None:
    (found,) = _running(word).words

    assert found.may_begin is may_begin
