"""From sets to the record: judging, intervals, slices, calibration, comparison, signature."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from onoma.errors import WrongUseError
from onoma.evaluation.calibration import best_temperature, calibration_of, ece
from onoma.evaluation.comparison import compare
from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.disturbances import DISTURBANCES, disturbed
from onoma.evaluation.intervals import f1_of, interval, resampled, tally_of
from onoma.evaluation.judging import judge
from onoma.evaluation.scorecard import scorecard
from onoma.evaluation.signature import sha256_of, signature_of
from onoma.evaluation.slices import known_mentions, sliced
from onoma.evaluation.spans import Counts, spans_of
from onoma.evaluation.texts import FORMS, Form, texts_of
from onoma.registry import checks
from tests.unit.evaluation.recognisers import ByRule, capitals, mentions_at

GOOD = Sentence(("Ada", "ran", "home", "to", "the", "sea", "Obi"), ("B-PER", *"OOOOO", "B-PER"))
BAD = Sentence(("Ada", "saw", "Lagos"), ("B-PER", "O", "B-LOC"))


def _corpus(name: str, *sentences: Sentence, annotates: str = "PER LOC") -> Corpus:
    return Corpus(name, name.partition("/")[2], frozenset(annotates.split()), sentences)


def test_a_set_is_read_in_windows_and_counted_by_text_and_type() -> None:
    (judged,) = judge(ByRule(capitals), [_corpus("a/en", GOOD, BAD)])

    tally = tally_of(judged)

    assert tally.types == ("LOC", "PER")
    assert tally.counts.tolist() == [[[0, 0, 0], [2, 2, 2]], [[0, 0, 1], [1, 2, 1]]]
    assert tally.total() == Counts(right=3, predicted=4, gold=4)


def test_types_that_are_not_annotated_count_nowhere() -> None:
    (judged,) = judge(ByRule(capitals), [_corpus("a/en", BAD, annotates="LOC")])

    assert tally_of(judged).total() == Counts(0, 0, 1)
    assert sliced([judged], {})["text_length"]["1-10"] == Counts(0, 0, 1)
    assert calibration_of([judged], mentions_at, 1.0).ece == 0.0


def test_draws_of_a_set_follow_from_its_name_and_the_seed_alone() -> None:
    one, other = (
        tally_of(judge(ByRule(capitals), [_corpus(name, GOOD, BAD)])[0])
        for name in ("a/en", "b/en")
    )

    assert np.array_equal(resampled(one, 50), resampled(one, 50))
    assert not np.array_equal(resampled(one, 50), resampled(other, 50))
    assert not np.array_equal(resampled(one, 50, seed=1), resampled(one, 50, seed=2))


def test_an_interval_covers_what_a_plain_bootstrap_covers() -> None:
    sentences = [GOOD, BAD, BAD, GOOD, GOOD] * 8
    tally = tally_of(judge(ByRule(capitals), [_corpus("a/en", *sentences)])[0])
    chance = np.random.default_rng(5)
    flat = tally.counts.sum(1)
    plain = []
    for _ in range(3000):
        right, predicted, gold = flat[chance.integers(0, len(flat), len(flat))].sum(0)
        plain.append(2 * right / (predicted + gold))

    low, high = interval(f1_of(resampled(tally, 3000).sum(1)))

    assert (low, high) == pytest.approx(np.quantile(plain, (0.025, 0.975)), abs=0.01)
    assert low < tally.total().f1 < high


def test_a_set_whose_texts_are_all_alike_has_no_width() -> None:
    tally = tally_of(judge(ByRule(capitals), [_corpus("a/en", *[BAD] * 5)])[0])

    assert interval(f1_of(resampled(tally, 100).sum(1))) == (tally.total().f1, tally.total().f1)


def test_names_are_sorted_by_what_training_saw_and_by_length() -> None:
    train = _corpus("a/en", Sentence(("ADA", "fell"), ("B-PER", "O")))
    judged = judge(ByRule(capitals), [_corpus("a/en", GOOD, BAD), _corpus("b/en", BAD)])

    parts = sliced(judged, known_mentions([train]))

    assert parts["mentions"] == {"seen": Counts(2, 2, 2), "unseen": Counts(1, 2, 2)}
    assert parts["text_length"] == {"1-10": Counts(4, 6, 6)}
    assert parts["mention_length"] == {"1": Counts(4, 6, 6)}


def test_a_model_does_not_differ_from_itself() -> None:
    tallies = [tally_of(one) for one in judge(ByRule(capitals), [_corpus("a/en", GOOD, BAD)])]

    result = compare(tallies, tallies, {"a/en"})

    assert (result.macro.difference, result.macro.p) == (0.0, 1.0)


def test_a_better_model_is_told_from_a_worse_one() -> None:
    corpora = [_corpus("a/en", *[GOOD, BAD] * 20), _corpus("b/en", *[BAD] * 20)]
    good = [tally_of(one) for one in judge(ByRule(capitals), corpora)]
    blind = [tally_of(one) for one in judge(ByRule(lambda unit: ("O", 1.0)), corpora)]

    result = compare(good, blind, {"a/en"})

    assert result.macro.difference == pytest.approx(good[0].total().f1)
    assert result.macro.low > 0.5
    assert result.macro.p < 0.01
    assert set(result.sets) == {"a/en", "b/en"}
    assert compare(blind, good, {"a/en"}).macro.p == result.macro.p


def test_models_scored_on_other_sets_are_not_compared() -> None:
    one, other = (
        [tally_of(j) for j in judge(ByRule(capitals), [_corpus("a/en", *sentences)])]
        for sentences in ([GOOD], [GOOD, BAD])
    )

    with pytest.raises(WrongUseError, match="not scored on the same sets"):
        compare(one, other, {"a/en"})


def test_confidence_that_fits_has_no_error() -> None:
    right = np.array([True] * 7 + [False] * 3)

    assert ece(np.full(10, 0.7), right) == pytest.approx(0.0)
    assert ece(np.full(10, 0.9), right) == pytest.approx(0.2)


def test_an_overconfident_model_gets_a_higher_temperature_that_holds_on_the_other_half() -> None:
    wrong = Sentence(("Ada", "ran"), ("O", "O"))
    right = Sentence(("Ada", "ran"), ("B-PER", "O"))
    corpus = _corpus("a/en", *[right, right, right, right, wrong, wrong] * 20)
    judged = judge(ByRule(lambda unit: (capitals(unit)[0], 4.0)), [corpus])

    found = calibration_of(judged, mentions_at, 1.0)

    assert found.ece > 0.2
    assert found.fitted_ece < found.ece / 4
    assert min(found.fitted) > 1.2
    assert min(found.fitted) <= best_temperature(judged, mentions_at) <= max(found.fitted)
    assert sum(one.mentions for one in found.bins) == 120


def test_without_any_mention_the_temperature_is_one() -> None:
    judged = judge(ByRule(lambda unit: ("O", 1.0)), [_corpus("a/en", GOOD)])

    assert best_temperature(judged, mentions_at) == 1.0


@pytest.mark.parametrize("form", FORMS)
def test_no_gold_span_is_lost_in_any_form(form: Form) -> None:
    corpus = _corpus("a/en", *[GOOD, BAD] * 60)

    texts = texts_of(corpus, form)

    assert sum(len(text.gold) for text in texts) == 240
    assert all(
        text.units[span.start] in ("Ada", "Obi", "Lagos") for text in texts for span in text.gold
    )


@pytest.mark.parametrize("form", ["documents", "lines"])
def test_documents_are_ten_to_forty_sentences(form: Form) -> None:
    texts = texts_of(_corpus("a/en", *[GOOD] * 400), form)

    lengths = {len(text.units) // 7 for text in texts[:-1]}
    assert lengths <= set(range(10, 41))
    assert len(lengths) > 1


def test_a_disturbed_corpus_keeps_its_spans_and_is_always_the_same() -> None:
    corpus = _corpus("a/en", Sentence(("Ọláfẹ́mi", "Ransome", "İ"), ("B-PER", "I-PER", "O")))

    for disturb in DISTURBANCES.values():
        spoilt = disturbed(corpus, disturb)
        assert spoilt == disturbed(corpus, disturb)
        assert [spans_of(s.tags) for s in spoilt.sentences] == [
            spans_of(s.tags) for s in corpus.sentences
        ]
    assert disturbed(corpus, DISTURBANCES["marks stripped"]).sentences[0].tokens[0] == "Olafemi"
    assert disturbed(corpus, DISTURBANCES["lower case"]).sentences[0].tokens[1] == "ransome"


def test_a_fifth_of_the_long_words_is_misspelt() -> None:
    words = tuple(f"word{number}abc" for number in range(5000))
    corpus = _corpus("a/en", Sentence(words, ("O",) * len(words)))

    (spoilt,) = disturbed(corpus, DISTURBANCES["letters lost or doubled"]).sentences

    changed = sum(a != b for a, b in zip(words, spoilt.tokens, strict=True))
    assert 0.17 < changed / len(words) < 0.23


def test_a_signature_changes_with_each_thing_that_decides_a_score() -> None:
    corpus = _corpus("a/en", GOOD)
    lines = {
        str(signature_of([corpus], "tokens", model="m", onoma="1")),
        str(signature_of([corpus], "raw", model="m", onoma="1")),
        str(signature_of([corpus], "tokens", model="n", onoma="1")),
        str(signature_of([corpus], "tokens", model="m", onoma="2")),
        str(signature_of([replace(corpus, annotates=frozenset("X"))], "raw", model="m", onoma="1")),
    }

    assert len(lines) == 5
    assert "scheme:IOB2|matching:strict|text:tokens|data:" in str(
        signature_of([corpus], "tokens", model="m", onoma="1")
    )


def test_the_order_of_sets_does_not_change_the_hash_of_the_data() -> None:
    one, two = _corpus("a/en", GOOD), _corpus("b/en", BAD)

    assert sha256_of([one, two]) == sha256_of([two, one])
    assert sha256_of([one]) != sha256_of([_corpus("a/en", BAD)])


def test_the_record_holds_macro_and_what_stands_beside_it_apart() -> None:
    corpora = [_corpus("a/en", GOOD, BAD), _corpus("b/yo", BAD), _corpus("c/en", GOOD)]
    record = scorecard(
        judge(ByRule(capitals), corpora),
        counted={"a/en", "b/yo"},
        signature=signature_of(corpora, "tokens", model="m", onoma="1"),
        known=known_mentions(corpora),
        resamples=100,
    )

    assert record["macro_f1"] == round((0.75 + 0.5) / 2, 4)
    assert (list(record["sets"]), list(record["beside"])) == (["a/en", "b/yo"], ["c/en"])
    assert (record["micro"]["right"], record["micro"]["gold"]) == (4, 6)
    assert record["types"]["LOC"]["f1"] == 0.0
    assert set(record["languages"]) == {"en", "yo"}
    assert record["sets"]["a/en"]["by_label"]["PER"]["right"] == 3
    assert record["mentions"]["seen"]["gold"] == 6
    assert record["signature"]["model_sha256"] == "m"
    assert json.loads(json.dumps(record)) == record


def test_the_limits_of_the_gate_are_those_of_the_design() -> None:
    assert (checks.LARGEST_LOSS, checks.LARGEST_MACRO_LOSS, checks.SPARED_ENTITIES) == (
        0.010,
        0.003,
        2,
    )
