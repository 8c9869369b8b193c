from __future__ import annotations

from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.spans import spans_of
from onoma.training.examples import (
    Examples,
    Variation,
    key_of,
    mentions_of,
    misspelt,
    pieces,
    replace_mentions,
    without_dev,
)
from tests.training.sentences import LABELS, SENTENCES, corpus, sentence

PLAIN = Variation(resegmented=0, noise=0, replacement=0)
TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER"]), max_size=30)


def _examples(variation: Variation, *corpora: Corpus, exponent: float = 1.0) -> Examples:
    return Examples(
        corpora or (corpus(),),
        LABELS,
        variation=variation,
        exponent=exponent,
        longest=100,
        chance=Random(1),
    )


def test_without_variation_the_sentences_come_as_they_are() -> None:
    known = {s.tokens: s.tags for s in SENTENCES}

    for batch in islice(_examples(PLAIN).batches(4), 5):
        for example in batch:
            assert tuple(LABELS[number] for number in example.labels) == known[example.units]


def test_equal_seeds_draw_equal_batches() -> None:
    varied = Variation(resegmented=0.5, noise=0.5, replacement=0.5)
    first, second = (list(islice(_examples(varied).batches(4), 9)) for _ in range(2))

    assert first == second


def test_our_own_segmentation_is_drawn_with_projected_spans() -> None:
    own = replace(corpus(), sentences=(sentence("(Ada/B-PER Obi),/I-PER Kano/B-LOC"),))

    batch = next(_examples(Variation(resegmented=1, noise=0, replacement=0), own).batches(1))

    assert batch[0].units == ("(", "Ada", "Obi", ")", ",", "Kano")
    tags = [LABELS[number] for number in batch[0].labels]
    assert tags == ["B-PER", "I-PER", "I-PER", "I-PER", "I-PER", "B-LOC"]


def test_a_small_exponent_brings_small_corpora_forward() -> None:
    large = Corpus("large/xx", "xx", frozenset(), (sentence("a b"),) * 900)
    small = Corpus("small/xx", "xx", frozenset(), (sentence("c d"),) * 100)

    drawn = [
        e for b in islice(_examples(PLAIN, large, small, exponent=0).batches(50), 20) for e in b
    ]

    assert 0.4 < sum(example.corpus for example in drawn) / len(drawn) < 0.6


def test_training_sentences_that_stand_in_the_dev_part_are_dropped() -> None:
    dev = Corpus("own/xx", "xx", frozenset(), (sentence("amina bello TA isa kano"),))

    (kept,) = without_dev([corpus()], [dev])

    assert kept.sentences == SENTENCES[1:]


def test_a_dev_sentence_of_another_corpus_drops_nothing() -> None:
    dev = Corpus("other/xx", "xx", frozenset(), SENTENCES)

    (kept,) = without_dev([corpus()], [dev])

    assert kept.sentences == SENTENCES


def test_sentences_without_letters_and_digits_are_kept() -> None:
    marks = Corpus("own/xx", "xx", frozenset(), (sentence("..."), sentence("!")))

    assert without_dev([marks], [marks])[0].sentences == marks.sentences


def test_layout_and_case_do_not_change_the_key() -> None:
    assert key_of(sentence("Ta-isa Kano .")) == key_of(sentence("TA isa kano"))


@given(st.integers(0, 200))
def test_replaced_mentions_keep_their_labels_and_their_surroundings(seed: int) -> None:
    mentions = mentions_of(SENTENCES)
    for before in SENTENCES:
        after = replace_mentions(before, mentions, Random(seed))

        assert [s.label for s in spans_of(after.tags)] == [s.label for s in spans_of(before.tags)]
        assert _outside(after) == _outside(before)
        for span in spans_of(after.tags):
            assert after.tokens[span.start : span.end] in mentions[span.label]


def _outside(text: Sentence) -> list[str]:
    return [token for token, tag in zip(text.tokens, text.tags, strict=True) if tag == "O"]


@given(TAGS, st.integers(1, 8))
def test_pieces_cover_all_tags_in_order_and_are_no_longer_than_asked(
    tags: list[str], longest: int
) -> None:
    cut = list(pieces(tags, longest))

    assert [place for start, end in cut for place in range(start, end)] == list(range(len(tags)))
    assert all(end - start <= longest for start, end in cut)


def test_a_cut_parts_no_span() -> None:
    tags = ["O", "O", "B-PER", "I-PER", "O"]

    assert list(pieces(tags, 3)) == [(0, 2), (2, 5)]


@pytest.mark.parametrize("seed", range(20))
def test_a_misspelt_word_has_one_inner_letter_more_or_less(seed: int) -> None:
    word = misspelt("Abuja", Random(seed))

    assert word[0] == "A"
    assert word[-1] == "a"
    assert abs(len(word) - 5) <= 1


def test_short_words_are_not_misspelt() -> None:
    assert all(misspelt("abc", Random(seed)) == "abc" for seed in range(50))
