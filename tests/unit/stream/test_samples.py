"""The samples show what the demo promises: languages, scripts, a long text, two bad records."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from itertools import pairwise

import msgspec
import pytest

from onoma.stream.samples import (
    EMOJI_DOCUMENT_ID,
    LONG_DOCUMENT_ID,
    PLAIN_TEXT_DOCUMENT_ID,
    Document,
    Sample,
    bad_samples,
    good_samples,
    load,
    long_document,
    samples,
    short_documents,
)
from onoma.text.offsets import convert
from onoma.text.script import dominant_script

LANGUAGES = {
    "ha", "yo", "en", "hi", "ne", "bn", "ur", "am", "kk", "ru",
    "sr", "hr", "ro", "tr", "id", "pt", "fi", "si", "ta", "lv",
}  # fmt: skip
SCRIPTS = {"Latn", "Deva", "Beng", "Arab", "Ethi", "Cyrl", "Sinh", "Taml"}
JSON = (("content-type", b"application/json"),)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.)\s+", text)


def _by_id(document_id: str) -> Document:
    return next(found for found in short_documents() if found["document_id"] == document_id)


def test_the_short_texts_stand_in_twenty_languages_and_eight_scripts() -> None:
    documents = short_documents()

    assert len(documents) >= 14
    assert {found["language"] for found in documents} >= LANGUAGES
    assert {dominant_script(found["text"]) for found in documents} == SCRIPTS


def test_one_language_is_outside_the_training_corpora() -> None:
    assert {found["language"] for found in short_documents()} - LANGUAGES == {"sw"}


@pytest.mark.parametrize(
    "document",
    [*short_documents(), long_document()],
    ids=lambda document: document["document_id"],
)
def test_every_document_has_the_fields_of_a_document(document: Document) -> None:
    assert set(document) == {"document_id", "text", "language", "tenant", "created_at"}
    assert document["tenant"] == "demo"
    assert datetime.fromisoformat(document["created_at"]).tzinfo is not None


@pytest.mark.parametrize(
    "document", short_documents(), ids=lambda document: document["document_id"]
)
def test_a_short_text_has_one_to_four_sentences(document: Document) -> None:
    text = document["text"].replace("A.Ş.,", "").replace("ዓ.ም.", "")

    assert 1 <= len(re.findall(r"[.।۔።](?:\s|$)", text)) <= 4


def test_the_ids_of_the_samples_differ() -> None:
    keys = [sample.key for sample in samples()]

    assert len(set(keys)) == len(keys) == len(good_samples()) + 2


def test_a_json_sample_is_keyed_by_its_document_id_and_keeps_its_letters_unescaped() -> None:
    for sample in good_samples():
        if sample.headers == JSON:
            document = msgspec.json.decode(sample.value, type=Document)

            assert sample.key.decode() == document["document_id"]
            assert document["text"].split("\n", 1)[0].encode() in sample.value


def test_one_sample_is_plain_text_and_nothing_but_its_text() -> None:
    plain = [sample for sample in good_samples() if sample.headers != JSON]

    assert plain == [
        Sample(
            key=PLAIN_TEXT_DOCUMENT_ID.encode(),
            value=_by_id(PLAIN_TEXT_DOCUMENT_ID)["text"].encode(),
            headers=(("content-type", b"text/plain"),),
        )
    ]


def test_in_the_emoji_text_the_three_units_disagree_from_the_first_name_on() -> None:
    text = _by_id(EMOJI_DOCUMENT_ID)["text"]
    name = text.index("Odile Farrowmere")
    before = text[:name]
    (utf16,) = convert(text, [name], source="unicode_code_point", target="utf16_code_unit")
    (utf8,) = convert(text, [name], source="unicode_code_point", target="utf8_byte")

    assert name < utf16 < utf8
    assert len(unicodedata.normalize("NFC", before)) < name
    assert "\N{ZERO WIDTH JOINER}" in before
    assert re.search("[\U0001f1e6-\U0001f1ff]{2}", before), "a flag is two regional indicators"


def test_the_long_document_has_over_twenty_thousand_words_and_is_the_last_sample() -> None:
    *_, last = samples()

    assert last.key.decode() == LONG_DOCUMENT_ID
    assert len(long_document()["text"].split()) > 20_000


def test_no_sentence_of_the_long_document_stands_in_it_twice() -> None:
    sentences = _sentences(long_document()["text"])

    assert len(sentences) > 1_000
    assert len(set(sentences)) == len(sentences)


def test_in_the_long_document_at_most_two_sentences_in_a_row_are_without_a_name() -> None:
    sentences = _sentences(long_document()["text"])
    named = [n for n, one in enumerate(sentences) if re.search(r"[A-Z]\w+ [A-Z]\w+", one)]

    assert named[0] == 0
    assert named[-1] == len(sentences) - 1
    assert max(after - before for before, after in pairwise(named)) <= 3


def test_no_blank_of_a_template_is_left_open() -> None:
    assert not re.search(r"[{}]", long_document()["text"])


def test_exactly_two_samples_are_bad_and_each_stands_between_good_neighbours() -> None:
    everything = list(samples())
    bad = [n for n, sample in enumerate(everything) if sample not in good_samples()]

    assert tuple(everything[n] for n in bad) == bad_samples()
    assert 0 < bad[0] < bad[1] - 1 < len(everything) - 2


def test_one_bad_sample_is_no_json_and_the_other_has_no_text() -> None:
    not_json, without_text = bad_samples()

    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(not_json.value)
    assert "text" not in msgspec.json.decode(without_text.value, type=Document)


def test_the_same_call_gives_the_same_bytes() -> None:
    assert list(samples()) == list(samples())
    assert list(load(50)) == list(load(50))


@pytest.mark.parametrize("count", [0, 1, 23, 100])
def test_load_gives_as_many_records_as_asked_each_with_its_own_id(count: int) -> None:
    records = list(load(count))

    assert len(records) == count
    assert len({record.key for record in records}) == count


def test_load_repeats_the_short_texts_in_turn_and_leaves_out_the_long_and_the_bad() -> None:
    documents = short_documents()
    records = list(load(2 * len(documents)))
    texts = [
        msgspec.json.decode(record.value, type=Document)["text"]
        if record.headers == JSON
        else record.value.decode()
        for record in records
    ]

    assert texts == [found["text"] for found in documents] * 2


def test_a_record_of_the_load_carries_its_own_id_in_key_and_value() -> None:
    for record in load(100):
        if record.headers == JSON:
            document = msgspec.json.decode(record.value, type=Document)

            assert document["document_id"] == record.key.decode()
