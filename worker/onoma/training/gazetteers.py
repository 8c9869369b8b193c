"""Reads the lists of names that a recipe asks for: which columns, under which licence.

For the channel of `onoma.ner.gazetteer`; needs no torch. The rule: the names go into the bundle, so
a list that may not be shipped in one is refused, and the manifest states the licence of each.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from onoma.errors import WrongUseError
from onoma.ner.gazetteer import Gazetteer
from onoma.registry import bundle
from onoma.training.files import lines_of
from onoma.training.recipes import Lists

COLUMNS = ("name", "local", "romanized", "latin", "amharic")
"""Headers of columns that hold names, in tables; all that are there are read."""
LICENCE_FILE = "lists_manifest.json"
NOT_STATED = "not stated"

_SHARE_ALIKE = "ODbL"
"""Would bind whoever adds to the names of the bundle."""

Kind = Literal["places", "people"]
Licences = Mapping[str, Mapping[str, Any]]
"""What the data directory states of each list, by its path there."""


class _Tabs(csv.excel_tab):
    """Cells between tabs: a quotation mark is a sign as any other."""

    quoting = csv.QUOTE_NONE


_TABLES: Mapping[str, type[csv.Dialect]] = {".tsv": _Tabs, ".csv": csv.excel}


@dataclass(frozen=True, slots=True)
class NameList:
    """What the manifest says about one list."""

    file: str
    kind: Kind
    names: int
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class Names:
    """The names of all lists, as they are looked up, and where they came from."""

    gazetteer: Gazetteer
    lists: tuple[NameList, ...]


def names_of(data: Path, wanted: Lists | None, init: Path | None) -> Names | None:
    """Return the names that a run learns with: those of the recipe, else those of the bundle that
    it starts from; None if neither has any channel.
    """
    if wanted is not None:
        return read_names(data, wanted)
    if init is None:
        return None
    manifest, _ = bundle.verify(init)
    gazetteer = bundle.gazetteer_of(manifest, init)
    if gazetteer is None:
        return None
    lists = manifest.training.get("gazetteer", ())
    return Names(gazetteer, msgspec.convert(lists, tuple[NameList, ...]))


def read_names(data: Path, wanted: Lists) -> Names:
    """Read the lists below `data`. Raises WrongUseError for one that can't be used."""
    if not wanted.places and not wanted.people:
        raise WrongUseError(
            "the recipe's gazetteer names no list: give it places or people, or leave it out"
        )
    licences = _licences(data)
    places = [_read(data, file, "places", licences) for file in wanted.places]
    people = [_read(data, file, "people", licences) for file in wanted.people]
    gazetteer = Gazetteer(
        (name for _, names in places for name in names),
        (name for _, names in people for name in names),
    )
    return Names(gazetteer, tuple(one for one, _ in (*places, *people)))


def _read(data: Path, file: str, kind: Kind, licences: Licences) -> tuple[NameList, list[str]]:
    path = data / file
    if not path.is_file():
        raise WrongUseError(
            f"{path}: is no file, but the recipe's gazetteer.{kind} names it; paths are below "
            "--data"
        )
    licence, source = _licence(file, licences)
    names = [name for name in _names_in(path) if name]
    if not len(Gazetteer(**{kind: names})):
        raise WrongUseError(f"{path}: holds no name that could be matched; take it out")
    return NameList(file, kind, len(names), licence, source), names


def _names_in(path: Path) -> list[str]:
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix == ".txt":
        return [line.strip() for line in lines_of(path)]
    if suffix in _TABLES:
        return _names_in_table(path, _TABLES[suffix])
    raise WrongUseError(
        f"{path}: is no list of names; wanted a .txt with one a line, or a .tsv or .csv with a "
        f"column {' or '.join(COLUMNS)}"
    )


def _names_in_table(path: Path, dialect: type[csv.Dialect]) -> list[str]:
    try:
        rows = list(csv.reader(lines_of(path), dialect))
    except csv.Error as error:
        raise WrongUseError(f"{path}: is no table: {error}") from error
    header = rows[0] if rows else []
    columns = [place for place, name in enumerate(header) if name in COLUMNS]
    if rows and not columns:
        raise WrongUseError(
            f"{path}: has the columns {', '.join(header)}; wanted one that is called "
            f"{' or '.join(COLUMNS)}"
        )
    return [row[place].strip() for row in rows[1:] for place in columns if place < len(row)]


def _licences(data: Path) -> Licences:
    path = data / LICENCE_FILE
    if not path.is_file():
        return {}
    rows = json.loads("".join(lines_of(path)))
    return {row["file"].removeprefix("pool/"): row for row in rows}


def _licence(file: str, licences: Licences) -> tuple[str, str]:
    row = licences.get(file)
    if row is None:
        return NOT_STATED, NOT_STATED
    licence, source = str(row["licence"]), str(row.get("repo", NOT_STATED))
    if row["non_commercial"] or _SHARE_ALIKE in licence:
        raise WrongUseError(
            f"{file}: is licensed {licence}, and the names would be shipped in the bundle; "
            "take it out of the recipe"
        )
    return licence, source
