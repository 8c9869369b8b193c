"""Windows share a call without seeing one another."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.gazetteer.channel import MATCH_LENGTH, PLACE_BEGINS, PLACE_GOES_ON, Gazetteer
from onoma.ner.decoding import Decoder
from onoma.ner.features import bytes_of
from onoma.ner.recogniser import Emissions, stitched
from onoma.ner.wordhash import WINDOW_UNITS, Inputs, WordHashRecogniser
from tests.fakes import CONTEXT_UNITS, LABELS, FakeGraph, recogniser
from tests.texts import pieces

sentences = st.lists(st.lists(pieces.filter(bool), min_size=1, max_size=12), max_size=6)


@settings(max_examples=60, deadline=None)
@given(sentences)
def test_a_window_gets_the_same_bits_alone_and_packed_with_others(
    windows: list[list[str]],
) -> None:
    shared = recogniser()
    rows = [shared.rows(window) for window in windows]

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


@settings(max_examples=60, deadline=None)
@given(sentences)
def test_each_distinct_word_of_a_call_is_given_to_the_graph_once(windows: list[list[str]]) -> None:
    seen: list[Inputs] = []

    def graph(inputs: Inputs) -> Emissions:
        seen.append(inputs)
        return FakeGraph()(inputs)

    noting = recogniser()
    noting._graph = graph
    noting.emissions([noting.rows(window) for window in windows])

    (inputs,) = seen
    distinct = {unit for window in windows for unit in window}
    # The masked rows are one word more.
    assert len(inputs["hashes"]) == len(inputs["bytes"]) == len(distinct) + bool(windows)
    units = [unit for window in windows for unit in (*window, "")]
    assert inputs["bytes"][inputs["words"]].tolist() == [list(bytes_of(unit)) for unit in units]
    assert inputs["mask"][:, 0].tolist() == [float(unit != "") for unit in units]


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
        answers[number] = shared.emissions([shared.rows(words[number])])[0].tobytes()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(len(words))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    for number, document in enumerate(words):
        fresh = recogniser()
        assert answers[number] == fresh.emissions([fresh.rows(document)])[0].tobytes()


class ChannelGraph:
    """Answers with the channel of names alone: the label's score is 1 where a place is."""

    def __call__(self, inputs: Inputs) -> Emissions:
        channel = np.asarray(inputs["gazetteer"], np.float32)
        assert len(channel) == len(inputs["mask"])
        return channel[:, [MATCH_LENGTH, PLACE_BEGINS, PLACE_GOES_ON]]


def _with_channel(gazetteer: Gazetteer) -> WordHashRecogniser:
    labels = ("O", "B-LOC", "I-LOC")
    decoder = Decoder(labels=labels, start=[0.0] * 3, transitions=[[0.0] * 3] * 3)
    return WordHashRecogniser(
        ChannelGraph(), labels=labels, decoder=decoder, context_units=4, gazetteer=gazetteer.channel
    )


@pytest.mark.parametrize("place", range(WINDOW_UNITS - 12, WINDOW_UNITS + 6))
def test_a_place_across_the_edge_of_a_window_is_matched_as_in_one_pass(place: int) -> None:
    # The name overlaps with itself: a match that began at the window would be another.
    names = Gazetteer(["Port of Spain", "Spain Port"])
    units = ["word"] * (WINDOW_UNITS + 40)
    units[place : place + 8] = ["Port", "of", "Spain", "Port", "of", "Spain", "Port", "of"]
    shared = _with_channel(names)
    document = shared.prepare(units)

    scores = shared.emissions(document.rows)

    parts = list(zip(document.windows, scores, strict=True))
    whole = names.channel(units)[:, [MATCH_LENGTH, PLACE_BEGINS, PLACE_GOES_ON]]
    assert len(parts) == 2
    assert np.array_equal(stitched(parts, len(units), shared.labels), whole)


def test_the_channel_of_a_window_does_not_depend_on_the_others_in_the_call() -> None:
    shared = _with_channel(Gazetteer(["Kano", "Port of Spain"]))
    documents = [["Kano"], ["to", "Port"], ["of", "Spain", "Kano"], ["Port", "of", "Spain"]]
    rows = [shared.rows(document) for document in documents]

    together = shared.emissions(rows)

    for row, scores in zip(rows, together, strict=True):
        assert scores.tobytes() == shared.emissions([row])[0].tobytes()
