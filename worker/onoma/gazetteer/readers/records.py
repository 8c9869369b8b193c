"""Records of text formats, each with its line: rows of CSV, objects of JSON lines.

The rule: a record is whole or an error. CSV is read strictly, so that a quote that is never closed
can't swallow the rest of a list into one cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

import msgspec

from onoma.errors import GazetteerError
from onoma.gazetteer.readers.found import Place
from onoma.gazetteer.readers.sources import Source

Record = dict[str, object]


def rows(source: Source, delimiter: str = ",") -> Iterator[tuple[Place, list[str]]]:
    """Yield the rows of CSV that are not empty, each with the line that it ends on."""
    reader = csv.reader(source.lines(), strict=True, delimiter=delimiter)
    try:
        for cells in reader:
            if cells:
                yield Place(source.name, reader.line_num), cells
    except csv.Error as error:
        raise GazetteerError(
            f"{source.name}:{reader.line_num}: is no CSV: {error}; mend the line, or fetch the "
            "file again"
        ) from error


def objects(source: Source) -> Iterator[tuple[Place, Record]]:
    """Yield the object on each line of JSON lines that is not blank."""
    for number, line in enumerate(source.lines(), 1):
        if not line.strip():
            continue
        place = Place(source.name, number)
        yield place, object_of(line, place)


def object_of(value: str | bytes, place: Place) -> Record:
    """Return the object of JSON in `value`. Raises GazetteerError."""
    try:
        return msgspec.json.decode(value, type=Record)
    except (msgspec.DecodeError, RecursionError) as error:
        raise GazetteerError(
            f"{place}: is no JSON object: {error}; wanted one for each entry"
        ) from error


def strings(value: object, place: Place, what: str) -> tuple[str, ...]:
    """Return the strings in a JSON value: one, several, or none."""
    match value:
        case None:
            return ()
        case str():
            return (value,)
        case int():
            return (str(value),)
        case list():
            return tuple(text for inner in value for text in strings(inner, place, what))
        case _:
            raise GazetteerError(
                f"{place}: found a {type(value).__name__} for {what}; wanted a string or a list "
                "of strings"
            )
