"""Generic lists: CSV with a header, and JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from onoma.errors import GazetteerError
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.found import Found, Notes, Place
from onoma.gazetteer.readers.records import Record, objects, rows, strings
from onoma.gazetteer.readers.sources import Source

_SINGLE = frozenset({"id", "name", "type", "listed_on", "source", "remarks"})
"""Fields whose cell is one value, whatever separators stand in it."""


def read_csv(columns: Columns, sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield an entry for each row below the header."""
    for source in sources:
        table = rows(source, columns.delimiter)
        _, header = next(table, (Place(source.name, 1), []))
        columns.check(frozenset(header), source.name)
        held = columns.held(frozenset(header))
        for place, cells in table:
            if len(cells) != len(header):
                raise GazetteerError(
                    f"{place}: found {len(cells)} columns, the header has {len(header)}; quote "
                    "cells that hold the delimiter"
                )
            notes.read(source)
            record = dict(zip(header, cells, strict=True))
            values = {
                wanted: (record[column],)
                if wanted in _SINGLE
                else tuple(record[column].split(columns.separator))
                for wanted, column in held.items()
            }
            said = {wanted: tuple(filter(str.strip, texts)) for wanted, texts in values.items()}
            yield Found(columns.entry(said, place), place)


def read_jsonl(columns: Columns, sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield an entry for each line."""
    for source in sources:
        yield from read_records(columns, source.name, objects(source), notes)


def read_records(
    columns: Columns, source: str, records: Iterable[tuple[Place, Record]], notes: Notes
) -> Iterator[Found]:
    """Yield an entry for each object of JSON."""
    held: dict[tuple[str, ...], dict[str, str]] = {}  # records mostly have the same fields
    for place, record in records:
        notes.records[source] += 1
        fields = tuple(record)
        if fields not in held:
            held[fields] = columns.held(record.keys())
        values = {
            wanted: strings(record[column], place, wanted)
            for wanted, column in held[fields].items()
        }
        yield Found(columns.entry(values, place), place)
    if held:
        columns.check(frozenset().union(*held), source)
