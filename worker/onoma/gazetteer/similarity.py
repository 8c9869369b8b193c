"""How alike two tokens of normalised names are, and how much a token weighs.

The smallest parts of the rule in `scoring.py`. Pure functions of their two strings, so that an
index may keep what they said of a token, and so that every score can be computed again.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

from onoma.gazetteer.words import COMMON, EQUIVALENTS, LEGAL_FORMS, TITLES

FULL, TITLE, LEGAL_FORM, INITIAL = 1.0, 0.35, 0.45, 0.5
"""What a token weighs: a full one, a title or particle, a legal form, a single letter."""
LEAST_SIMILARITY = 0.62
"""Tokens less alike than this have nothing in common."""
SAME_SPELLING = 0.92
SAME_SOUND = 0.80
SAME_INITIAL = 0.90
EDIT_COST = 1.1
"""An edit costs slightly more than its share of the longer token."""
LEAST_LETTERS_OF_SOUND = 4
LEAST_SKELETON = LEAST_SPELLING = 3
LEAST_JOINED = 5
"""Letters of two tokens that may be written as one."""
LEAST_JOINED_SIMILARITY = 0.8
LEAST_LEFT_OF_PART = 2
MOST_JOINED_EDITS = 2

_SOUNDS = {
    "sch": "s", "dj": "j", "zh": "j", "ph": "f", "kh": "k", "ck": "k", "gh": "k", "sh": "s",
    "ch": "s", "ts": "s", "tz": "s", "th": "t", "dh": "d", "q": "k", "z": "s", "x": "s", "w": "v",
    "g": "k",
}  # fmt: skip
# Longest first, and in one pass: `zh` must not be read as a `z` and an `h`.
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)) + "|c")
_VOWELS = dict.fromkeys(map(ord, "aeiouyh"))
_VOWEL_SOUNDS = {"ou": "u", "oo": "u", "ee": "i", "iy": "i", "ie": "i", "y": "i"}
_VOWEL_SOUND = re.compile("|".join(_VOWEL_SOUNDS))
_DOUBLED = re.compile(r"(.)\1+")
_BEGINNINGS = {
    letter: letters[0] for letters in ("aeiouy", "cdgjkqstxz", "fp", "vw") for letter in letters
}
"""Letters that tokens of one sound may begin with, by the first of them; others begin alike."""


@lru_cache(1 << 15)
def skeleton(token: str) -> str:
    """Return the consonants of `token` by sound: alike for most ways to romanise a name, and for
    some other names.
    """
    sounds = _sounds(token)
    first = "a" if sounds[:1] in "aeiouy" else sounds[:1]
    return _undoubled(first + sounds[1:].translate(_VOWELS))


@lru_cache(1 << 15)
def spelling(token: str) -> str:
    """Return `token` by sound with its vowels: alike for two ways to write the same sounds."""
    sounds = _sounds(token)
    sounds = sounds[:1] + sounds[1:].replace("h", "")
    return _undoubled(_VOWEL_SOUND.sub(_vowel, sounds))


@lru_cache(1 << 12)
def _sounds(token: str) -> str:
    """Return `token` with one letter for each way to write a consonant; both forms begin so."""
    return _SOUND.sub(_sound, token)


def _undoubled(text: str) -> str:
    # Most have nothing doubled, and asking costs a third of replacing.
    return _DOUBLED.sub(r"\1", text) if _DOUBLED.search(text) else text


def _sound(found: re.Match[str]) -> str:
    letters = found.group()
    if letters == "c":
        following = found.string[found.end() : found.end() + 1]
        return "s" if following in ("e", "i", "y") else "k"
    return _SOUNDS[letters]


def _vowel(found: re.Match[str]) -> str:
    return _VOWEL_SOUNDS[found.group()]


@lru_cache(1 << 15)
def sound_keys(token: str) -> tuple[tuple[str, float], ...]:
    """Return the forms by sound that say enough, each with how alike tokens are that share it."""
    if token.isdigit():
        return ()
    keys = []
    if len(spelt := spelling(token)) >= LEAST_SPELLING:
        keys.append((f"={spelt}", SAME_SPELLING))
    if len(token) >= LEAST_LETTERS_OF_SOUND and len(found := skeleton(token)) >= LEAST_SKELETON:
        keys.append((f"~{found}", SAME_SOUND))
    return tuple(keys)


def allowed_edits(longer: int) -> int:
    """Return how many edits leave two tokens alike, by the length of the longer."""
    return 0 if longer <= 2 else 1 if longer <= 6 else 2 if longer <= 10 else 3


def edited(distance: int, longer: int) -> float:
    """Return the similarity of two tokens that are `distance` edits apart."""
    return 1.0 - EDIT_COST * distance / longer


@lru_cache(1 << 15)
def token_similarity(one: str, other: str) -> float:
    """Return how alike two tokens are, from 0 to 1."""
    if one == other:
        return 1.0
    if EQUIVALENTS.get(one, one) == EQUIVALENTS.get(other, other):
        return 1.0
    if one.isdigit() or other.isdigit():
        return 0.0
    if len(one) == 1 or len(other) == 1:
        return SAME_INITIAL if one[0] == other[0] else 0.0
    similarity = max(_by_edits(one, other), by_sound(one, other))
    return similarity if similarity >= LEAST_SIMILARITY else 0.0


@lru_cache(1 << 15)
def by_sound(one: str, other: str) -> float:
    """Return how alike two tokens are by a form of sound that they share, 0 if they share none."""
    mine, theirs = one[:1], other[:1]
    if _BEGINNINGS.get(mine, mine) != _BEGINNINGS.get(theirs, theirs):
        return 0.0  # most tokens, at a tenth of the cost of their sounds
    keys = sound_keys(other)
    for key in sound_keys(one):  # the more alike first
        if key in keys:
            return key[1]
    return 0.0


def _by_edits(one: str, other: str) -> float:
    longer = max(len(one), len(other))
    edits = allowed_edits(longer)
    if edits == 0 or abs(len(one) - len(other)) > edits:
        return 0.0
    distance = OSA.distance(one, other, score_cutoff=edits)
    return edited(distance, longer) if distance <= edits else 0.0


@lru_cache(1 << 15)
def joined_similarity(one: str, other: str, single: str) -> float:
    """Return how alike `single` and two neighbours written as one token are; 0 if not enough."""
    both = one + other
    if min(len(both), len(single)) < LEAST_JOINED:
        return 0.0
    longer = max(len(both), len(single))
    edits = joined_edits(longer, min(len(one), len(other)))
    distance = OSA.distance(both, single, score_cutoff=edits)
    return edited(distance, longer) if distance <= edits else 0.0


def joined_edits(longer: int, shorter_part: int) -> int:
    """Return the most edits between a token and two written as one.

    Two letters of the shorter of the two must be left: else `chunja` would be `chunja i`.
    """
    alike = sum(
        edited(edits, longer) > LEAST_JOINED_SIMILARITY for edits in range(1, MOST_JOINED_EDITS + 1)
    )
    return max(0, min(alike, shorter_part - LEAST_LEFT_OF_PART))


@lru_cache(1 << 15)
def weight(token: str) -> float:
    """Return how much `token` counts in a name."""
    if token in TITLES:
        return TITLE
    if token in LEGAL_FORMS:
        return LEGAL_FORM
    return INITIAL if len(token) == 1 else FULL


def is_common(token: str) -> bool:
    """Return whether many names have `token`."""
    return token in COMMON


@lru_cache(1 << 15)
def is_full(token: str) -> bool:
    """Return whether `token` may tell one name from another."""
    return weight(token) == FULL
