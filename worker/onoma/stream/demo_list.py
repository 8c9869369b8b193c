"""The demo's watch list: the entries of `watch_list.jsonl`, built as `onoma gazetteer build` does.

Nobody in it is anybody: some of its names stand in the sample documents, a little otherwise written
or in another script, and the rest nowhere.
"""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO
from pathlib import Path

from onoma.gazetteer.index import INDEX
from onoma.gazetteer.readers.checking import checked
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.formats import reader
from onoma.gazetteer.readers.found import Notes
from onoma.gazetteer.readers.sources import Source
from onoma.gazetteer.segment import Identity, write_segment

NAME, VERSION = "demo-watch-list", "1"
FILE = "watch_list.jsonl"


def build(directory: Path) -> Path:
    """Write the list below `directory`; return where it lies."""
    notes = Notes()
    content = BytesIO(files("onoma.stream").joinpath(FILE).read_bytes())
    read = reader("jsonl", Columns())
    entries = checked(read([Source(FILE, content, "utf-8")], notes), notes)
    written = directory / NAME
    write_segment(written, entries, Identity(name=NAME, version=VERSION), INDEX)
    return written
