"""Signatures of a list are those of its texts one by one, and never rule out what is alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onoma.gazetteer.signatures import bigram_bits, bigrams, letter_bag, letter_bags
from onoma.gazetteer.texts import Texts

texts = st.lists(st.text("aaabcxyz019 ", max_size=40), max_size=12)


@given(texts)
def test_a_list_has_the_signatures_of_its_texts(many: list[str]) -> None:
    packed = Texts.of(many)

    assert letter_bags(packed).tolist() == [letter_bag(text)[0] for text in many]
    assert [tuple(bits) for bits in bigram_bits(packed).tolist()] == [bigrams(t) for t in many]


@given(st.text("abz09", max_size=30))
def test_a_bag_and_its_overflow_count_every_letter(text: str) -> None:
    bag, overflow = letter_bag(text)

    assert bag.bit_count() + overflow == len(text)


@given(texts)
def test_packed_texts_are_the_texts(many: list[str]) -> None:
    packed = Texts.of(many)

    assert packed.all() == many
    assert [packed[number] for number in range(len(packed))] == many
