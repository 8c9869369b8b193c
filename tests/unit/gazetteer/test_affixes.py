"""Words with a blank more or less are looked up as if every word had been compared."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from onoma.gazetteer.affixes import Affixes, affix_arrays, prefixes
from onoma.gazetteer.similarity import LEAST_JOINED, joined_edits
from onoma.gazetteer.spellings import LONGEST, length_arrays
from onoma.gazetteer.texts import Texts


def _affixes(words: Sequence[str]) -> tuple[list[str], Affixes]:
    texts = Texts.of(words)
    ordered = texts.of_order(prefixes(texts).argsort(kind="stable"))
    return ordered.all(), Affixes(length_arrays(ordered) | affix_arrays(ordered), ordered)


def _by_brute_force(word: str, words: Sequence[str]) -> dict[int, int]:
    edits = {place: OSA.distance(word, other) for place, other in enumerate(words)}
    return {
        place: distance
        for place, distance in edits.items()
        if distance <= _allowed(max(len(word), len(words[place])))
    }


def _allowed(longer: int) -> int:
    return joined_edits(longer, LONGEST) if longer >= LEAST_JOINED else 0


def _answers(affixes: Affixes, asked: Sequence[str]) -> list[dict[int, int]]:
    return [
        dict(zip(near.ids.tolist(), near.edits.tolist(), strict=True))
        for near in affixes.near(asked)
    ]


@st.composite
def _edited(draw: st.DrawFn, word: str) -> str:
    """Return `word` with a letter less, more or other, or two neighbours exchanged."""
    place = draw(st.integers(0, len(word)))
    letter = draw(st.sampled_from("abk1"))
    kept = draw(st.integers(0, 2))
    if kept == 2:
        return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
    return word[:place] + draw(st.sampled_from(["", letter])) + word[place + kept :]


words = st.text("abk1", min_size=1, max_size=19)


@settings(max_examples=300, deadline=None)
@given(st.lists(words, min_size=1, max_size=6), st.data())
def test_all_words_within_the_edits_are_found(asked: list[str], data: st.DataObject) -> None:
    changed = st.sampled_from(asked).flatmap(_edited).filter(bool)
    others = changed | changed.flatmap(_edited).filter(bool)
    listed = data.draw(st.lists(others | words, min_size=1, max_size=12, unique=True))
    ordered, affixes = _affixes(listed)

    assert _answers(affixes, asked) == [
        _by_brute_force(word, ordered) if len(word) >= LEAST_JOINED else {} for word in asked
    ]


def test_every_single_and_double_edit_is_found_at_every_place() -> None:
    for length in range(LEAST_JOINED, 17):
        word = "abcdefghijklmnopqrst"[:length]
        once = sorted(_every_edit(word))
        twice = sorted({other for one in once[::7] for other in _every_edit(one)})
        ordered, affixes = _affixes([*once, *twice])

        assert _answers(affixes, [word]) == [_by_brute_force(word, ordered)]


def _every_edit(word: str) -> set[str]:
    places = range(len(word) + 1)
    less = {word[:p] + word[p + 1 :] for p in places}
    more = {word[:p] + "z" + word[p:] for p in places}
    other = {word[:p] + "z" + word[p + 1 :] for p in places}
    exchanged = {word[:p] + word[p : p + 2][::-1] + word[p + 2 :] for p in places}
    return less | more | other | exchanged


def test_words_too_short_and_too_long_find_nothing() -> None:
    _, affixes = _affixes(["abka", "a" * 254, "a" * 255, "a" * 300])

    assert _answers(affixes, ["abka", "a" * 255, "a" * 254]) == [{}, {}, {1: 0}]
