"""Writes a listed name as people, papers and keyboards write it: twelve kinds of change.

Seeded and made here alone, so that a seed that no weight was set on can be reported. A kind returns
nothing for a name to which it does not apply (no middle name, no letter that another script reads
otherwise).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from random import Random

Kind = Callable[[str, Random], str | None]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARKED = {
    "a": "áàâäãåāă", "b": "ɓ", "c": "çćč", "d": "ɗđ", "e": "éèêëẹęēė", "g": "ğ", "h": "ħ",
    "i": "íìîïīı", "k": "ƙ", "l": "ł", "n": "ñńň", "o": "óòôöõọōø", "s": "şśšṣ", "t": "ţť",
    "u": "úùûüūů", "y": "ýÿ", "z": "żźž",
}  # fmt: skip
"""Letters of Hausa, Yoruba, Turkish, Polish, Czech, French, Spanish and their neighbours."""
APOSTROPHES = "'’‘ʼ`´"
SPELLINGS = (
    ("ou", "u"), ("oo", "u"), ("ee", "i"), ("kh", "h"), ("ch", "sh"), ("q", "k"), ("c", "k"),
    ("w", "v"), ("dj", "j"), ("ts", "c"), ("ph", "f"), ("ov", "off"), ("al", "el"), ("ö", "oe"),
    ("ü", "ue"), ("ä", "ae"), ("gh", "g"), ("iy", "i"),
)  # fmt: skip
"""What one way to romanise a name writes where another writes the other; read both ways."""

_MIDDLE_LETTERS = 3


def exact(name: str, chance: Random) -> str | None:
    """Return the name as it is, in other capitals."""
    return chance.choice([name, name.title(), name.lower()])


def typo(name: str, chance: Random) -> str | None:
    """Return the name with a letter replaced, dropped, put in, or swapped with the next."""
    places = [i for i, letter in enumerate(name) if letter.isalpha()]
    if len(places) < 4:
        return None
    i = chance.choice(places)
    other = chance.choice(LETTERS.replace(name[i].lower(), "", 1))
    changed = [
        name[:i] + other + name[i + 1 :],
        name[:i] + name[i + 1 :],
        name[:i] + other + name[i:],
    ]
    if name[i + 1 : i + 2].isalpha() and name[i + 1] != name[i]:
        changed.append(name[:i] + name[i + 1] + name[i] + name[i + 2 :])
    return chance.choice(changed)


def two_typos(name: str, chance: Random) -> str | None:
    """Return the name with two of them."""
    once = typo(name, chance)
    return once and typo(once, chance)


def marks_lost(name: str, chance: Random) -> str | None:
    """Return the name without marks, from a form that has some."""
    marked = marks_added(name, chance)
    if marked is None:
        return None
    stripped = unicodedata.normalize("NFD", marked)
    return "".join(letter for letter in stripped if not unicodedata.combining(letter))


def marks_added(name: str, chance: Random) -> str | None:
    """Return the name with marks on one letter in five, at least one."""
    places = [i for i, letter in enumerate(name) if letter.lower() in MARKED]
    if not places:
        return None
    letters = list(name)
    for i in chance.sample(places, max(1, len(places) // 5)):
        marked = chance.choice(MARKED[name[i].lower()])
        letters[i] = marked.upper() if name[i].isupper() else marked
    return unicodedata.normalize(chance.choice(["NFC", "NFD"]), "".join(letters))


def doubled(name: str, chance: Random) -> str | None:
    """Return the name with one letter written twice, or a double one once."""
    places = [i for i, letter in enumerate(name) if letter.isalpha()]
    if not places:
        return None
    twice = [i for i in places if name[i : i + 2].lower() == name[i].lower() * 2]
    if twice and chance.random() < 0.5:
        i = chance.choice(twice)
        return name[:i] + name[i + 1 :]
    i = chance.choice(places)
    return name[:i] + name[i] + name[i:]


def apostrophe(name: str, chance: Random) -> str | None:
    """Return the name with an apostrophe inside a word, or another than it had."""
    old = [i for i, letter in enumerate(name) if letter in APOSTROPHES]
    if old:
        i = chance.choice(old)
        return name[:i] + chance.choice(APOSTROPHES.replace(name[i], "")) + name[i + 1 :]
    inside = [i for i in range(1, len(name)) if name[i - 1 : i + 1].isalpha()]
    if not inside:
        return None
    i = chance.choice(inside)
    return name[:i] + chance.choice(APOSTROPHES) + name[i:]


def word_order(name: str, chance: Random) -> str | None:
    """Return the name with its last word first or its first last, with a comma or without."""
    words = name.replace(",", " ").split()
    if len(words) < 2:
        return None
    comma = chance.choice([",", ""])
    if chance.random() < 0.5:
        return " ".join([words[-1] + comma, *words[:-1]])
    return " ".join([*words[1:-1], words[-1] + comma, words[0]])


def middle_dropped(name: str, chance: Random) -> str | None:
    """Return the name without one of its inner words; two words of some letters are left."""
    words = name.split()
    long = [i for i, word in enumerate(words) if len(word.strip(",.()")) >= _MIDDLE_LETTERS]
    inner = [i for i in long if 0 < i < len(words) - 1]
    if not inner or len(long) < 3:
        return None
    del words[chance.choice(inner)]
    return " ".join(words)


def initial(name: str, chance: Random) -> str | None:
    """Return the name with one word, but the longest, as a letter and a dot."""
    words = name.split()
    longest = max(range(len(words)), key=lambda i: len(words[i]), default=0)
    places = [i for i, word in enumerate(words) if i != longest and len(word.strip(",.")) > 1]
    places = [i for i in places if words[i][0].isalpha()]
    if not places:
        return None
    i = chance.choice(places)
    words[i] = words[i][0] + "."
    return " ".join(words)


def transliterated(name: str, chance: Random) -> str | None:
    """Return the name with one or two spellings of another way to romanise.

    A spelling of several letters is exchanged wherever it occurs, a single letter once: it stands
    for one sound here and for another there.
    """
    changed = name.lower()
    rules = [rule for pair in SPELLINGS for rule in (pair, pair[::-1]) if rule[0] in changed]
    for old, new in chance.sample(rules, min(len(rules), chance.choice([1, 2]))):
        if len(old) > 1:
            changed = changed.replace(old, new)
        elif places := [i for i, letter in enumerate(changed) if letter == old]:
            i = chance.choice(places)
            changed = changed[:i] + new + changed[i + 1 :]
    return changed if changed != name.lower() else None


def joined(name: str, chance: Random) -> str | None:
    """Return the name with two neighbours written as one word."""
    words = re.sub(r"[,\s]+", " ", name).split()
    if len(words) < 2:
        return None
    i = chance.randrange(len(words) - 1)
    return " ".join([*words[:i], words[i] + words[i + 1], *words[i + 2 :]])


KINDS: Mapping[str, Kind] = {
    "exact": exact,
    "one typo": typo,
    "two typos": two_typos,
    "marks lost": marks_lost,
    "marks added": marks_added,
    "doubled letter": doubled,
    "apostrophe": apostrophe,
    "word order": word_order,
    "middle name dropped": middle_dropped,
    "initial": initial,
    "transliteration": transliterated,
    "joined tokens": joined,
}


def two_at_once(name: str, chance: Random) -> str | None:
    """Return the name with two different kinds of change."""
    first, second = chance.sample([kind for kind in KINDS if kind != "exact"], 2)
    once = KINDS[first](name, chance)
    return once and KINDS[second](once, chance)
