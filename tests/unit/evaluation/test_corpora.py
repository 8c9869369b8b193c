from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import (
    Scheme,
    Sentence,
    join,
    on_characters,
    read_sentences,
    resegmented,
    schemes_of,
)
from onoma.evaluation.spans import Span, spans_of
from onoma.text.segmentation import segment

SCHEME = Scheme({"person": "PER", "place": "LOC", "number": None}, frozenset({"PER", "LOC"}))
TOKENS = st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=8)


def test_sentences_are_read_with_mapped_tags() -> None:
    lines = ["Ada\tB-person\n", "Obi\tI-person\n", "7\tB-number\n", "\n", "\n", "Kano\tB-place\n"]

    assert list(read_sentences(lines, SCHEME)) == [
        Sentence(("Ada", "Obi", "7"), ("B-PER", "I-PER", "O")),
        Sentence(("Kano",), ("B-LOC",)),
    ]


def test_a_token_may_hold_a_blank() -> None:
    assert list(read_sentences(["New York\tB-place\n"], SCHEME)) == [
        Sentence(("New York",), ("B-LOC",))
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Ada\tO\n", "Obi\n"], "a.conll:2: found one column, wanted `token<TAB>tag`"),
        (["Ada\tO\n", "Obi\t\n"], "a.conll:2: found one column, wanted `token<TAB>tag`"),
        (["\tO\n"], "a.conll:1: found the tag 'O' without a token"),
        (["Ada\tO\n", "x\tB-animal\n"], "a.conll:2: found the label 'animal', the label map"),
        ([], "a.conll:1: found no sentence; wanted lines of `token<TAB>tag`"),
        (["\n", "# a remark\n"], "a.conll:1: found no sentence"),
        (
            ["Ada\tS-person\n", "\n", "Obi\tU-person\n"],
            "a.conll:3: BIOES and BILOU are mixed: found S- and U-; mend the file or declare its",
        ),
        (
            ["Ada\tB-person\n", "\n", "Obi\tperson\n"],
            "a.conll:3: IO and another scheme are mixed: found a bare 'person'",
        ),
        (
            ["Ada\tB-person\n", "\n", "a\tO\n", "Obi\tI-person\n"],
            "a.conll:4: IOB1 and IOB2 are mixed: 1 spans open with B-, 1 with I-",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line_with_its_place(lines: list[str], message: str) -> None:
    with pytest.raises(WrongUseError) as caught:
        list(read_sentences(lines, SCHEME, name="a.conll"))

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_declared_scheme_settles_what_looks_mixed() -> None:
    lines = ["Ada\tB-person\n", "\n", "a\tO\n", "Obi\tI-person\n"]

    sentences = list(read_sentences(lines, SCHEME, tagging="IOB2"))

    assert [spans_of(s.tags) for s in sentences] == [(Span(0, 1, "PER"),), (Span(1, 2, "PER"),)]


def test_a_tag_outside_the_declared_scheme_is_refused() -> None:
    with pytest.raises(WrongUseError, match="corpus:2: the tag 'S-person' is none of IOB2"):
        list(read_sentences(["a\tO\n", "Ada\tS-person\n"], SCHEME, tagging="IOB2"))


def test_columns_may_stand_apart_by_blanks_and_documents_are_announced() -> None:
    lines = ["-DOCSTART- -X- O O\n", "\n", "Ada NNP B-NP B-person\n", "ran VBD B-VP O\n"]

    assert list(read_sentences(lines, SCHEME)) == [Sentence(("Ada", "ran"), ("B-PER", "O"))]


def test_without_a_label_map_each_label_stands_for_itself() -> None:
    assert list(read_sentences(["Ada\tS-SHIP\n"], None)) == [Sentence(("Ada",), ("B-SHIP",))]


def test_neighbours_whose_labels_become_one_do_not_grow_together() -> None:
    scheme = Scheme({"town": "LOC", "land": "LOC"}, frozenset({"LOC"}))
    lines = ["Kano\tI-town\n", "Nigeria\tI-land\n"]

    (sentence,) = read_sentences(lines, scheme)

    assert spans_of(sentence.tags) == (Span(0, 1, "LOC"), Span(1, 2, "LOC"))


def test_a_label_map_without_annotated_types_is_refused() -> None:
    with pytest.raises(WrongUseError, match="the label map of x"):
        schemes_of({"x": {"map": {}}})


def test_a_label_map_becomes_schemes() -> None:
    assert schemes_of({"x": {"map": {"person": "PER"}, "annotates": ["PER"]}}) == {
        "x": Scheme({"person": "PER"}, frozenset({"PER"}))
    }


@given(TOKENS)
def test_joined_tokens_lie_where_their_spans_say(tokens: list[str]) -> None:
    joined = join(tokens)

    assert [joined.text[a:b] for a, b in zip(joined.starts, joined.ends, strict=True)] == tokens


def test_spans_move_to_the_units_that_our_segmentation_cuts() -> None:
    sentence = Sentence(("(Ada", "Obi)", "in", "Kano."), ("B-PER", "I-PER", "O", "B-LOC"))

    units, spans = resegmented(sentence, spans_of(sentence.tags))

    assert units == ["(", "Ada", "Obi", ")", "in", "Kano", "."]
    assert spans == (Span(0, 4, "PER"), Span(5, 7, "LOC"))


@given(TOKENS, st.data())
def test_units_of_a_moved_span_cover_its_letters(tokens: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first + 1, len(tokens)))
    sentence = Sentence(tuple(tokens), ("O",) * len(tokens))

    units, (span,) = resegmented(sentence, [Span(first, last, "PER")])

    inside = "".join(units[span.start : span.end])
    assert inside == "".join("".join(tokens[first:last]).split())


def test_a_span_without_any_unit_becomes_an_empty_one() -> None:
    sentence = Sentence(("Ada", "\u00a0"), ("O", "B-PER"))

    _, spans = resegmented(sentence, spans_of(sentence.tags))

    assert spans == (Span(1, 1, "PER"),)


def test_character_spans_slice_the_joined_text() -> None:
    joined = join(["Bankin", "Duniya", "ya"])

    (span,) = on_characters([Span(0, 2, "ORG")], joined)

    assert joined.text[span.start : span.end] == "Bankin Duniya"
    assert len(segment(joined.text)) == 3
