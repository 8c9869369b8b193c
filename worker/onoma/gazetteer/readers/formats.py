"""The formats of published lists by name, and how each is read."""

from __future__ import annotations

from functools import partial

from onoma.gazetteer.readers import followthemoney, ofac, spacy_patterns, stanford, tables, un
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.found import Reader

FORMATS = ("ofac", "un", "csv", "jsonl", "ftm", "spacy", "stanford")


def reader(format_name: str, columns: Columns) -> Reader:
    """Return the reader of one of `FORMATS`; `columns` matter to generic ones."""
    readers: dict[str, Reader] = {
        "ofac": ofac.read,
        "un": un.read,
        "csv": partial(tables.read_csv, columns),
        "jsonl": partial(tables.read_jsonl, columns),
        "ftm": followthemoney.read,
        "spacy": spacy_patterns.read,
        "stanford": stanford.read,
    }
    return readers[format_name]
