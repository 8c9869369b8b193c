"""The character paths answer as a comparison with every name does, whatever the names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz, process

from onoma.gazetteer.characters import Characters, character_arrays
from onoma.gazetteer.normalisation import joined_key, sorted_key
from onoma.gazetteer.texts import Texts
from tests.unit.gazetteer.names import lists_and_mentions

hostile = st.sampled_from(["ab ", "a ", "abcdefgh ", "abcdefghijklmnopqrstuvwxyz0123456789 "])
CUTS = (60.0, 80.0, 86.0, 95.0, 100.0)
LONG = "ab" * 200


def _index(names: Sequence[str]) -> tuple[list[str], Characters]:
    ordered = sorted(set(names), key=lambda name: (len(joined_key(name)), name))
    texts = Texts.of(ordered)
    return ordered, Characters(texts, character_arrays(texts))


def _answers(
    names: Sequence[str], mentions: Sequence[str], cut: float
) -> set[tuple[int, str, float]]:
    ordered, characters = _index(names)
    found = characters.search(mentions, cut)
    rows = zip(found.mentions.tolist(), found.names.tolist(), found.ratios.tolist(), strict=True)
    return {(mention, ordered[name], ratio) for mention, name, ratio in rows}


def _by_brute_force(
    names: Sequence[str], mentions: Sequence[str], cut: float
) -> set[tuple[int, str, float]]:
    distinct = sorted(set(names))
    ratios = np.maximum.reduce(
        [
            process.cdist([*map(key, mentions)], [*map(key, distinct)], dtype=np.float64,
                          scorer=fuzz.ratio)
            for key in (sorted_key, joined_key)
        ]
    )  # fmt: skip
    enough = zip(*np.nonzero(ratios >= cut), strict=True)
    return {(int(row), distinct[column], float(ratios[row, column])) for row, column in enough}


def _texts(alphabet: str) -> st.SearchStrategy[str]:
    words = st.text(alphabet, min_size=1, max_size=60).map(lambda text: " ".join(text.split()))
    return words.filter(bool)


@settings(deadline=None)
@given(hostile.flatmap(lambda alphabet: st.lists(_texts(alphabet), min_size=2, max_size=30)))
def test_all_names_of_hostile_letters_are_found_with_their_ratios(texts: list[str]) -> None:
    names, mentions = texts[:-2] + texts[-1:], texts[-2:]

    for cut in CUTS:
        assert _answers(names, mentions, cut) == _by_brute_force(names, mentions, cut)


@settings(max_examples=40, deadline=None)
@given(lists_and_mentions())
def test_all_names_like_changed_names_are_found_with_their_ratios(
    drawn: tuple[list[str], list[str]],
) -> None:
    for cut in CUTS:
        assert _answers(*drawn, cut) == _by_brute_force(*drawn, cut)


@pytest.mark.parametrize("length", [170, 200, 253, 254, 255, 256, 300])
@pytest.mark.parametrize("cut", [70.0, 86.0, 100.0])
def test_names_too_long_for_a_signature_are_found(length: int, cut: float) -> None:
    names = [LONG[:size] + "c" * (size % 7) for size in range(150, 330, 3)]
    names += ["a " * size for size in range(100, 280, 9)]
    names = [" ".join(name.split()) for name in names]
    mentions = [LONG[:length], " ".join("a" * length)]

    assert _answers(names, mentions, cut) == _by_brute_force(names, mentions, cut)


@settings(deadline=None)
@example("")
@given(st.text("ab ").map(lambda text: " ".join(text.split())))
def test_a_mention_finds_nothing_in_an_empty_list(mention: str) -> None:
    assert _answers([], [mention], 80.0) == set()


def test_no_mentions_find_nothing() -> None:
    assert _answers(["amina bello"], [], 80.0) == set()
