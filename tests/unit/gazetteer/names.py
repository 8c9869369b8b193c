"""Invented names, and what happens to names, for the tests of matching."""

from __future__ import annotations

from hypothesis import strategies as st

TOKENS = (
    "amina", "bello", "karim", "zhihong", "shusheng", "ouagadou", "abdelrahman", "garcia", "sea",
    "port", "seaport", "bank", "orient", "orientbank", "lu", "na", "luna", "petrov", "petroff",
    "al", "bin", "sheikh", "ltd", "limited", "gmbh", "jsc", "co", "company", "r", "j", "s", "17",
    "18", "2nd", "aa", "aab", "aabb", "abab", "yousef", "youssouf", "kh", "khan",
)  # fmt: skip
LETTERS = "abehknorsu "

tokens = st.sampled_from(TOKENS) | st.text("abk", min_size=1, max_size=9)
names = st.lists(tokens, min_size=1, max_size=5).map(" ".join)


@st.composite
def changed(draw: st.DrawFn, name: str) -> str:
    """Return `name` with a letter or a word more, less, other or moved."""
    words = name.split()
    kind = draw(st.sampled_from(["letter", "letter", "order", "less", "more", "joined", "same"]))
    place = draw(st.integers(0, len(name) - 1))
    word = draw(st.integers(0, len(words) - 1))
    if kind == "letter":
        other = draw(st.sampled_from(["", *LETTERS]))
        name = name[:place] + other + name[place + draw(st.integers(0, 1)) :]
    elif kind == "order":
        name = " ".join(reversed(words))
    elif kind == "less" and len(words) > 1:
        name = " ".join(words[:word] + words[word + 1 :])
    elif kind == "more":
        name = " ".join([*words[:word], draw(tokens), *words[word:]])
    elif kind == "joined" and word + 1 < len(words):
        name = " ".join([*words[:word], words[word] + words[word + 1], *words[word + 2 :]])
    return " ".join(name.split()) or "a"


@st.composite
def lists_and_mentions(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Return names of a list, and mentions of which most are some of them, changed."""
    listed = draw(st.lists(names, min_size=1, max_size=25))
    near = st.sampled_from(listed).flatmap(changed)
    mentions = st.lists(near | near.flatmap(changed) | names, min_size=1, max_size=6)
    return listed, draw(mentions)
