"""The manifest of a segment: which list, which version, on top of what, made of which files.

It names the sha256 of every other file of the segment and of the segment below it, so that its own
sha256 names a whole list as it was: that is what events carry. Nothing in it comes from a clock,
and the same sources make the same bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MANIFEST_NAME = "manifest.json"

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The segment that a change is on top of: it lies in `directory` beside the change."""

    version: Word
    sha256: Sha256
    directory: Annotated[str, msgspec.Meta(pattern=r"\A[^/\\\x00]+\Z")]


class SourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published file that the list was made of."""

    name: str
    format: str
    sha256: Sha256
    size: Count


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands in `manifest.json`.

    `base` is null where the segment is the whole list; else its entries are added or changed and
    its tombstones taken away. `index` is the version of the matcher's arrays. `published` is the
    date that the sources give themselves. `skipped` counts by reason what was not taken over.
    """

    format: Literal["onoma-gazetteer/1"] = "onoma-gazetteer/1"
    name: Word
    version: Word
    base: Base | None = None
    entries: Count
    names: Count
    tombstones: Count
    index: Word
    sources: tuple[SourceFile, ...] = ()
    published: str | None = None
    skipped: dict[str, Count] = msgspec.field(default_factory=dict)
    files: dict[str, Sha256]
