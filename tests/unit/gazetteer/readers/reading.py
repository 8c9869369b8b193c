"""Reads a source that a test writes down, as `onoma gazetteer build` does."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass

from onoma.gazetteer.entries import Entry
from onoma.gazetteer.readers.checking import checked
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.formats import reader
from onoma.gazetteer.readers.found import Notes
from onoma.gazetteer.readers.sources import Source


@dataclass(frozen=True, slots=True)
class Read:
    """What came of it."""

    entries: tuple[Entry, ...]
    notes: Notes

    @property
    def names(self) -> list[list[str]]:
        """Return the names of each entry."""
        return [[name.text for name in entry.names] for entry in self.entries]

    @property
    def skipped(self) -> dict[str, list[str]]:
        """Return the places of what was left out, by reason."""
        return {
            str(reason): [str(place) for place in places]
            for reason, places in self.notes.places.items()
        }


def read(
    format_name: str,
    *texts: str | bytes,
    columns: Columns | None = None,
    packed: bool = False,
    encoding: str = "utf-8",
) -> Read:
    """Read `texts`, each a file: `1`, `2` and so on."""
    sources = []
    for number, text in enumerate(texts, 1):
        content = text.encode() if isinstance(text, str) else text
        stream = io.BytesIO(gzip.compress(content) if packed else content)
        sources.append(Source(str(number), stream, encoding))
    notes = Notes()
    found = reader(format_name, columns or Columns())(sources, notes)
    return Read(checked(found, notes), notes)
