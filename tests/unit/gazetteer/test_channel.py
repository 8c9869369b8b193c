"""Names of lists are found in a document whatever its layout and script, and nowhere else."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from onoma.gazetteer.channel import (
    CAPITALISED,
    LONGEST_MATCH,
    MATCH_LENGTH,
    NUMBERS_PER_UNIT,
    ORGANISATION_BEGINS,
    ORGANISATION_GOES_ON,
    PERSON,
    PLACE_BEGINS,
    PLACE_GOES_ON,
    Gazetteer,
)
from onoma.gazetteer.normalisation import normalise
from onoma.text.segmentation import segment
from tests.texts import pieces

NAMES = Gazetteer(
    ["New York", "York", "Port of Spain", "Kano", "São Tomé", "Bobo-Dioulasso", "Addis Ababa"],
    ["Amina Bello", "Nguyễn"],
)
texts = st.lists(pieces.filter(bool) | st.sampled_from(["New", "York", "Kano", "Amina"]))


def _places(text: str, names: Gazetteer = NAMES) -> list[str]:
    """Return the places that are matched in `text`, their units joined by blanks."""
    units = segment(text).strings()
    channel = names.channel(units)
    starts = np.flatnonzero(channel[:, PLACE_BEGINS]).tolist()
    lengths = [round(float(channel[start, MATCH_LENGTH]) * 4) for start in starts]
    for start, length in zip(starts, lengths, strict=True):
        assert channel[start : start + length, MATCH_LENGTH].tolist() == [length / 4] * length
        assert channel[start : start + length, PLACE_GOES_ON].tolist() == [0] + [1] * (length - 1)
    assert sum(lengths) == np.count_nonzero(channel[:, MATCH_LENGTH])
    return [" ".join(units[a : a + n]) for a, n in zip(starts, lengths, strict=True)]


def _marked(text: str, column: int, names: Gazetteer = NAMES) -> list[str]:
    units = segment(text).strings()
    return [unit for unit, mark in zip(units, names.channel(units)[:, column], strict=True) if mark]


def test_the_longest_name_is_matched_and_what_it_covers_is_not_matched_again() -> None:
    assert _places("From New York to York and Port of Spain.") == [
        "New York",
        "York",
        "Port of Spain",
    ]


def test_a_name_that_is_cut_short_by_the_end_of_the_text_is_not_matched() -> None:
    assert _places("Port of") == []


def test_a_part_of_a_name_that_begins_no_other_is_not_matched() -> None:
    assert _places("Ababa Spain New") == []


def test_a_name_of_eight_units_is_matched_and_a_longer_one_is_left_out() -> None:
    names = Gazetteer(["A B C D E F G Hill", "A B C D E F G Hill Town"])

    channel = names.channel(["on", "A", "B", "C", "D", "E", "F", "G", "Hill", "Town"])

    assert len(names) == 1
    assert channel[:, PLACE_BEGINS].tolist() == [0, 1, *[0] * 8]
    assert channel[:, PLACE_GOES_ON].tolist() == [0, 0, *[1] * 7, 0]
    assert channel[:, MATCH_LENGTH].tolist() == [0, *[1] * 8, 0]  # no more than four can be told


def test_a_word_in_lower_case_is_no_name_and_one_in_capitals_is() -> None:
    assert _places("kano KANO new york") == ["KANO"]
    assert _marked("amina BELLO", PERSON) == ["BELLO"]


def test_only_the_first_word_of_a_place_needs_a_capital() -> None:
    assert _places("Port Of Spain, Port of spain, port of Spain") == [
        "Port Of Spain",
        "Port of spain",
    ]


def test_a_short_word_without_capitals_is_no_name_alone_but_part_of_one() -> None:
    names = Gazetteer(["Ka", "Ka Valo"], ["Ki"])

    assert _places("Ka का वालो का", names) == ["Ka", "का वालो"]
    assert _marked("Ki की", PERSON, names) == ["Ki"]


@pytest.mark.parametrize("name", ["अमीना", "القاهرة", "ሀመር", "თბილისი", "กรุงเทพ", "東京"])
def test_scripts_without_capitals_at_the_head_of_words_need_none(name: str) -> None:
    names = Gazetteer([name], [name])

    assert _places(f"— {name} .", names) == [name]
    assert _marked(name, PERSON, names) == [name]
    assert _marked(name, CAPITALISED, names) == []


@pytest.mark.parametrize("name", ["Kano", "Ёлкино", "Ήπειρος", "Երևան", "ǅakovo", "ʻEua", "Òyó"])
def test_scripts_with_capitals_need_one(name: str) -> None:
    names = Gazetteer([name])

    assert _places(f"{name} {name.lower()}", names) == [name]
    assert _marked(f"{name} {name.lower()}", CAPITALISED, names) == [name]


def test_each_word_of_a_persons_name_counts_alone() -> None:
    assert _marked("Bello met Amina Musa", PERSON) == ["Bello", "Amina"]


def test_initials_and_single_letters_are_left_out() -> None:
    names = Gazetteer(["Y", "Å", "."], ["J. F. Kennedy"])

    assert list(names.lines()) == ["person\tkennedy\n"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_composed_and_decomposed_letters_are_the_same_name(
    form: Literal["NFC", "NFD"], listed: Literal["NFC", "NFD"]
) -> None:
    names = Gazetteer([unicodedata.normalize(listed, "São Tomé")], ["Nguyễn"])

    found = names.channel(segment(unicodedata.normalize(form, "São Tomé, Nguyễn")).strings())

    assert np.array_equal(found, names.channel(["São", "Tomé", ",", "Nguyễn"]))
    assert found[:2, MATCH_LENGTH].tolist() == [0.5, 0.5]


def test_organisations_have_numbers_of_their_own_and_the_longer_match_counts() -> None:
    names = Gazetteer(["Kano"], (), ["Kano Trading Public Limited Company", "Bank"])

    channel = names.channel(["the", "Kano", "Trading", "PLC", ",", "Bank"])

    assert channel[:, PLACE_BEGINS].tolist() == [0, 1, 0, 0, 0, 0]
    assert channel[:, ORGANISATION_BEGINS].tolist() == [0, 1, 0, 0, 0, 1]
    assert channel[:, ORGANISATION_GOES_ON].tolist() == [0, 0, 1, 1, 0, 0]
    assert channel[:, MATCH_LENGTH].tolist() == [0, 0.75, 0.75, 0.75, 0, 0.25]


@pytest.mark.parametrize(
    ("listed", "written"),
    [
        ("Kano State", "КАНО State"),
        ("São Tomé", "Sao Tome"),
        ("Guinea-Bissau", "Guinea Bissau"),
        ("Guinea Bissau", "Guinea-Bissau"),
        ("St. Louis", "St Louis"),
        ("St Louis", "St. Louis"),
        ("Orbal Limited Liability Company", "Orbal LLC"),
        ("LLC Orbal", "Limited Liability Company Orbal"),
        ("Orbal GmbH", "Orbal G.m.b.H."),
        ("ሀመር", "Hamer"),
    ],
)
def test_a_name_is_met_in_the_forms_that_the_matcher_takes_for_equal(
    listed: str, written: str
) -> None:
    units = segment(f"near {written}, yesterday").strings()

    channel = Gazetteer([listed], (), [listed]).channel(units)

    assert normalise(listed) == normalise(written)
    end = len(segment(written.rstrip(".")).strings()) + 1
    for begins, goes_on in (
        (PLACE_BEGINS, PLACE_GOES_ON),
        (ORGANISATION_BEGINS, ORGANISATION_GOES_ON),
    ):
        assert channel[:, begins].nonzero()[0].tolist() == [1]
        assert channel[:, goes_on].nonzero()[0].tolist() == list(range(2, end))


@given(st.lists(pieces.filter(str.isalpha), min_size=1, max_size=4))
def test_a_listed_name_is_looked_up_by_the_matchers_form_of_it(words: list[str]) -> None:
    name = " ".join(words)
    units = segment(name).strings()
    assume(len(units) <= LONGEST_MATCH)
    assume(all(len(unit) < 16 for unit in units))  # a longer word is cut, here and in texts

    lines = list(Gazetteer([name]).lines())

    assert lines in ([], [f"place\t{normalise(name)}\n"])


@given(texts)
def test_without_names_the_channel_is_zeros(units: list[str]) -> None:
    channel = Gazetteer().channel(units)

    assert channel.shape == (len(units), NUMBERS_PER_UNIT)
    assert not channel.any()


@given(texts)
def test_the_numbers_are_quarters_and_matches_lie_apart(units: list[str]) -> None:
    channel = NAMES.channel(units)

    assert set(channel.ravel().tolist()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    for before, row in pairwise(channel.tolist()):
        if row[PLACE_GOES_ON]:
            assert before[MATCH_LENGTH] == row[MATCH_LENGTH]


_texts = st.lists(st.text(max_size=30), max_size=9)


@given(_texts, _texts, _texts)
def test_names_come_back_from_their_lines(
    places: list[str], people: list[str], organisations: list[str]
) -> None:
    names = Gazetteer(places, people, organisations)

    again = Gazetteer.from_lines(names.lines())

    assert list(again.lines()) == list(names.lines())
    every = places + people + organisations
    units = [unit for name in every for unit in segment(name).strings()]
    assert np.array_equal(again.channel(units), names.channel(units))


@pytest.mark.parametrize("line", ["", "place", "place\t", "ship\tada", "place ada"])
def test_a_line_that_is_no_name_is_numbered(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: wanted one of place, person, organisation"):
        Gazetteer.from_lines(["person\tada\n", f"{line}\n"])
