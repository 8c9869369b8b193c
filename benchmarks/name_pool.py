"""A million names to search: those of real lists, then seeded recombinations of real words.

    12 % organisations with one word exchanged, 15 % two to four words of listed people, the rest
    given, middle (60 % have one) and family names of one script; of the given and middle ones 15 %
    with a typo, of the family names 25 %, and 15 % in another spelling.

Distinct by their normalised form. More of them are near-duplicates than in a real list, so that
times and numbers of answers are rather too high.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.perturbations import transliterated, typo
from onoma.gazetteer.normalisation import normalise
from onoma.text.script import dominant_script

LISTS = ("watchlist/ofac_sdn.jsonl.gz", "watchlist/un_sc.jsonl.gz")
MORE = "watchlist/nc/eu_journal.jsonl.gz"
PEOPLE = "gazetteer/person_names_by_country.tsv"
INVENTED = "match/negatives_global_dev.csv.gz"
PERSON_TYPES = ("individual", "person")


@dataclass(frozen=True, slots=True)
class Listed:
    """A name as a list writes it, and whether it is a person's."""

    text: str
    person: bool


def listed_names(data: Path, *lists: str) -> list[Listed]:
    """Return the names and aliases of published lists, in their order, without repetitions."""
    names: dict[str, Listed] = {}
    for name in lists or LISTS:
        with gzip.open(data / name, "rt", encoding="utf-8") as lines:
            for entry in map(json.loads, lines):
                person = entry["type"] in PERSON_TYPES
                others = [*entry.get("aliases", ()), *entry.get("weak_aliases", ())]
                for text in (entry["name"], *others):
                    names.setdefault(text, Listed(text, person))
    return list(names.values())


def unlisted_names(data: Path) -> list[str]:
    """Return the invented people who are on no list."""
    with gzip.open(data / INVENTED, "rt", encoding="utf-8") as lines:
        return [row["full_name"] for row in csv.DictReader(lines)]


def distinct(names: Sequence[str], count: int | None = None) -> list[str]:
    """Return the first `count` of `names` that differ in their normalised form."""
    forms = dict[str, str]()
    for name in names:
        if form := normalise(name):
            forms.setdefault(form, name)
        if len(forms) == count:
            break
    return list(forms.values())


def pool(data: Path, count: int, seed: int = 11) -> list[str]:
    """Return `count` names, distinct by their normalised form."""
    listed = listed_names(data)
    forms = {form: each.text for each in listed if (form := normalise(each.text))}
    for name in _recombined(listed, _people(data), Random(seed)):
        if len(forms) >= count:
            break
        if form := normalise(name):
            forms.setdefault(form, name)
    return list(forms.values())[:count]


def _people(data: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return given and family names by their script."""
    people: dict[str, tuple[list[str], list[str]]] = {}
    with (data / PEOPLE).open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            for text in {row["local"], row["romanized"]} - {""}:
                names = people.setdefault(dominant_script(text), ([], []))
                names[row["kind"] == "L"].append(text)
    with gzip.open(data / INVENTED, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            names = people.setdefault(dominant_script(row["full_name"]), ([], []))
            names[0].append(row["first_name"])
            names[1].append(row["last_name"])
    return {script: names for script, names in people.items() if all(names)}


def _recombined(
    listed: Sequence[Listed], people: dict[str, tuple[list[str], list[str]]], chance: Random
) -> Iterator[str]:
    organisations = [each.text.split() for each in listed if not each.person]
    words = [word for each in listed if each.person for word in each.text.split()]
    other = [word for each in organisations for word in each]
    scripts = list(people)
    weights = [len(people[script][0]) + len(people[script][1]) for script in scripts]
    while True:
        kind = chance.random()
        if kind < 0.12:
            name = list(chance.choice(organisations))
            name[chance.randrange(len(name))] = chance.choice(other)
            yield " ".join(name)
        elif kind < 0.27:
            yield " ".join(chance.sample(words, chance.randint(2, 4)))
        else:
            given, family = people[chance.choices(scripts, weights)[0]]
            yield _person(given, family, chance)


def _person(given: Sequence[str], family: Sequence[str], chance: Random) -> str:
    first = _perhaps(typo, 0.15, chance.choice(given), chance)
    last = _perhaps(typo, 0.25, chance.choice(family), chance)
    last = _perhaps(transliterated, 0.15, last, chance)
    middle = []
    if chance.random() < 0.6:
        middle.append(_perhaps(typo, 0.15, chance.choice(given), chance))
    return " ".join([first, *middle, last])


def _perhaps(
    change: Callable[[str, Random], str | None], share: float, name: str, chance: Random
) -> str:
    return (change(name, chance) or name) if chance.random() < share else name
