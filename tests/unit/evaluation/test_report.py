from __future__ import annotations

from collections.abc import Sequence

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.judging import TEXTS_PER_CALL
from onoma.evaluation.report import evaluate
from onoma.evaluation.spans import Counts

LABELS = ("O", "B-PER", "I-PER")


def _capitals(sentences: Sequence[Sequence[str]]) -> list[list[int]]:
    return [[int(unit[0].isupper()) for unit in sentence] for sentence in sentences]


def _corpus(name: str, *sentences: Sentence, annotates: str = "PER") -> Corpus:
    return Corpus(name, "en", frozenset({annotates}), sentences)


def test_a_set_is_scored_sentence_by_sentence() -> None:
    corpus = _corpus("a/en", Sentence(("Ada", "and", "Obi"), ("B-PER", "O", "O")))

    report = evaluate(_capitals, LABELS, [corpus])

    assert report.sets[0].counts == Counts(right=1, predicted=2, gold=1)


def test_raw_text_is_scored_on_our_own_units() -> None:
    corpus = _corpus("a/en", Sentence(("Ada,",), ("B-PER",)), Sentence(("Ada",), ("B-PER",)))

    report = evaluate(_capitals, LABELS, [corpus], "raw")

    assert report.sets[0].counts == Counts(right=1, predicted=2, gold=2)


def test_every_sentence_of_a_large_set_counts() -> None:
    sentences = [Sentence(("Ada",), ("B-PER",))] * (2 * TEXTS_PER_CALL + 1)

    report = evaluate(_capitals, LABELS, [_corpus("a/en", *sentences)])

    assert report.sets[0].counts.right == len(sentences)


def test_a_type_that_is_not_annotated_does_not_count() -> None:
    corpus = _corpus("a/en", Sentence(("Ada",), ("O",)), annotates="LOC")

    report = evaluate(_capitals, LABELS, [corpus])

    assert report.sets[0].counts == Counts()
