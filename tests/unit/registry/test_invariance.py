"""The gate's check of bits: a model that keeps them passes, one that loses them anywhere fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from onoma.ner.recogniser import AnyRecogniser, Emissions
from onoma.registry.bundle import default_directory, load
from onoma.registry.checks import frozen_words
from onoma.registry.gate_record import Check
from onoma.registry.invariance import check_invariance
from tests import fakes, subword_models

Disturb = Callable[[Sequence[Any], list[Emissions]], list[Emissions]]

KINDS: dict[str, Callable[[], AnyRecogniser]] = {
    "wordhash": fakes.recogniser,
    "token-classification": subword_models.recogniser,
}


class Disturbed:
    """Does to the scores of a call what a bad model would."""

    def __init__(self, inner: AnyRecogniser, disturb: Disturb) -> None:
        self.labels, self.prepare = inner.labels, inner.prepare
        self.work, self.mentions, self.label = inner.work, inner.mentions, inner.label
        self._inner, self._disturb = inner, disturb

    def emissions(self, rows: Sequence[Any]) -> list[Emissions]:
        return self._disturb(rows, self._inner.emissions(rows))


def _range_over_the_call(rows: Sequence[Any], scores: list[Emissions]) -> list[Emissions]:
    largest = max(float(abs(each).max()) for each in scores)
    return [each / largest for each in scores]


def _number_of_rows(rows: Sequence[Any], scores: list[Emissions]) -> list[Emissions]:
    units = sum(len(row) for row in rows)
    return [each + 1e-6 * (units > 600) for each in scores]


def _place_in_the_call(rows: Sequence[Any], scores: list[Emissions]) -> list[Emissions]:
    return [each + 1e-6 * place for place, each in enumerate(scores)]


def _thread(rows: Sequence[Any], scores: list[Emissions]) -> list[Emissions]:
    other = threading.current_thread() is not threading.main_thread()
    return [each + 1e-6 * other for each in scores]


def _check(one: AnyRecogniser, again: AnyRecogniser) -> Check:
    return check_invariance(one, again, frozen_words())


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_whose_bits_are_the_documents_alone_passes(kind: str) -> None:
    check = _check(KINDS[kind](), KINDS[kind]())

    assert check.passed is True
    assert check.measured["changed"] == 0
    assert check.measured["compared"] >= 80
    assert "where" not in check.measured


def test_the_shipped_model_keeps_its_bits() -> None:
    check = _check(load(default_directory()).recogniser, load(default_directory()).recogniser)

    assert check.passed is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("disturb", "where"),
    [
        (_range_over_the_call, "beside loudest words"),
        (_number_of_rows, "beside capitals"),
        (_place_in_the_call, "shuffled"),
        (_thread, "two threads"),
    ],
)
def test_a_model_whose_bits_depend_on_anything_else_fails_and_it_is_named(
    kind: str, disturb: Disturb, where: str
) -> None:
    check = _check(*(Disturbed(KINDS[kind](), disturb) for _ in range(2)))

    assert check.passed is False
    assert check.measured["changed"] > 0
    assert where in check.measured["where"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_answers_otherwise_when_it_is_opened_anew_fails(kind: str) -> None:
    other = Disturbed(KINDS[kind](), lambda rows, scores: [each + 1e-6 for each in scores])

    check = _check(KINDS[kind](), other)

    assert check.passed is False
    assert check.measured["where"] == ["opened anew", "opened anew, shuffled"]
