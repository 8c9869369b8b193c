"""Invented entries and lists of them; nobody here is anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from onoma.gazetteer.arrays import Arrays, Index
from onoma.gazetteer.chain import Chain, open_chain
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from onoma.gazetteer.exclusions import Exclusion, write_exclusions
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.manifest import Base
from onoma.gazetteer.segment import Identity, read_manifest, write_segment
from onoma.gazetteer.served import ServedList, open_served


def _arrays(names: Sequence[str]) -> Arrays:
    return {
        "lengths": np.array([len(name) for name in names], np.int32),
        "letters.first": np.array([ord(name[0]) for name in names], np.uint32),
    }


LENGTHS = Index("lengths-1", _arrays)
"""An index that is easily told from another list's."""


def entry(entry_id: str, *names: str, **changes: object) -> Entry:
    """Return an entry; the first of `names` is the primary one, later ones are its aliases."""
    first, *others = names or ("Zubo Kadram",)
    known: dict[str, object] = {
        "type": EntryType.PERSON,
        "source": "Invented List",
        "names": (Name(first, kind=NameKind.PRIMARY), *(Name(text) for text in others)),
    }
    return Entry(entry_id=entry_id, **{**known, **changes})  # type: ignore[arg-type]  # by keyword


def identity(version: str, base: Path | None = None) -> Identity:
    """Return what a list called `invented` says of itself, on top of the segment in `base`."""
    if base is None:
        return Identity(name="invented", version=version)
    below, sha256 = read_manifest(base)
    on = Base(version=below.version, sha256=sha256, directory=base.name)
    return Identity(name="invented", version=version, base=on)


def built(
    directory: Path,
    entries: Iterable[Entry],
    *,
    base: Path | None = None,
    tombstones: Iterable[str] = (),
) -> Chain:
    """Write a segment and open the list that it ends."""
    named = identity(directory.name, base)
    write_segment(directory, entries, named, LENGTHS, tombstones=tombstones)
    return open_chain(directory, LENGTHS)


def served(
    directory: Path,
    *entries: Entry,
    version: str = "1",
    name: str | None = None,
    base: Path | None = None,
) -> ServedList:
    """Write a list for the real index, called as its directory or `name`, and serve it."""
    named = replace(identity(version, base), name=name or directory.name)
    write_segment(directory, entries, named, INDEX, replace=True)
    return open_served(directory)


def judged(directory: Path, *exclusions: Exclusion, version: str = "1") -> ServedList:
    """Write a list of exclusions called as its directory, and serve it."""
    write_exclusions(
        directory, exclusions, name=directory.name, version=version, as_of="2031-01-02"
    )
    return open_served(directory)


_names = st.builds(
    Name,
    st.text(min_size=1, max_size=12),
    st.sampled_from(Quality),
    st.sampled_from(NameKind),
)
_words = st.lists(st.text(max_size=6), max_size=2).map(tuple)


def entries_called(ids: st.SearchStrategy[str]) -> st.SearchStrategy[Entry]:
    """Return a strategy of entries with any content."""
    return st.builds(
        Entry,
        entry_id=ids,
        type=st.sampled_from(EntryType),
        names=st.lists(_names, min_size=1, max_size=4).map(tuple),
        source=st.none() | st.text(max_size=6),
        programmes=_words,
        countries=_words,
        births=_words,
        listed_on=st.none() | st.text(max_size=6),
        remarks=st.none() | st.text(max_size=6),
    )
