"""What a reader found, where, and what it left out: the report of a build.

The rule: nothing leaves a list in silence. Whatever is not taken over is counted by its reason, and
its first places are kept for whoever wants to look.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from onoma.gazetteer.entries import Entry
from onoma.gazetteer.readers.sources import Source

PLACES_KEPT = 20


class SkipReason(StrEnum):
    """Why something was not taken over."""

    EMPTY_NAME = "empty_name"
    NAME_TOO_LONG = "name_too_long"
    REPEATED_NAME = "repeated_name"
    ENTRY_WITHOUT_NAME = "entry_without_name"
    REPEATED_ENTRY = "repeated_entry"
    UNKNOWN_ENTRY = "unknown_entry"
    OTHER_KIND = "other_kind"
    TOKEN_PATTERN = "token_pattern"  # noqa: S105 (no password)


MEANING = {
    SkipReason.EMPTY_NAME: "a name without a letter or digit",
    SkipReason.NAME_TOO_LONG: "a name too long to be one",
    SkipReason.REPEATED_NAME: "a name that its entry has already",
    SkipReason.ENTRY_WITHOUT_NAME: "an entry of which no name is left",
    SkipReason.REPEATED_ENTRY: "an entry that came before, word for word",
    SkipReason.UNKNOWN_ENTRY: "something about an entry that is not in the sources",
    SkipReason.OTHER_KIND: "a record of a kind that has no names to look for",
    SkipReason.TOKEN_PATTERN: "a pattern of token attributes, which stands for no one name",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a source and a line of it, counted from one."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry as a reader found it; its names may still be empty, long or twice the same."""

    entry: Entry
    place: Place


@dataclass(slots=True)
class Notes:
    """What a build read and what it left out; filled as readers go."""

    records: Counter[str] = field(default_factory=Counter)
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    places: dict[SkipReason, list[Place]] = field(default_factory=lambda: defaultdict(list))
    published: str | None = None

    def read(self, source: Source) -> None:
        """Count a record of `source`."""
        self.records[source.name] += 1

    def skip(self, reason: SkipReason, place: Place) -> None:
        """Count what is left out at `place`."""
        self.skipped[reason] += 1
        if len(self.places[reason]) < PLACES_KEPT:
            self.places[reason].append(place)


Reader = Callable[[Sequence[Source], Notes], Iterator[Found]]
