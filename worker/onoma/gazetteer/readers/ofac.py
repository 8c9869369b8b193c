"""OFAC's SDN and consolidated lists in their CSV form: primary, alias and address files together.

Format: https://ofac.treasury.gov/specially-designated-nationals-list-data-formats-data-schemas
(no header, `-0-` for nothing, the number of columns says which file it is). Aliases that OFAC puts
in quotes among the remarks are the ones it calls weak: broad names that alone make too many hits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, Name, NameKind, Quality
from onoma.gazetteer.readers import types
from onoma.gazetteer.readers.found import Found, Notes, Place, SkipReason
from onoma.gazetteer.readers.records import rows
from onoma.gazetteer.readers.sources import Source

PRIMARY_COLUMNS, ALIAS_COLUMNS, ADDRESS_COLUMNS, COMMENT_COLUMNS = 12, 5, 6, 2
_KINDS = {"aka": NameKind.ALIAS, "fka": NameKind.FORMER, "nka": NameKind.ALIAS}
_QUOTED = re.compile(r"(?:alt\. )?([afn])\.k\.a\. '(.+?)['\"]?\.?")
"""One in the real list ends with the other quote."""
_BIRTH = re.compile(r"(?:alt\. )?DOB (.*?)\.?")


@dataclass(frozen=True, slots=True)
class _Row:
    cells: tuple[str, ...]
    place: Place


@dataclass(slots=True)
class _Files:
    """Rows of all sources, by what they are, and those about an entry by its number."""

    primaries: list[_Row] = field(default_factory=list)
    aliases: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))
    addresses: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))
    comments: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield the entries of primary files with all that the other files say about them."""
    files = _sorted_by_kind(sources, notes)
    if not files.primaries:
        raise GazetteerError(
            f"{sources[0].name}: found no file of {PRIMARY_COLUMNS} columns; give the primary file "
            "(sdn.csv or cons_prim.csv) with its alias and address files"
        )
    known = {row.cells[0] for row in files.primaries}
    for about in (files.aliases, files.addresses, files.comments):
        for number, found in about.items():
            if number not in known:
                for row in found:
                    notes.skip(SkipReason.UNKNOWN_ENTRY, row.place)
    for row in files.primaries:
        yield Found(_entry(row, files), row.place)


def _sorted_by_kind(sources: Sequence[Source], notes: Notes) -> _Files:
    files = _Files()
    kinds = {
        ALIAS_COLUMNS: files.aliases,
        ADDRESS_COLUMNS: files.addresses,
        COMMENT_COLUMNS: files.comments,
    }
    for source in sources:
        columns = 0
        for place, cells in rows(source):
            columns = columns or len(cells)
            if len(cells) != columns or columns not in (PRIMARY_COLUMNS, *kinds):
                raise GazetteerError(_unfit(place, len(cells), columns))
            notes.read(source)
            row = _Row(tuple(map(_said, cells)), place)
            if columns == PRIMARY_COLUMNS:
                files.primaries.append(row)
            else:
                kinds[columns][row.cells[0]].append(row)
    return files


def _unfit(place: Place, found: int, columns: int) -> str:
    if found != columns:
        return f"{place}: found {found} columns, those before have {columns}; the file is broken"
    return (
        f"{place}: found {found} columns, wanted {PRIMARY_COLUMNS} (primary), {ALIAS_COLUMNS} "
        f"(aliases), {ADDRESS_COLUMNS} (addresses) or {COMMENT_COLUMNS} (comments)"
    )


def _said(cell: str) -> str:
    stripped = cell.strip()
    return "" if stripped == "-0-" else stripped


def _entry(row: _Row, files: _Files) -> Entry:
    number, name, kind, programmes, *_, flag, _owner, remarks = row.cells
    if kind.casefold() not in types.OFAC:
        raise GazetteerError(
            f"{row.place}: found the type {kind!r}, wanted one of "
            f"{', '.join(filter(None, types.OFAC))}, or none"
        )
    spilt = [comment.cells[1] for comment in files.comments.get(number, ())]
    remarks = "".join([remarks, *spilt])
    parts = [part.strip() for part in remarks.split(";")]
    countries = [flag, *(address.cells[4] for address in files.addresses.get(number, ()))]
    return Entry(
        entry_id=number,
        type=types.OFAC[kind.casefold()],
        names=(
            Name(name, kind=NameKind.PRIMARY),
            *(_alias(alias) for alias in files.aliases.get(number, ())),
            *_weak_names(parts),
        ),
        source="OFAC",
        programmes=tuple(filter(None, re.split(r"\] \[|; ", programmes))),
        countries=tuple(dict.fromkeys(filter(None, countries))),
        births=tuple(match[1] for part in parts if (match := _BIRTH.fullmatch(part))),
        remarks=remarks or None,
    )


def _alias(row: _Row) -> Name:
    _, _, kind, text, _ = row.cells
    return Name(text, kind=_KINDS.get(kind.casefold(), NameKind.ALIAS))


def _weak_names(parts: Sequence[str]) -> Iterator[Name]:
    for part in parts:
        if match := _QUOTED.fullmatch(part):
            yield Name(match[2], Quality.WEAK, _KINDS[f"{match[1]}ka"])
