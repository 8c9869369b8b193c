"""Keeps the outcome of every offset of one partition's range; what `onoma reconcile` adds up.

Pure: told of documents and outcomes in any order, it says at the end what became of each offset.
Its rule: an offset has exactly one answer, so that the counts add up to the length of the range,
and what can't be explained otherwise is `missing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from onoma.errors import RejectionReason

Fate = Literal["annotated", "dead_lettered", "pending", "no_record", "outcome_expired", "missing"]
"""What became of an offset: `pending`: not committed yet; `no_record`: a transaction marker, or a
record that was aborted or compacted away; `outcome_expired`: older than the oldest outcome that its
topic still holds; `missing`: committed, and no outcome is there.
"""
FATES: tuple[Fate, ...] = (
    "annotated", "dead_lettered", "pending", "no_record", "outcome_expired", "missing",
)  # fmt: skip
OTHER_REASON = "other"
_REASONS = (*(str(reason) for reason in RejectionReason), OTHER_REASON)
_NONE, _ANNOTATED, _REJECTED = 0, 1, 2
"""What is kept of an outcome: a byte, from `_REJECTED` on with the place of its reason."""


@dataclass(frozen=True, slots=True)
class Run:
    """Offsets `[begin, end)` of one fate; `reason` is that of a dead letter."""

    begin: int
    end: int
    fate: Fate
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The fate of all offsets of a partition's range, in order, without a gap between runs.

    `repeated` counts outcomes beyond an offset's first, `committed` is the group's offset.
    """

    partition: int
    begin: int
    end: int
    committed: int | None
    runs: tuple[Run, ...]
    repeated: int

    def counts(self) -> Counter[Fate]:
        """Return how many offsets had each fate."""
        counts: Counter[Fate] = Counter(dict.fromkeys(FATES, 0))
        for run in self.runs:
            counts[run.fate] += run.end - run.begin
        return counts

    def reasons(self) -> Counter[str]:
        """Return how many documents were rejected for each reason."""
        reasons: Counter[str] = Counter()
        for run in self.runs:
            if run.reason is not None:
                reasons[run.reason] += run.end - run.begin
        return reasons


class Ledger:
    """Two bytes for each offset of `[begin, end)`: ten million take 20 MB."""

    def __init__(self, partition: int, begin: int, end: int) -> None:
        self.partition = partition
        self.offsets = range(begin, end)
        self.oldest_ms: int | None = None
        self._documents = bytearray(end - begin)
        self._outcomes = bytearray(end - begin)
        self._repeated = 0

    def note_document(self, offset: int, timestamp_ms: int) -> None:
        """Note that there is a record at `offset`."""
        if offset in self.offsets:
            self._documents[offset - self.offsets.start] = 1
            oldest = timestamp_ms if self.oldest_ms is None else self.oldest_ms
            self.oldest_ms = min(oldest, timestamp_ms)

    def note_event(self, offset: int) -> None:
        """Note that there is an event of the document at `offset`."""
        self._note(offset, _ANNOTATED)

    def note_dead_letter(self, offset: int, reason: str) -> None:
        """Note that the document at `offset` is among the dead letters."""
        known = reason if reason in _REASONS else OTHER_REASON
        self._note(offset, _REJECTED + _REASONS.index(known))

    def _note(self, offset: int, outcome: int) -> None:
        if offset not in self.offsets:
            return
        self._repeated += self._outcomes[offset - self.offsets.start] != _NONE
        self._outcomes[offset - self.offsets.start] = outcome

    def account(self, committed: int | None, kept_from: int = 0) -> Account:
        """Judge each offset; of documents below `kept_from` the outcome may have expired."""
        fates = ((offset, self._fate(offset, committed, kept_from)) for offset in self.offsets)
        return Account(
            partition=self.partition,
            begin=self.offsets.start,
            end=self.offsets.stop,
            committed=committed,
            runs=tuple(_runs(fates)),
            repeated=self._repeated,
        )

    def lacks(self, committed: int | None) -> bool:
        """Say whether a committed document has no outcome yet."""
        return any(self._fate(offset, committed, 0)[0] == "missing" for offset in self.offsets)

    def _fate(self, offset: int, committed: int | None, kept_from: int) -> tuple[Fate, str | None]:
        place = offset - self.offsets.start
        outcome = self._outcomes[place]
        if outcome >= _REJECTED:
            return "dead_lettered", _REASONS[outcome - _REJECTED]
        if outcome == _ANNOTATED:
            return "annotated", None
        if not self._documents[place]:
            return "no_record", None
        if committed is None or offset >= committed:
            return "pending", None
        return ("outcome_expired" if offset < kept_from else "missing"), None


def _runs(fates: Iterator[tuple[int, tuple[Fate, str | None]]]) -> Iterator[Run]:
    for (fate, reason), of_fate in groupby(fates, key=lambda each: each[1]):
        offsets = [offset for offset, _ in of_fate]
        yield Run(offsets[0], offsets[-1] + 1, fate, reason)
