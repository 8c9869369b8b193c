"""A vocabulary says which tokens are alike as the rule says it of every token."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.gazetteer.similarity import token_similarity
from onoma.gazetteer.vocabulary import Memory, Vocabulary, vocabulary_arrays
from tests.unit.gazetteer.names import TOKENS

spelt = st.text("abkhcsu1", min_size=2, max_size=13)
several = st.lists(spelt | st.sampled_from([word for word in TOKENS if len(word) > 1]), max_size=20)


@settings(max_examples=200, deadline=None)
@given(several, several)
def test_near_tokens_are_those_that_the_rule_calls_alike(
    listed: list[str], asked: list[str]
) -> None:
    words = sorted(set(listed) or {"amina"}, key=lambda word: (len(word), word))
    found = Vocabulary(vocabulary_arrays(words)).near(asked)

    for token, near in zip(asked, found, strict=True):
        alike = {place: token_similarity(token, word) for place, word in enumerate(words)}

        wanted = {place: one for place, one in alike.items() if one > 0}
        assert dict(zip(near.ids.tolist(), near.similarities.tolist(), strict=True)) == (
            pytest.approx(wanted)
        )
        assert np.all(np.diff(near.ids) > 0)


def test_what_was_found_is_asked_for_once() -> None:
    asked: list[str] = []

    def found(words: object) -> list[str]:
        assert isinstance(words, list)
        asked.extend(words)
        return [word.upper() for word in words]

    memory: Memory[str] = Memory()

    assert memory.of(["amina", "bello", "amina"], found) == ["AMINA", "BELLO", "AMINA"]
    assert memory.of(["bello", "karim"], found) == ["BELLO", "KARIM"]
    assert asked == ["amina", "bello", "karim"]
