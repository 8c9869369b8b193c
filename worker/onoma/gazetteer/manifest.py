"""Manifests: which list, which version, on top of what, made of which files.

A manifest names the sha256 of every other file of its directory, and of the segment below it, so
that its own sha256 names a whole list as it was: that is what events carry. Nothing in it comes
from a clock, and the same sources make the same bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from onoma.errors import WrongUseError

MANIFEST_NAME = "manifest.json"

_NAME = r"\A[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z"
"""Of a list or a version: it becomes the name of a directory of the store, and of a notice."""
Name = Annotated[str, msgspec.Meta(pattern=_NAME)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_DAY = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z"
Day = Annotated[str, msgspec.Meta(pattern=_DAY)]
Count = Annotated[int, msgspec.Meta(ge=0)]


def check_name(given: str) -> None:
    """Raise WrongUseError for a name or a version that no list may have."""
    if not re.match(_NAME, given):
        raise WrongUseError(
            f"found the name or version {given!r}; wanted at most 128 letters, digits and ._+-, "
            "beginning with a letter or digit: it names a directory of the store"
        )


def is_day(text: str) -> bool:
    """Return whether `text` is a day, YYYY-MM-DD."""
    return re.match(_DAY, text) is not None


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The segment that a change is on top of.

    It lies in `directory` beside the change, or where a store keeps its version.
    """

    version: Name
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
    name: Name
    version: Name
    base: Base | None = None
    entries: Count
    names: Count
    tombstones: Count
    index: Word
    sources: tuple[SourceFile, ...] = ()
    published: str | None = None
    skipped: dict[str, Count] = msgspec.field(default_factory=dict)
    files: dict[str, Sha256]


class ExclusionsManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stands in the `manifest.json` of a list of exclusions.

    `as_of` is the day that it was built for: `expired` had ended by then and were left out.
    """

    format: Literal["onoma-exclusions/1"] = "onoma-exclusions/1"
    name: Name
    version: Name
    as_of: Day
    exclusions: Count
    expired: Count
    sources: tuple[SourceFile, ...] = ()
    files: dict[str, Sha256]
