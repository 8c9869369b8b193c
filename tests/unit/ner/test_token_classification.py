"""Subwords, their windows and the recogniser over them, on a graph of chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.entities import Entities
from onoma.contracts.policy import Budgets, Policy, Rules
from onoma.ner.recogniser import AnyRecogniser, stitched
from onoma.ner.subwords import UNITS_PER_ENCODING
from onoma.pipeline import Annotated, Versions, process
from onoma.text.segmentation import segment
from tests.fakes import LABELS, text_record, versions
from tests.subword_models import FORM, FakeGraph, recogniser, subwords
from tests.texts import documents, words

units = st.lists(words, min_size=1, max_size=30)
NAMES = {"Amina": "B-PER", "Қазақ": "B-LOC"}


def _versions(reader: AnyRecogniser) -> Versions:
    return replace(versions(), recogniser=reader)


def _event(text: str, by: Versions) -> Entities:
    outcome = process(text_record(text), by)
    assert isinstance(outcome, Annotated)
    return outcome.event


@settings(max_examples=100, deadline=None)
@given(units)
def test_the_pieces_of_a_unit_are_its_own_whatever_stands_beside_it(words: list[str]) -> None:
    cut = subwords()

    together = cut.pieces(words)

    alone = [cut.pieces([word]).tokens for word in words]
    assert together.tokens.tolist() == np.concatenate(alone).tolist()
    assert np.diff(together.at).tolist() == [len(tokens) for tokens in alone]
    assert all(len(tokens) for tokens in alone)


def test_a_document_of_many_encodings_has_the_pieces_of_its_units() -> None:
    cut = subwords()
    words = [f"Amina{n}" for n in range(2 * UNITS_PER_ENCODING + 3)]

    found = cut.pieces(words)

    assert len(found.at) == len(words) + 1
    for place in (0, UNITS_PER_ENCODING - 1, UNITS_PER_ENCODING, len(words) - 1):
        tokens, firsts = found.of(place, place + 1)
        assert tokens.tolist() == cut.pieces([words[place]]).tokens.tolist()
        assert firsts.tolist() == [0]


def test_a_unit_of_which_the_tokenizer_makes_nothing_is_read_as_unknown() -> None:
    found = subwords().pieces(["Amina", "\x00", "\x00", "Қазақ"])

    lengths = np.diff(found.at).tolist()
    assert lengths[1:3] == [1, 1]
    assert found.of(1, 3)[0].tolist() == [FORM.unknown, FORM.unknown]


def test_text_that_spells_a_special_token_is_text() -> None:
    found = subwords().pieces(["<s>", "</s>", "<pad>"]).tokens

    assert not {0, 1, 2} & set(found.tolist())


def test_limits_in_the_file_of_the_tokenizer_neither_cut_nor_pad() -> None:
    found = subwords().pieces(["Amina"] * 400)

    assert len(found.at) == 401
    assert 1 not in found.tokens


@settings(max_examples=100, deadline=None)
@given(units)
def test_every_unit_is_read_at_its_first_piece_between_the_special_tokens(
    words: list[str],
) -> None:
    reader, cut = recogniser(), subwords()

    prepared = reader.prepare(words)

    for window, rows in zip(prepared.windows, prepared.rows, strict=True):
        assert len(rows) == window.end - window.start == len(rows.firsts)
        assert (rows.tokens[0], rows.tokens[-1]) == (0, 2)
        assert len(rows.tokens) <= FORM.window_tokens
        for place, word in zip(rows.firsts, words[window.start : window.end], strict=True):
            assert rows.tokens[place] == cut.pieces([word]).tokens[0]


def test_a_unit_longer_than_a_window_is_read_not_dropped() -> None:
    graph = FakeGraph(NAMES)
    reader = recogniser(graph)
    word = "Amina" + "ßđħ" * 40

    (path,) = reader.label([["x", word, "Қазақ", "y"]])

    assert len(path) == 4
    assert LABELS[path[2]] == "B-LOC"
    assert len(reader.prepare([word]).windows) == 1
    assert max(shape[1] for shape in graph.shapes) <= FORM.window_tokens


@settings(max_examples=60, deadline=None)
@given(st.lists(units, min_size=1, max_size=5))
def test_a_window_gets_the_same_bits_alone_and_in_a_call_with_others(
    sentences: list[list[str]],
) -> None:
    reader = recogniser()
    rows = [row for sentence in sentences for row in reader.prepare(sentence).rows]

    together = reader.emissions(rows)

    for row, scores in zip(rows, together, strict=True):
        assert scores.tobytes() == reader.emissions([row])[0].tobytes()


def test_a_window_is_a_call_of_its_exact_length() -> None:
    graph = FakeGraph()
    reader = recogniser(graph)
    prepared = reader.prepare(["Amina", "met", "nobody"] * 12)

    reader.emissions(prepared.rows)

    assert graph.shapes == [(1, len(rows.tokens)) for rows in prepared.rows]
    assert len(graph.shapes) > 1


def test_labels_of_a_sentence_do_not_depend_on_the_others() -> None:
    reader = recogniser()
    sentences = [["Amina"] * n + ["किताबें"] for n in (1, 7, 30)]

    assert reader.label(sentences) == [reader.label([each])[0] for each in sentences]
    assert reader.label([]) == []


@settings(max_examples=100, deadline=None)
@given(documents)
def test_every_entity_is_its_stretch_of_a_hostile_text_and_all_is_read(text: str) -> None:
    event = _event(text, _versions(recogniser()))

    assert all(text[entity.start : entity.end] == entity.text for entity in event.entities)
    assert event.coverage.characters_read == len(text)
    assert event.coverage.ratio == 1.0


def test_names_of_a_long_document_are_found_at_their_places_across_windows() -> None:
    words = ["Amina" if n % 9 == 4 else "—" for n in range(500)]
    text = " ".join(words)

    event = _event(text, _versions(recogniser(FakeGraph(NAMES))))

    found = [(e.start, e.end, e.label) for e in event.entities]
    places = [n for n in range(len(text)) if text.startswith("Amina", n)]
    assert found == [(place, place + 5, "PER") for place in places]
    assert event.coverage.windows > 10


def test_units_beyond_the_budget_are_not_read_and_it_shows() -> None:
    policy = Policy(name="short", version="1", default=Rules(budgets=Budgets(units=40)))
    by = replace(versions(policy=policy), recogniser=recogniser(FakeGraph(NAMES)))

    event = _event("Amina " * 60, by)

    assert event.coverage.truncated is True
    assert event.coverage.characters_read == 40 * len("Amina ")


def test_the_cores_of_windows_put_together_are_what_each_window_said() -> None:
    reader = recogniser()
    words = segment("Amina went home. " * 30).strings()
    prepared = reader.prepare(words)
    parts = list(zip(prepared.windows, reader.emissions(prepared.rows), strict=True))

    whole = stitched(parts, len(words), LABELS)

    for window, scores in parts:
        kept = scores[window.core_start - window.start : window.core_end - window.start]
        assert whole[window.core_start : window.core_end].tobytes() == kept.tobytes()


@pytest.mark.parametrize("kind", ["wordhash", "token-classification"])
def test_both_kinds_keep_the_promises_of_a_recogniser(kind: str) -> None:
    reader: AnyRecogniser = (
        versions().recogniser if kind == "wordhash" else recogniser(FakeGraph(NAMES))
    )
    words = ["Amina", "met", "Қазақ"]

    prepared = reader.prepare(words)
    emissions = reader.emissions(prepared.rows)

    assert [len(rows) for rows in prepared.rows] == [w.end - w.start for w in prepared.windows]
    assert [scores.shape for scores in emissions] == [(3, len(reader.labels))]
    assert len(reader.mentions(emissions)) == 1
    assert [len(path) for path in reader.label([words])] == [3]
