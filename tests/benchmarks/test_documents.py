"""The mix of documents is the same in every run, and has the lengths that it promises."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.documents import LANGUAGES, LONG_WORDS, mix, mix_of_words, of_length, words_of

pytestmark = pytest.mark.data


def test_the_mix_of_a_seed_is_always_the_same() -> None:
    assert mix(20) == mix(25)[:20]
    assert mix(20) != mix(20, seed=1)


def test_the_mix_has_its_median_its_long_tail_and_all_languages() -> None:
    documents = mix(2_000)

    lengths = [document.words for document in documents]
    assert 110 <= statistics.median(lengths) <= 135
    assert 0.04 <= sum(words > 800 for words in lengths) / len(lengths) <= 0.07
    assert 4 <= lengths.count(LONG_WORDS) <= 6
    assert {document.language for document in documents} == set(LANGUAGES.values())
    assert [len(document.text.split()) for document in documents] == lengths


def test_documents_are_made_to_the_words_that_are_asked_for() -> None:
    assert 5_000 <= words_of(mix_of_words(5_000)) < 5_000 + LONG_WORDS
    assert [document.words for document in of_length(3, 700)] == [700] * 3
