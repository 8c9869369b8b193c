from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.errors import WrongUseError
from onoma.evaluation.annotations import read_json_lines, read_label_studio, sentence_of
from onoma.evaluation.corpora import Scheme, Sentence, resegmented
from onoma.evaluation.spans import Span, spans_of
from onoma.text.offsets import OffsetUnit, convert

SCHEME = Scheme({"person": "PER", "age": None}, frozenset({"PER"}))
EMOJI = "👩🏽 Amina Sule ta isa Abuja."


def _line(text: str, *spans: tuple[int, int, str]) -> str:
    rows = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    return json.dumps({"text": text, "spans": rows})


def _words(sentence: Sentence) -> list[tuple[str, str]]:
    assert sentence.origin is not None
    text, starts, ends = sentence.origin.text, sentence.origin.starts, sentence.origin.ends
    return [
        (text[starts[span.start] : ends[span.end - 1]], span.label)
        for span in spans_of(sentence.tags)
    ]


def test_marked_text_becomes_tokens_with_tags() -> None:
    (sentence,) = read_json_lines([_line("Ada, 7, ran.", (0, 3, "person"), (5, 6, "age"))], SCHEME)

    assert sentence.tokens == ("Ada", ",", "7", ",", "ran", ".")
    assert sentence.tags == ("B-PER", "O", "O", "O", "O", "O")


def test_a_span_inside_a_word_is_kept_whole() -> None:
    (sentence,) = read_json_lines([_line("pro-Obi men", (4, 7, "person"))], SCHEME)

    assert _words(sentence) == [("Obi", "PER")]


@pytest.mark.parametrize("unit", ["unicode_code_point", "utf16_code_unit", "utf8_byte"])
def test_offsets_are_read_in_the_unit_that_is_declared(unit: OffsetUnit) -> None:
    start = EMOJI.index("Amina")
    first, last = convert(EMOJI, (start, start + 10), source="unicode_code_point", target=unit)

    (sentence,) = read_json_lines([_line(EMOJI, (first, last, "person"))], SCHEME, unit=unit)

    assert _words(sentence) == [("Amina Sule", "PER")]


@given(st.text(min_size=1, max_size=30).filter(str.strip), st.data())
def test_a_span_holds_the_characters_it_was_marked_on(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    sentence = sentence_of(text, [Span(start, end, "PER")])

    wanted = [(text[start:end].strip(), "PER")] if text[start:end].strip() else []
    found = [(word.strip(), label) for word, label in _words(sentence)]
    assert "".join(sentence.tokens) == "".join(text.split()) or not found
    assert found == wanted or not text[start:end].isprintable()


def test_raw_text_is_cut_from_the_text_itself() -> None:
    (sentence,) = read_json_lines([_line("Ada,Obi", (0, 3, "person"), (4, 7, "person"))], SCHEME)

    units, spans = resegmented(sentence, spans_of(sentence.tags))

    assert units == ["Ada", ",", "Obi"]
    assert spans == (Span(0, 1, "PER"), Span(2, 3, "PER"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "a.jsonl:1: found no line"),
        (["{"], "a.jsonl:1: is not JSON"),
        (["[]"], "a.jsonl:1: found list, wanted an object"),
        ([_line("Ada"), '{"text": "x"}'], "a.jsonl:2: found no list 'spans'"),
        ([_line("")], "a.jsonl:1: found no words under 'text'"),
        ([_line("Ada", (0, 9, "person"))], "a.jsonl:1: offset 9 is no character boundary"),
        ([_line("Ada", (2, 2, "person"))], "a.jsonl:1: the span 2-2 holds no word"),
        ([_line("Ada x", (3, 4, "person"))], "a.jsonl:1: the span 3-4 holds no word"),
        ([_line("Ada", (0, 3, "ship"))], "a.jsonl:1: found the label 'ship', the label map knows"),
        (
            [_line("Ada Obi", (0, 5, "person"), (4, 7, "person"))],
            "a.jsonl:1: the spans 0-5 and 4-7 overlap",
        ),
        (
            ['{"text": "Ada", "spans": [{"start": 0, "end": 2, "label": "person", "text": "da"}]}'],
            "a.jsonl:1: the span 0-2 says it holds other words than the text has there",
        ),
    ],
)
def test_bad_lines_are_refused_in_one_line_with_their_place(lines: list[str], message: str) -> None:
    with pytest.raises(WrongUseError) as caught:
        list(read_json_lines(lines, SCHEME, name="a.jsonl"))

    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def _task(*annotations: dict[str, Any], text: str = EMOJI) -> str:
    return json.dumps([{"id": 5, "data": {"text": text}, "annotations": annotations}])


def _annotation(start: int, end: int, words: str, **fields: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": words, "labels": ["person"]}
    region = {"type": "labels", "from_name": "label", "to_name": "text", "value": value}
    return {"result": [region], "was_cancelled": False, **fields}


@pytest.mark.parametrize("shift", [0, 2], ids=["code points", "UTF-16 units"])
def test_label_studio_may_count_in_either_unit(shift: int) -> None:
    start = EMOJI.index("Amina") + shift

    (sentence,) = read_label_studio(_task(_annotation(start, start + 10, "Amina Sule")), SCHEME)

    assert _words(sentence) == [("Amina Sule", "PER")]


def test_a_region_whose_words_are_in_neither_unit_is_refused() -> None:
    export = _task(_annotation(1, 6, "Amina"))

    with pytest.raises(WrongUseError, match=r"^e\.json: task 5: the span 1-6 says it holds other"):
        list(read_label_studio(export, SCHEME, name="e.json"))


def test_cancelled_annotations_do_not_count_and_the_latest_of_others_does() -> None:
    text = "Ada met Obi"
    first = _annotation(0, 3, "Ada", updated_at="2026-01-01T00:00:00Z")
    second = _annotation(8, 11, "Obi", updated_at="2026-01-02T00:00:00Z")
    cancelled = {**_annotation(0, 3, "Ada", updated_at="2026-01-03"), "was_cancelled": True}

    (sentence,) = read_label_studio(_task(first, second, cancelled, text=text), SCHEME)

    assert _words(sentence) == [("Obi", "PER")]


def test_the_ground_truth_goes_before_the_latest() -> None:
    text = "Ada met Obi"
    truth = _annotation(0, 3, "Ada", updated_at="2026-01-01T00:00:00Z", ground_truth=True)
    later = _annotation(8, 11, "Obi", updated_at="2026-01-02T00:00:00Z")

    (sentence,) = read_label_studio(_task(truth, later, text=text), SCHEME)

    assert _words(sentence) == [("Ada", "PER")]


def test_a_task_nobody_finished_gives_no_sentence() -> None:
    assert list(read_label_studio(_task(), SCHEME)) == []


@pytest.mark.parametrize("export", ["", "[]", "{}", '[{"id": 5}]', '[{"annotations": 1}]'])
def test_a_broken_export_is_refused_in_one_line(export: str) -> None:
    with pytest.raises(WrongUseError) as caught:
        list(read_label_studio(export, SCHEME, name="e.json"))

    assert str(caught.value).startswith("e.json")
    assert "\n" not in str(caught.value)
