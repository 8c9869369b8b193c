"""Reads what a watch list is built of: published files, or a compacted topic of entries."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry
from onoma.gazetteer.manifest import SourceFile, is_day
from onoma.gazetteer.readers.checking import checked
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.formats import reader
from onoma.gazetteer.readers.found import Notes, Place
from onoma.gazetteer.readers.records import Record, object_of
from onoma.gazetteer.readers.sources import Source
from onoma.gazetteer.readers.tables import read_records
from onoma.settings import Settings

if TYPE_CHECKING:
    from onoma.stream.compacted import Keyed


@dataclass(frozen=True, slots=True)
class Listed:
    """What the sources say, and what was noted while reading them."""

    entries: tuple[Entry, ...]
    sources: tuple[SourceFile, ...]
    notes: Notes

    @property
    def version(self) -> str:
        """Return the day that the sources give, or else a hash of them."""
        day = (self.notes.published or "")[:10]
        if is_day(day):
            return day
        return hashlib.sha256("".join(s.sha256 for s in self.sources).encode()).hexdigest()[:12]


def read_files(paths: Sequence[Path], format_name: str, columns: Columns, encoding: str) -> Listed:
    """Return what the files say together. Raises GazetteerError."""
    notes, files, sources = Notes(), [], []
    with ExitStack() as opened:
        for path in paths:
            stream = opened.enter_context(path.open("rb"))
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            files.append(SourceFile(path.name, format_name, sha256, stream.tell()))
            stream.seek(0)
            sources.append(Source(path.name, stream, encoding))
        entries = checked(reader(format_name, columns)(sources, notes), notes)
    if not entries:
        raise GazetteerError(
            f"found no entry in {', '.join(path.name for path in paths)}; is it really "
            f"--format {format_name}?"
        )
    return Listed(entries, tuple(files), notes)


def read_topic(topic: str, columns: Columns, settings: Settings) -> Listed:
    """Return what the newest value of each key in `topic` says. Raises FatalError."""
    from onoma.stream import app
    from onoma.stream.compacted import newest_of_each_key

    limits = app.load_policy(settings.policy.path).policy.limits
    newest = asyncio.run(newest_of_each_key(settings, limits, topic))
    notes = Notes()
    entries = checked(read_records(columns, topic, _records(topic, newest), notes), notes)
    if not entries:
        raise GazetteerError(f"{topic}: found no entry; wanted a topic with one for each key")
    digest = hashlib.sha256()
    for one in newest:
        for part in (one.key, one.value):
            digest.update(len(part).to_bytes(8) + part)
    size = sum(len(one.value) for one in newest)
    return Listed(entries, (SourceFile(topic, "topic", digest.hexdigest(), size),), notes)


def _records(topic: str, newest: Iterable[Keyed]) -> Iterator[tuple[Place, Record]]:
    """Yield each value; the key is the entry's id, unless the value gives another."""
    for one in newest:
        place = Place(f"{topic}[{one.partition}]", one.offset)
        try:
            key = one.key.decode()
        except UnicodeDecodeError as error:
            raise GazetteerError(f"{place}: the key is no UTF-8; wanted the entry's id") from error
        yield place, {"id": key, **object_of(one.value, place)}
