"""Windows share a call without seeing one another."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.ner.wordhash import WINDOW_UNITS
from tests.fakes import CONTEXT_UNITS, LABELS, recogniser
from tests.texts import pieces

sentences = st.lists(st.lists(pieces.filter(bool), min_size=1, max_size=12), max_size=6)


@settings(max_examples=60, deadline=None)
@given(sentences)
def test_a_window_gets_the_same_bits_alone_and_packed_with_others(
    windows: list[list[str]],
) -> None:
    shared = recogniser()
    rows = [shared.features(window) for window in windows]

    together = shared.emissions(rows)

    assert [scores.shape for scores in together] == [(len(w), len(LABELS)) for w in windows]
    for row, scores in zip(rows, together, strict=True):
        assert scores.tobytes() == shared.emissions([row])[0].tobytes()


@settings(max_examples=40, deadline=None)
@given(sentences)
def test_a_sentence_gets_the_same_labels_alone_and_among_others(
    windows: list[list[str]],
) -> None:
    shared = recogniser(names={"Amina": "B-PER"})

    assert shared.label(windows) == [shared.label([window])[0] for window in windows]


def test_a_known_name_is_labelled() -> None:
    known = recogniser(names={"Amina": "B-PER", "Sule": "I-PER"})

    (labels,) = known.label([["saw", "Amina", "Sule", "there"]])

    assert [LABELS[label] for label in labels[1:3]] == ["B-PER", "I-PER"]


def test_no_sentences_have_no_labels() -> None:
    assert recogniser().label([]) == []


def test_a_document_is_read_in_windows_with_the_context_of_the_model() -> None:
    first, second = recogniser().windows(WINDOW_UNITS + 1)

    assert (first.core_end, first.end) == (WINDOW_UNITS, WINDOW_UNITS + 1)
    assert (second.core_start, second.start) == (WINDOW_UNITS, WINDOW_UNITS - CONTEXT_UNITS)


def test_a_recogniser_answers_alike_from_several_threads() -> None:
    shared = recogniser()
    words = [
        [f"word{n % 700}" for n in range(start, start + 3000)] for start in range(0, 4000, 500)
    ]
    answers: dict[int, bytes] = {}

    def read(number: int) -> None:
        answers[number] = shared.emissions([shared.features(words[number])])[0].tobytes()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(words))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    for number, document in enumerate(words):
        fresh = recogniser()
        assert answers[number] == fresh.emissions([fresh.features(document)])[0].tobytes()
