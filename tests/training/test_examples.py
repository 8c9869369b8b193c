# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.spans import spans_of
from onoma.training.examples import (
    APOSTROPHES,
    Example,
    Examples,
    batched,
    joined,
    key_of,
    mentions_of,
    misspelt,
    noises_of,
    other_apostrophe,
    pieces,
    replace_mentions,
    shared_mentions,
    without_dev,
)
from onoma.training.recipes import Recipe, Variation
from tests.training.extra import need
from tests.training.sentences import LABELS, SENTENCES, corpus, sentence

need("torch")

from onoma.training.feeds import Feed

pytestmark = pytest.mark.train

PLAIN = Variation(joined=0, resegmented=0, noise=0, replacement=0)
TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER"]), max_size=30)


def _examples(
    variation: Variation, *corpora: Corpus, exponent: float = 1.0, batch: int = 4
) -> Iterator[list[Example]]:
    recipe = Recipe(variation=variation, exponent=exponent, longest=100, batch=batch)
    return Feed(Examples(corpora or (corpus(),), LABELS, recipe, seed=1).chunk)


def test_without_variation_the_sentences_come_as_they_are() -> None:
    known = {s.tokens: s.tags for s in SENTENCES}

    for batch in islice(_examples(PLAIN), 5):
        for example in batch:
            assert tuple(LABELS[number] for number in example.labels) == known[example.units]


def test_equal_seeds_draw_equal_batches() -> None:
    varied = Variation(resegmented=0.5, noise=0.5, replacement=0.5, joined=0.5, borrowed=0.5)
    first, second = (list(islice(_examples(varied), 9)) for _ in range(2))

    assert first == second


def test_our_own_segmentation_is_drawn_with_projected_spans() -> None:
    own = replace(corpus(), sentences=(sentence("(Ada/B-PER Obi),/I-PER Kano/B-LOC"),))

    batch = next(_examples(replace(PLAIN, resegmented=1), own, batch=1))

    assert batch[0].units == ("(", "Ada", "Obi", ")", ",", "Kano")
    tags = [LABELS[number] for number in batch[0].labels]
    assert tags == ["B-PER", "I-PER", "I-PER", "I-PER", "I-PER", "B-LOC"]


def test_a_small_exponent_brings_small_corpora_forward() -> None:
    large = Corpus("large/xx", "xx", frozenset(), (sentence("a b"),) * 900)
    small = Corpus("small/xx", "xx", frozenset(), (sentence("c d"),) * 100)

    batches = islice(_examples(PLAIN, large, small, exponent=0, batch=50), 20)
    drawn = [example for batch in batches for example in batch]

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


def test_neighbours_are_joined_as_in_a_document() -> None:
    known = [s.tokens for s in SENTENCES]
    whole = tuple(token for tokens in known for token in tokens)
    batches = list(islice(_examples(replace(PLAIN, joined=1)), 9))
    units = [example.units for batch in batches for example in batch]

    assert max(map(len, units)) > max(map(len, known))
    assert all(any(one == whole[i : i + len(one)] for i in range(len(whole))) for one in units)


def test_joined_sentences_keep_their_tags() -> None:
    both = joined(SENTENCES[:2])

    assert both.tokens == SENTENCES[0].tokens + SENTENCES[1].tokens
    assert both.tags == SENTENCES[0].tags + SENTENCES[1].tags


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 6), st.integers(1, 60))
def test_batches_hold_all_examples_and_no_more_than_asked(
    lengths: list[int], most: int, units: int
) -> None:
    examples = [Example(("a",) * length, (0,) * length, 0) for length in lengths]

    batches = list(batched(examples, most, units))

    assert [example for batch in batches for example in batch] == examples
    assert all(len(batch) <= most for batch in batches)
    assert all(len(batch) == 1 or sum(len(e.units) for e in batch) <= units for batch in batches)


def test_a_chunk_is_a_function_of_its_number() -> None:
    recipe = Recipe(batch=2)
    examples = Examples([corpus()], LABELS, recipe, seed=1)

    assert examples.chunk(3) == Examples([corpus()], LABELS, recipe, seed=1).chunk(3)
    assert examples.chunk(3) != examples.chunk(4)


def test_all_apostrophes_of_a_word_become_the_same_sign() -> None:
    forms = {other_apostrophe("ma'aikat’a", Random(seed)) for seed in range(60)}

    assert forms == {f"ma{sign}aikat{sign}a" for sign in APOSTROPHES}


def test_a_word_without_apostrophe_stays() -> None:
    assert other_apostrophe("Kano", Random(0)) == "Kano"


def test_every_noise_has_a_weight() -> None:
    noises, weights = noises_of(Variation())

    assert len(noises) == len(weights)
    assert sum(weights) == pytest.approx(1.0)


def test_mentions_are_borrowed_within_a_script() -> None:
    shared = shared_mentions([mentions_of(SENTENCES)])

    assert ("Amina", "Bello") in shared["Latn"]["PER"]
    assert shared["Arab"] == {"PER": [("سالم",)], "LOC": [("القاهرة",)]}
