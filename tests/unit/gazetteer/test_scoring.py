"""The rule: what makes names alike, what is never enough, and what it says about that."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.scoring import CAPS, Cap, PairKind, Score, align, align_at_least, score
from onoma.gazetteer.similarity import by_sound, skeleton, sound_keys
from tests.unit.gazetteer.names import changed, names

ALERT = 80.0


def _score(mention: str, entry: str) -> Score:
    return score(normalise(mention), normalise(entry))


@pytest.mark.parametrize(
    ("mention", "entry"),
    [
        ("Mouammar Khadafi", "GADHAFI, Muammar"),
        ("Amina Karim Bello", "BELLO, Amina Karim Sani"),
        ("Sheikh Amina Bello", "Bello, Amina"),
        ("Seaport Trading", "Sea Port Trading"),
        ("Orient Bank Limited", "Orient Bank GmbH"),
        ("Abd el-Rahman Yusuf", "ABDELRAHMAN YOUSSOUF"),
        ("Karim Petrovich Belov", "BELOV, Karim"),
        ("Orient Limited Liability Company", "Orient LLC"),
        ("Djamila Oumarou", "Jamila Umaru"),
    ],
)
def test_one_name_written_in_two_ways_scores_an_alert(mention: str, entry: str) -> None:
    assert _score(mention, entry).score >= ALERT


@pytest.mark.parametrize(
    ("mention", "entry"),
    [
        ("Zhihong Chen", "CHEN, Shusheng"),
        ("Nigeria", "NEGAR"),
        ("Amina Bello", "Amina Khan"),
        ("P Group Corp", "Producers Group Corp"),
        ("J Abu", "Abu Jihad"),
        ("R A S", "Renta A S"),
        ("Sheikh Company", "Company Sheikh Orient"),
        ("Flight 17", "Flight 18"),
        ("Saudi Arabia", "ISIL-SAUDI ARABIA"),
        ("Muhammad Ali", "Muhammad Ali Hussein Bello"),
        ("Xiaohong Zhang", "ZHANG, Xiaoming"),
        ("Amina Karim Bello", "Amina Karim Sani"),
    ],
)
def test_different_names_score_none(mention: str, entry: str) -> None:
    assert _score(mention, entry).score < ALERT


def test_sounds_are_read_longest_first() -> None:
    assert skeleton("zhihong") == skeleton("jihong") != skeleton("shusheng")
    assert skeleton("schevchenko") == skeleton("shevchenko")


@pytest.mark.parametrize(
    ("mention", "entry", "cap"),
    [
        ("nigeria", "negar", Cap.SOUND_OF_ONE_TOKEN),
        ("amina barkati", "amina buriket", Cap.SOUND),
        ("amina bello", "amina khan", Cap.ONE_FULL_TOKEN),
        ("muhammad ali", "muhammad ali bello", Cap.COMMON_TOKENS),
        ("al ltd", "al gmbh", Cap.NO_FULL_TOKEN),
        ("j bello", "bello jihad", Cap.INITIALS),
        ("j ali", "ali jihad", Cap.ONE_FULL_TOKEN),
        ("j bello", "bello jihad karim", Cap.ONE_FULL_TOKEN),
    ],
)
def test_what_is_never_enough_is_capped_and_said(mention: str, entry: str, cap: Cap) -> None:
    alignment = _score(mention, entry).alignment

    assert alignment.caps == (cap,)
    assert alignment.score <= CAPS[cap]


def test_a_score_says_which_tokens_met_how_and_which_met_none() -> None:
    alignment = _score("Sheikh Amina Seaport Ltd 17", "R. Port Sea of AMINAH, GmbH").alignment

    assert [(pair.mention, pair.entry, pair.kind) for pair in alignment.pairs] == [
        ("amina", "aminah", PairKind.SPELLING),
        ("ltd", "gmbh", PairKind.EQUIVALENT),
    ]
    assert alignment.unpaired_in_mention == ("sheikh", "seaport", "17")
    assert alignment.unpaired_in_entry == ("r", "port", "sea", "of")


def test_neighbours_written_as_one_word_meet_it() -> None:
    pair = _score("rudi slaywah", "slay wah rudi").alignment.pairs[0]

    assert (pair.mention, pair.entry, pair.kind, pair.weight) == (
        "slaywah",
        "slay wah",
        PairKind.JOINED,
        2.0,
    )


@pytest.mark.parametrize(
    ("mention", "entry"),
    [("chunja i", "chunja"), ("al abdulrahman", "abdulrahman"), ("denis al", "denisa")],
)
def test_a_token_is_not_two_because_the_second_is_short(mention: str, entry: str) -> None:
    pairs = _score(mention, entry).alignment.pairs

    assert [pair.kind for pair in pairs if pair.kind is PairKind.JOINED] == []


@given(names)
def test_a_name_scores_a_hundred_with_itself_without_caps(name: str) -> None:
    found = score(name, name)

    assert (found.score, found.alignment.score, found.alignment.caps) == (100.0, 100.0, ())


@given(names.flatmap(changed), names)
@example("ltd amina ltd amina", "ltd ltd amina amina")
def test_a_score_is_between_nothing_and_a_hundred(mention: str, entry: str) -> None:
    found = score(mention, entry)

    assert 0.0 <= found.alignment.score <= found.alignment.uncapped <= 100.0
    assert found.alignment.score <= found.score <= 100.0
    assert (
        mention == entry
        or found.score < 100.0
        or sorted(mention.split()) == sorted(entry.split())
        or found.alignment.pairs
    )


@settings(max_examples=300)
@given(names.flatmap(lambda name: st.tuples(st.just(name), changed(name))), st.floats(0, 100))
def test_an_alignment_of_at_least_a_score_is_the_alignment(
    pair: tuple[str, str], least: float
) -> None:
    alignment = align(*pair)

    found = align_at_least(*pair, least)

    assert found == (alignment if alignment.score >= least else None)


@settings(max_examples=500)
@given(st.lists(st.text("aeyhckgdjtszxqwvpfb1", min_size=1, max_size=7), max_size=6))
def test_tokens_with_a_form_of_sound_in_common_are_alike_by_sound(drawn: list[str]) -> None:
    sounds = "sch dj zh ph kh ck gh sh ch ts tz th dh q z x w g c j f k s t d v ou a e y h b"
    for one, other in product([*drawn, *(f"{each}abdur" for each in sounds.split())], repeat=2):
        shared = set(sound_keys(one)) & set(sound_keys(other))

        assert by_sound(one, other) == max((alike for _, alike in shared), default=0.0)
