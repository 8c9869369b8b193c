"""Says whether a word is written as a name may be: with a capital, or in a script without them.

Used wherever lists of names meet running text: by the model's channel for lists and by the scan of
documents. The rule: a letter without case may begin a name, since most scripts have no capitals.
"""

from __future__ import annotations

import unicodedata

_LETTERS = ("Lu", "Ll", "Lt", "Lo")
"""Without modifiers: an okina in front of a name has no case, but the letter after it has."""


def first_letter(word: str) -> str:
    """Return the letter that decides about the case of `word`; nothing where it has none."""
    return next((c for c in word if unicodedata.category(c) in _LETTERS), "")


def may_begin_name(letter: str) -> bool:
    """Return whether a word with this first letter may be the first one of a name."""
    # Its title form, not its capital: Georgian has capitals, but never at the head of a word.
    return bool(letter) and letter.title() == letter
