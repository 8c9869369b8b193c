"""Writes a name in the one form that is compared: romanised, without case, marks and punctuation.

A list's names and a document's mentions go through the same code, first of all. Its rule: keys of
an index and of a mention come from the same `VERSION`, which stands in the manifest of a segment
and in every alert. Combining marks are never stripped before romanising: in Indic and Thai scripts
they are vowels.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

from onoma.gazetteer.words import FORM_PHRASES, SPELT_FORMS

VERSION = "1"
LONGEST = 1_000
"""Characters of a name that is compared by more than its beginning; no person's name is longer."""

APOSTROPHES = frozenset("'’‘ʼʻ`´ʾʿʹʺ׳＇ʽ‛′")
"""They are left out, so that what they part is one token."""
_APOSTROPHES = dict.fromkeys(map(ord, APOSTROPHES))
_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-z]+")
_FORMS = FORM_PHRASES | {" ".join(form): form for form in SPELT_FORMS}
PHRASES = {tuple(phrase.split()): form for phrase, form in _FORMS.items()}
"""Legal forms in words or letter by letter, as tokens, and what they are abbreviated to."""
_PHRASE = re.compile(rf"\b(?:{'|'.join(sorted(_FORMS, key=len, reverse=True))})\b")


def normalise(name: str) -> str:
    """Return `name` in lower-case letters a-z, digits and single blanks; it may be empty.

    Legal forms written out, or letter by letter, are abbreviated.
    """
    return abbreviate(romanise(name))


def romanise(name: str) -> str:
    """Return `name` as `normalise` does, but with legal forms as they are written."""
    folded = name[:LONGEST].casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKC", folded).translate(_APOSTROPHES)
        folded = anyascii(folded).casefold()
    if "'" in folded or "`" in folded:
        folded = folded.translate(_APOSTROPHES)
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()[:LONGEST].rstrip()


def abbreviate(romanised: str) -> str:
    """Return the form of a name that is compared, of what `romanise` made of it."""
    return _PHRASE.sub(_form, romanised)


def heads(token: str) -> frozenset[str]:
    """Return the words, romanised, that a name may begin with whose compared form does with
    `token`.
    """
    written = (phrase for phrase, form in _FORMS.items() if form.partition(" ")[0] == token)
    return frozenset({token, *(phrase.partition(" ")[0] for phrase in written)})


def _form(phrase: re.Match[str]) -> str:
    return _FORMS[phrase.group()]


def sorted_key(normalised: str) -> str:
    """Return the tokens in the order of the alphabet: the same for every order of the name."""
    return " ".join(sorted(normalised.split()))


def joined_key(normalised: str) -> str:
    """Return the letters without blanks: the same however the name is cut into tokens."""
    return normalised.replace(" ", "")
