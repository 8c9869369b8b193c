"""A list as it stands: a whole segment and the changes on top of it.

The rule: what a chain says is what a segment built anew from its live entries says. An entry is
hidden where a later segment has its id again or takes it away; nothing else is ever changed, so an
old chain stays what it was while a new one is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from onoma.errors import GazetteerError
from onoma.gazetteer.arrays import Index
from onoma.gazetteer.entries import Entry
from onoma.gazetteer.manifest import Base
from onoma.gazetteer.segment import Segment, open_segment

EditKind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Chain:
    """Segments from the oldest to the newest; `hidden[i]` of shape `(rows,)` marks the rows of
    segment i that no longer hold.
    """

    segments: tuple[Segment, ...]
    hidden: tuple[npt.NDArray[np.bool_], ...]

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> Chain:
        """Return the list that `segments`, oldest first, say together."""
        hidden = [np.zeros(len(segment), np.bool_) for segment in segments]
        for number, later in enumerate(segments[1:], 1):
            changed = [*later.tombstones, *(entry.entry_id for entry in later)]
            for segment, marks in zip(segments[:number], hidden, strict=False):
                rows = [row for gone in changed if (row := segment.row_of(gone)) is not None]
                marks[rows] = True
        return cls(tuple(segments), tuple(hidden))

    @property
    def newest(self) -> Segment:
        """Return the segment whose manifest names the whole chain."""
        return self.segments[-1]

    def __len__(self) -> int:
        """Return the number of entries that hold."""
        return sum(len(marks) - int(marks.sum()) for marks in self.hidden)

    def __iter__(self) -> Iterator[Entry]:
        for segment, marks in zip(self.segments, self.hidden, strict=True):
            yield from (segment.entry(row) for row in np.flatnonzero(~marks).tolist())

    def find(self, entry_id: str) -> Entry | None:
        """Return the entry called `entry_id` as it stands now."""
        for segment, marks in zip(reversed(self.segments), reversed(self.hidden), strict=True):
            row = segment.row_of(entry_id)
            if row is not None:
                return None if marks[row] else segment.entry(row)
        return None


def open_chain(directory: Path, index: Index | None = None) -> Chain:
    """Return the list whose newest segment lies in `directory`, with those below it.

    Without an `index` only entries are to be read, whatever the arrays were made for. Raises
    GazetteerError where a segment is missing, altered, or not the one that was built on.
    """
    segments = [open_segment(directory, index)]
    while (base := segments[0].manifest.base) is not None:
        below = open_segment(_below(segments[0].directory, base), index)
        if below.sha256 != base.sha256:
            raise GazetteerError(
                f"{below.directory}: its sha256 is {below.sha256}, but {segments[0].directory} was "
                f"built on {base.sha256} ({base.version}); put that segment there"
            )
        segments.insert(0, below)
    return Chain.of(segments)


def _below(directory: Path, base: Base) -> Path:
    """Return where the base of the segment in `directory` lies: in a store, or else beside it."""
    directory = directory.resolve()
    stored = directory.parent.parent / base.version / base.sha256
    return stored if stored.is_dir() else directory.parent / base.directory


@dataclass(frozen=True, slots=True)
class Edit:
    """What a change does to one entry; `before` or `after` is None where there is none."""

    before: Entry | None
    after: Entry | None

    @property
    def entry(self) -> Entry:
        """Return the newer form."""
        entry = self.after or self.before
        if entry is None:
            raise ValueError("found an edit of nothing")
        return entry

    @property
    def kind(self) -> EditKind:
        """Return what happens to the entry."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def difference(old: Iterable[Entry], new: Iterable[Entry]) -> tuple[Edit, ...]:
    """Return what changes from `old` to `new`, sorted by id."""
    before = {entry.entry_id: entry for entry in old}
    after = {entry.entry_id: entry for entry in new}
    edits = (Edit(before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys()))
    return tuple(edit for edit in edits if edit.before != edit.after)


def upserts(edits: Iterable[Edit]) -> tuple[Entry, ...]:
    """Return the entries that a change writes."""
    return tuple(edit.after for edit in edits if edit.after is not None)


def tombstones(edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return the ids that a change takes away."""
    return tuple(edit.entry.entry_id for edit in edits if edit.after is None)
