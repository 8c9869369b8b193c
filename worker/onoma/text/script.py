"""Names the script of a text by ISO 15924 code: the one most of its letters belong to.

The letter's Unicode name opens with its script ("DEVANAGARI LETTER KA"), and that is what decides
here: Python ships the names but not the Script property. Scripts that no rule below names count as
`Zzzz` (unknown).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

_CODES = {
    "LATIN": "Latn", "CYRILLIC": "Cyrl", "GREEK": "Grek", "ARABIC": "Arab", "HEBREW": "Hebr",
    "DEVANAGARI": "Deva", "BENGALI": "Beng", "GURMUKHI": "Guru", "GUJARATI": "Gujr",
    "ORIYA": "Orya", "TAMIL": "Taml", "TELUGU": "Telu", "KANNADA": "Knda", "MALAYALAM": "Mlym",
    "SINHALA": "Sinh", "THAI": "Thai", "LAO": "Laoo", "TIBETAN": "Tibt", "MYANMAR": "Mymr",
    "KHMER": "Khmr", "ETHIOPIC": "Ethi", "ARMENIAN": "Armn", "GEORGIAN": "Geor", "HANGUL": "Hang",
    "CJK": "Hani", "CANADIAN": "Cans", "OL": "Olck", "MEETEI": "Mtei", "KATAKANA-HIRAGANA": "Kana",
    "HIRAGANA": "Hira", "KATAKANA": "Kana", "MONGOLIAN": "Mong", "TIFINAGH": "Tfng", "NKO": "Nkoo",
    "VAI": "Vaii", "THAANA": "Thaa", "SYRIAC": "Syrc", "CHEROKEE": "Cher", "ADLAM": "Adlm",
    "FULLWIDTH": "Latn", "HALFWIDTH": "Kana", "MODIFIER": "Zyyy", "JAVANESE": "Java",
    "BALINESE": "Bali",
}  # fmt: skip
UNKNOWN_SCRIPT = "Zzzz"
NO_LETTERS = "Zyyy"


def dominant_script(text: str) -> str:
    """Return the ISO 15924 code of the script of most letters of `text`, `Zyyy` if it has none."""
    counts: dict[str, int] = {}
    for character, count in Counter(text).items():
        if script := _script_of(character):
            counts[script] = counts.get(script, 0) + count
    if not counts:
        return NO_LETTERS
    # Equal counts: the code that sorts first, so that the answer never depends on the order of a
    # table.
    return min(counts, key=lambda code: (-counts[code], code))


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str | None:
    """Return the script of a letter, None of what is no letter."""
    if not character.isalpha():
        return None
    return _CODES.get(unicodedata.name(character, "").split(" ", 1)[0], UNKNOWN_SCRIPT)
