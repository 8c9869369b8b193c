"""Texts for property tests: words of many scripts, and all that makes offsets go wrong.

All written for these tests.
"""

from __future__ import annotations

from hypothesis import strategies as st

SCRIPT_WORDS = (
    "Amina", "ɓangare", "Ọ̀ṣun", "Ìyá", "naïve", "nai\u0308ve", "jami'an", "it’s", "up-to-date",
    "मीरा", "किताबें", "বাংলা", "সংগঠন", "தமிழ்", "අම්මා", "ዐቢይ", "Қазақ", "Ђорђе", "Ćosić",
    "مریم", "عبد‌الله", "שָׁלוֹם", "กรุงเทพมหานครอมรรัตนโกสินทร์", "北京市朝阳区", "東京タワー", "서울",
    "ﬁne", "İstanbul", "ΣΊΣΥΦΟΣ", "straße", "A" * 40, "x" * 16, "y" * 17,
)  # fmt: skip
MARKS_AND_SIGNS = (
    "👩🏽‍⚕️", "🇳🇬", "😀", "𝔘𝔫𝔦", "𐎀", "\u0301", "\u200d", "\u200f", "\u202e", "\ufeff", "\x00",
    "\u2060", ".", ",", "।", "،", "“", "”", "—", "%", "٣", "12", "3.5", "_", "'", "-", "ʼ",
)  # fmt: skip
BLANKS = (" ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1f", "\x85")

characters = st.characters(exclude_categories=["Cs"])
"""Any character but halves of surrogate pairs, which are none."""

words = st.one_of(
    st.sampled_from(SCRIPT_WORDS),
    st.sampled_from(MARKS_AND_SIGNS),
    st.text(characters, min_size=1, max_size=4).filter(str.strip),
)
"""A piece that is not blank. Made without blanks: to filter them out of `pieces` takes too many."""

pieces = st.one_of(
    st.sampled_from(SCRIPT_WORDS),
    st.sampled_from(MARKS_AND_SIGNS),
    st.sampled_from(BLANKS),
    st.text(characters, max_size=4),
)
mixed_texts = st.lists(pieces, max_size=40).map("".join)
"""Any text: mixed scripts, emoji, CRLF, combining marks, right-to-left; also empty or all blank."""

documents = mixed_texts.filter(lambda text: bool(text.strip()))
"""A text that the decoder accepts: at least one character is not blank."""
