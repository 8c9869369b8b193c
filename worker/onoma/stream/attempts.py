"""What a lane's commits say about its next document: how often it was begun and never left.

A document that kills its process leaves no other trace. So the metadata of every commit counts an
attempt at the document that follows, and giving a partition back in order takes it out again: an
owner that finds one knows that the process before it died there. The rule: after one death a
stretch of documents is read one at a time, each committed before the next is begun, so that a
second death names its document; that one is tried alone (quarantine.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from uuid import uuid4

import msgspec
from aiokafka.structs import OffsetAndMetadata

DEATHS_BEFORE_TRIAL = 2


class Mark(msgspec.Struct, frozen=True):
    """The metadata of a commit; `onoma` is the version of this form, `owner` names a process."""

    onoma: Annotated[int, msgspec.Meta(ge=1, le=1)]
    attempts: Annotated[int, msgspec.Meta(ge=0)]
    owner: str = ""


def new_owner() -> str:
    """Return a name for this process that no other has."""
    return uuid4().hex[:12]


@dataclass(slots=True)
class Attempts:
    """What one lane knows of the attempts at its head; `deaths` are those of the document at
    `head`, `careful` documents are still to be read one at a time.
    """

    head: int
    owner: str = ""
    deaths: int = 0
    careful: int = 0
    stretch: int = 0
    noted: bool = field(default=True)
    """Whether the group was told that an attempt at `head` began; nothing is begun before."""

    @classmethod
    def found(
        cls, committed: OffsetAndMetadata | None, head: int, *, owner: str, stretch: int
    ) -> Attempts:
        """Return what the metadata at `head` says; of other metadata, that nobody died there."""
        mark = _mark(committed.metadata) if committed else None
        deaths = mark.attempts if mark else 0
        if mark and deaths and mark.owner == owner:
            deaths -= 1  # we began it, and we live
        return cls(head, owner, deaths, stretch if deaths else 0, stretch, noted=False)

    def suspects(self, offset: int) -> bool:
        """Say whether the document at `offset` is to be tried alone."""
        return offset == self.head and self.deaths >= DEATHS_BEFORE_TRIAL

    def on_from(self, offset: int, published: int = 0) -> OffsetAndMetadata:
        """Return the commit that goes on from `offset`, after `published` more documents.

        In the careful stretch one death is known already.
        """
        if not self.owner:
            return OffsetAndMetadata(offset, "")
        deaths = self.deaths if offset == self.head else int(self.careful > published)
        return self._commit(offset, deaths + 1)

    def at_rest(self, offset: int) -> OffsetAndMetadata | None:
        """Return the commit that takes the attempt at the head `offset` out; None where none was
        noted.
        """
        if not self.owner or not self.noted:
            return None
        return self._commit(offset, self.deaths)

    def passed(self, offset: int, published: int) -> None:
        """Note that `published` documents before `offset` are committed."""
        self.careful = max(0, self.careful - published)
        if offset != self.head:
            self.head, self.deaths = offset, int(self.careful > 0)

    def _commit(self, offset: int, attempts: int) -> OffsetAndMetadata:
        mark = Mark(onoma=1, attempts=attempts, owner=self.owner)
        return OffsetAndMetadata(offset, msgspec.json.encode(mark).decode())


def _mark(metadata: str | None) -> Mark | None:
    try:
        return msgspec.json.decode(metadata or "", type=Mark)
    except msgspec.DecodeError:
        return None  # nobody's, or another program's
