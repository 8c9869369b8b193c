"""Features are those of the unit alone, and the table of known words changes nothing."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.ner.features import (
    BYTES_PER_UNIT,
    HASH_BUCKETS,
    HASHES_PER_UNIT,
    FeatureTable,
    bytes_of,
    hashes_of,
    shape_of,
    strip_marks,
)
from tests.texts import pieces

units = pieces.filter(bool)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(units, max_size=20), max_size=5), st.integers(1, 8))
def test_a_table_of_any_size_gives_the_features_of_each_unit(
    documents: list[list[str]], capacity: int
) -> None:
    table = FeatureTable(capacity)

    for document in documents:
        features = table.features(document)

        assert [tuple(row) for row in features.hashes.tolist()] == list(map(hashes_of, document))
        assert [tuple(row) for row in features.bytes_.tolist()] == list(map(bytes_of, document))


def test_a_table_takes_more_words_than_it_first_has_room_for() -> None:
    words = [f"word{number}" for number in range(5000)]

    features = FeatureTable().features(words)

    assert [tuple(row) for row in features.hashes.tolist()] == list(map(hashes_of, words))


def test_threads_that_learn_and_forget_words_at_once_get_the_features_of_theirs() -> None:
    table = FeatureTable(capacity=40)
    documents = [[f"word{number + i}" for i in range(30)] for number in range(200)]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(table.features, documents))

    for document, features in zip(documents, found, strict=True):
        assert [tuple(row) for row in features.hashes.tolist()] == list(map(hashes_of, document))
        assert [tuple(row) for row in features.bytes_.tolist()] == list(map(bytes_of, document))


def test_a_document_of_no_units_has_no_features() -> None:
    features = FeatureTable().features([])

    assert features.hashes.shape == (0, HASHES_PER_UNIT)
    assert features.bytes_.shape == (0, BYTES_PER_UNIT)


@settings(max_examples=200, deadline=None)
@given(units)
def test_features_are_in_the_range_of_the_model(unit: str) -> None:
    hashes, data = hashes_of(unit), bytes_of(unit)

    assert len(hashes) == HASHES_PER_UNIT
    assert all(0 <= bucket < HASH_BUCKETS for bucket in hashes)
    assert len(data) == BYTES_PER_UNIT
    assert all(0 <= value <= 256 for value in data)


@settings(max_examples=200, deadline=None)
@given(units)
def test_composed_and_decomposed_forms_have_the_same_features(unit: str) -> None:
    composed = unicodedata.normalize("NFC", unit)
    decomposed = unicodedata.normalize("NFD", unit)

    assert hashes_of(composed) == hashes_of(decomposed)
    assert bytes_of(composed) == bytes_of(decomposed)


def test_the_hashes_are_those_that_models_were_trained_with() -> None:
    names = ["wćosić", "Wcosic#", "pćos", "ssić", "Pćosić", "Sić", "hXxx"]

    assert hashes_of("Ćosić") == tuple(crc32(name.encode()) % 20_000 for name in names)


def test_the_bytes_of_a_long_unit_are_its_first_and_last_twelve() -> None:
    assert bytes_of("abcdefghijklm" + "n" * 4 + "opqrstuvwxyz") == tuple(
        byte + 1 for byte in b"abcdefghijklopqrstuvwxyz"
    )


def test_the_bytes_of_a_short_unit_are_padded_with_nothing() -> None:
    assert bytes_of("a\0") == (98, 1) + (0,) * 22


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("Zaria", "Xxx"),
        ("NASA", "XX"),
        ("iPhone12", "xXxxdd"),
        ("3.5", "d.d"),
        ("मीरा", "xीxा"),
        ("٣٤", "dd"),
        ("a-b-c-d-e-f", "x-x-x-x-"),
        ("北京", "xx"),
        ("", ""),
    ],
)
def test_the_shape_is_the_outline_of_a_word(word: str, shape: str) -> None:
    assert shape_of(word) == shape


@pytest.mark.parametrize(
    ("word", "stripped"),
    [
        ("ọ̀ṣun", "osun"),
        ("ćosić", "cosic"),
        ("nai\u0308ve", "naive"),
        ("ёлка", "елка"),
        ("άλφα", "αλφα"),
        ("मीरा", "मीरा"),
        ("தமிழ்", "தமிழ்"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("\u0301", "\u0301"),
    ],
)
def test_only_the_marks_of_latin_greek_and_cyrillic_letters_are_diacritics(
    word: str, stripped: str
) -> None:
    assert strip_marks(word) == unicodedata.normalize("NFC", stripped)


def test_features_of_different_words_differ() -> None:
    words = ["Zaria", "zaria", "Jos", "北京", "北", "मीरा", "👩", "."]

    rows = np.array([hashes_of(word) + bytes_of(word) for word in words])

    assert len(np.unique(rows, axis=0)) == len(words)
