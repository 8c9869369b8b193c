"""Reads the lists of names that a recipe asks for: which columns or entries, under which licence.

For the channel of `onoma.gazetteer.channel`; needs no torch. A list is a file of names, or a
directory that `onoma gazetteer build` wrote. The rule: the names go into the bundle, so a list that
may not be shipped in one is refused, and the manifest states the licence of each. A built list has
the licences of the files that it was made of, which are known by their sha256.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from onoma.errors import WrongUseError
from onoma.gazetteer.chain import Chain, open_chain
from onoma.gazetteer.channel import Gazetteer
from onoma.gazetteer.entries import EntryType, Quality
from onoma.gazetteer.manifest import MANIFEST_NAME
from onoma.registry import bundle
from onoma.training.files import lines_of
from onoma.training.recipes import Lists
from onoma.training.sources import NOT_STATED

COLUMNS = ("name", "local", "romanized", "latin", "amharic")
"""Headers of columns that hold names, in tables; all that are there are read."""
LICENCE_FILE = "lists_manifest.json"

_SHARE_ALIKE = "ODbL"
"""Would bind whoever adds to the names of the bundle."""

Kind = Literal["places", "people", "organisations"]
_TYPES: Mapping[Kind, EntryType] = {
    "places": EntryType.PLACE,
    "people": EntryType.PERSON,
    "organisations": EntryType.ORGANISATION,
}
Licences = Mapping[str, Mapping[str, Any]]
"""What the data directory states of each list, by its path there and by its sha256."""


class _Tabs(csv.excel_tab):
    """Cells between tabs: a quotation mark is a sign as any other."""

    quoting = csv.QUOTE_NONE


_TABLES: Mapping[str, type[csv.Dialect]] = {".tsv": _Tabs, ".csv": csv.excel}


@dataclass(frozen=True, slots=True)
class NameList:
    """What the manifest says about one list; `sha256` names a built one with all below it."""

    file: str
    kind: Kind
    names: int
    licence: str
    source: str
    sha256: str | None = None


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
    files = {kind: getattr(wanted, kind) for kind in _TYPES}
    if not any(files.values()):
        raise WrongUseError(
            "the recipe's gazetteer names no list: give it places, people or organisations, or "
            "leave it out"
        )
    licences = _licences(data)
    read = [_read(data, file, kind, licences) for kind in _TYPES for file in files[kind]]
    names: dict[str, list[str]] = {kind: [] for kind in _TYPES}
    for one, found in read:
        names[one.kind] += found
    return Names(Gazetteer(**names), tuple(one for one, _ in read))


def _read(data: Path, file: str, kind: Kind, licences: Licences) -> tuple[NameList, list[str]]:
    path = data / file
    if (path / MANIFEST_NAME).is_file():
        one, names = _read_built(path, file, kind, licences)
    elif path.is_file():
        names = [name for name in _names_in(path) if name]
        one = NameList(file, kind, len(names), *_licence(file, (file,), licences))
    else:
        raise WrongUseError(
            f"{path}: is no file and no built list, but the recipe's gazetteer.{kind} names it; "
            "paths are below --data"
        )
    if not len(Gazetteer(**{kind: names})):
        raise WrongUseError(
            f"{path}: holds no name that could be matched among {kind}; take it out"
        )
    return one, names


def _read_built(
    path: Path, file: str, kind: Kind, licences: Licences
) -> tuple[NameList, list[str]]:
    """Return the names of a list that `onoma gazetteer build` wrote. Raises GazetteerError."""
    chain = open_chain(path)
    sources = [source.sha256 for segment in chain.segments for source in segment.manifest.sources]
    licence, source = _licence(file, (file, *sources), licences)
    names = list(_names_of(chain, _TYPES[kind]))
    return NameList(file, kind, len(names), licence, source, chain.newest.sha256), names


def _names_of(chain: Chain, wanted: EntryType) -> Iterator[str]:
    """Yield the names of entries of a type, and of those whose list says none; no weak ones, which
    are words that mean much else.
    """
    for entry in chain:
        if entry.type in (wanted, EntryType.OTHER):
            yield from (name.text for name in entry.names if name.quality is Quality.STRONG)


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
    by_path = {row["file"].removeprefix("pool/"): row for row in rows}
    return {**{row["sha256"]: row for row in rows if "sha256" in row}, **by_path}


def _licence(file: str, keys: tuple[str, ...], licences: Licences) -> tuple[str, str]:
    """Return licence and source of what is known under one of `keys`, paths or sha256. Raises
    WrongUseError where one may not be shipped.
    """
    rows = {id(row): row for key in keys if (row := licences.get(key))}.values()
    for row in rows:
        if row["non_commercial"] or _SHARE_ALIKE in row["licence"]:
            raise WrongUseError(
                f"{file}: is licensed {row['licence']}, and the names would be shipped in the "
                "bundle; take it out of the recipe"
            )
    stated = [(str(row["licence"]), str(row.get("repo", NOT_STATED))) for row in rows]
    if not stated:
        return NOT_STATED, NOT_STATED
    licence, source = ("; ".join(dict.fromkeys(each)) for each in zip(*stated, strict=True))
    return licence, source
