"""An index answers as if every name had been scored by the rule."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from onoma.gazetteer.index import LEAST_THRESHOLD, NameIndex, Path, index_arrays
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.scoring import score
from tests.unit.gazetteer.names import TOKENS, lists_and_mentions

Answers = list[dict[str, float]]


def _answers(names: Sequence[str], mentions: Sequence[str], threshold: float) -> Answers:
    found = NameIndex(index_arrays(names)).search(mentions, threshold)
    return [{names[hit.number]: hit.score for hit in hits} for hits in found]


def _by_brute_force(names: Sequence[str], mentions: Sequence[str], threshold: float) -> Answers:
    scored = [{name: score(mention, name).score for name in names} for mention in mentions]
    return [{name: one for name, one in each.items() if one >= threshold} for each in scored]


@settings(max_examples=60, deadline=None)
@given(lists_and_mentions())
def test_the_answers_are_those_of_the_rule_over_all_names(
    drawn: tuple[list[str], list[str]],
) -> None:
    names, mentions = list(dict.fromkeys(drawn[0])), drawn[1]

    for threshold in (LEAST_THRESHOLD, 80.0, 90.0, 100.0):
        found = _answers(names, mentions, threshold)
        assert found == _by_brute_force(names, mentions, threshold)


@settings(max_examples=30, deadline=None)
@given(lists_and_mentions())
def test_a_batch_answers_as_its_mentions_alone(drawn: tuple[list[str], list[str]]) -> None:
    names, mentions = drawn
    index = NameIndex(index_arrays(names))

    together = index.search(mentions, 80.0)

    assert together == [index.search([mention], 80.0)[0] for mention in mentions]


@pytest.mark.parametrize(
    ("mention", "name"),
    [
        ("slaywah", "slay wah"),
        ("rudi slaywah", "slay wah rudi untaywan"),
        ("hamid reza nasri", "nasri hamidreza"),
        ("abd al rahman bin omar khalid", "abd al rahman bin omar"),
        ("zz", "zz"),
        ("a belov", "belov amina"),
        ("belov amina", "a belov"),
        ("abo iwu", "abu iwu"),  # a title that a full token is alike
        ("abu iwu", "abo iwu"),
        ("a" * 300, "a" * 299 + "b"),
        ("orient bank " + "x" * 260, "orient bank of " + "x" * 260),
    ],
)
def test_hard_names_are_found(mention: str, name: str) -> None:
    names = [name, *(" ".join(TOKENS[place : place + 3]) for place in range(len(TOKENS)))]

    assert name in _answers(names, [mention], 80.0)[0]


def test_every_spelling_with_the_same_form_is_an_answer_of_its_own() -> None:
    index = NameIndex(index_arrays(["Bello, Amina", "Bello Amina", "!", "AMINA BELLO"]))

    hits = index.search([normalise("bello amina")], 80.0)[0]

    assert [(hit.number, hit.score, hit.path) for hit in hits] == [
        (0, 100.0, Path.EXACT),
        (1, 100.0, Path.EXACT),
        (3, 100.0, Path.TOKENS),
    ]


def test_names_and_mentions_without_letters_match_nothing() -> None:
    assert NameIndex(index_arrays(["?", "!"])).search(["", "amina"], 80.0) == [(), ()]
    assert NameIndex(index_arrays([])).search(["amina bello"], 80.0) == [()]
    assert NameIndex(index_arrays(["Amina"])).search([], 80.0) == []


def test_a_threshold_under_the_caps_is_refused() -> None:
    with pytest.raises(ValueError, match="found a threshold of 70, wanted 75 or more"):
        NameIndex(index_arrays(["Amina"])).search(["amina"], 70.0)


def test_an_index_that_nobody_holds_is_gone_at_once() -> None:
    gc.collect()
    gc.disable()
    try:
        index = NameIndex(index_arrays(["Amina Bello", "Karim Garcia"]))
        index.search(["amina belo", "karimgarcia"], 80.0)
        vocabulary = weakref.ref(index._tokens.vocabulary)
        del index
        assert vocabulary() is None
    finally:
        gc.enable()
