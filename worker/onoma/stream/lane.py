"""A lane: the documents of one assigned partition between fetch and commit, in order.

Outcomes arrive in any order and leave in the partition's order. The rule that keeps every document:
`next_offset` is the first one not committed and moves only after a commit, `fetch_offset` is the
first one not taken in; a fetched batch is taken only if it was asked for at `fetch_offset` of this
very lane, and is read again otherwise. Its own offsets prove nothing: aiokafka may hand over
records of another assignment, before `fetch_offset` or behind it, and gaps are normal. Where a
document may have killed a worker, the next one is begun when the one before it is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from aiokafka import ConsumerRecord, TopicPartition

from onoma.contracts.records import Record
from onoma.pipeline import Outcome
from onoma.stream.attempts import Attempts


@dataclass(slots=True, eq=False)
class Entry:
    """One document of a lane; `timestamp_ms` is its record's, `judged` says that its outcome was
    counted against the limit of rejections.
    """

    record: Record
    timestamp_ms: int
    bytes_: int
    outcome: Outcome | None = None
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Where a lane stood when records were asked for."""

    lane: Lane
    offset: int


class Lane:
    """The queue of one partition; lives on the event loop alone.

    `settled` is false while nobody knows whether the last publication was committed.
    """

    def __init__(
        self,
        partition: TopicPartition,
        offset: int,
        *,
        max_documents: int,
        max_bytes: int,
        attempts: Attempts | None = None,
    ) -> None:
        self.partition = partition
        self.attempts = attempts or Attempts(offset)
        self.settled = True
        self.next_offset = offset
        self.fetch_offset = offset
        self.bytes_ = 0
        self.closing = asyncio.Event()
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._waiting: deque[Entry] = deque()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of documents in flight."""
        return len(self._entries)

    @property
    def closed(self) -> bool:
        """Say whether the partition was given up."""
        return self.closing.is_set()

    def has_room(self) -> bool:
        """Say whether more may be fetched."""
        return (
            self.attempts.noted
            and len(self) < self._max_documents
            and self.bytes_ < self._max_bytes
        )

    def request(self) -> Request:
        """Return where the next records are asked for."""
        return Request(self, self.fetch_offset)

    def accept(
        self, records: Sequence[ConsumerRecord], request: Request | None
    ) -> list[Entry] | None:
        """Take in a batch fetched for `request`; None when it is stale and has to be read again
        from `fetch_offset`.

        Gaps are normal: transaction markers and compaction leave them.
        """
        if request != self.request() or records[0].offset < self.fetch_offset:
            return None
        entries = [_entry(record) for record in records]
        self._entries.extend(entries)
        self._waiting.extend(entries)
        self.bytes_ += sum(entry.bytes_ for entry in entries)
        self.fetch_offset = records[-1].offset + 1
        return entries

    def startable(self) -> list[Entry]:
        """Take the documents to begin now: all that wait, or only the first of the lane while one
        of them may have killed a worker.
        """
        if not self.attempts.careful:
            started = list(self._waiting)
        elif len(self._waiting) == len(self._entries):
            started = list(islice(self._waiting, 1))
        else:
            started = []
        for _ in started:
            self._waiting.popleft()
        return started

    def finish(self, entry: Entry, outcome: Outcome) -> None:
        """Note the outcome of `entry`."""
        entry.outcome = outcome
        if self._entries and self._entries[0].outcome is not None:
            self._changed.set()

    async def finished_head(self, limit: int, max_wait_seconds: float = 0.0) -> list[Entry]:
        """Wait until the first document is finished; return the finished ones at the head, with at
        most `limit` outputs unless the first has more alone.

        While others of the lane are being read, wait up to `max_wait_seconds` for them, or until
        half of what the lane may hold is finished: publishing costs alike for few and many. They
        stay in the lane until `commit`. An empty list says that the lane was closed.
        """
        loop = asyncio.get_running_loop()
        deadline: float | None = None
        while not self.closed:
            self._changed.clear()
            head, full = self._head(limit)
            if head:
                now = loop.time()
                deadline = now + max_wait_seconds if deadline is None else deadline
                many = min(len(self), max(1, self._max_documents // 2))
                if full or len(head) >= many or now >= deadline:
                    return head
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
        return []

    def _head(self, limit: int) -> tuple[list[Entry], bool]:
        """Return the finished documents at the head whose outputs are at most `limit`, but at least
        one; and whether no more fit.
        """
        head: list[Entry] = []
        outputs = 0
        for entry in self._entries:
            if entry.outcome is None:
                return head, False
            outputs += len(entry.outcome.outputs)
            if head and outputs > limit:
                return head, True
            head.append(entry)
        return head, outputs >= limit

    def commit(self, offset: int) -> list[Entry]:
        """Let go of all documents below `offset`, which is committed, and return them."""
        released = []
        while self._entries and self._entries[0].record.offset < offset:
            released.append(self._entries.popleft())
        while self._waiting and self._waiting[0].record.offset < offset:
            self._waiting.popleft()
        self.bytes_ -= sum(entry.bytes_ for entry in released)
        self.next_offset = offset
        self.attempts.passed(offset, len(released))
        return released

    def restart_at(self, offset: int, seek: Callable[[TopicPartition, int], None]) -> list[Entry]:
        """Go on from the committed `offset` after a publication of unknown outcome.

        Outcomes are pure, so what is already computed stays good; only an offset that somebody
        moved beyond what this lane knows means reading again. Return the documents that turn out to
        be published.
        """
        if self.next_offset <= offset <= self.fetch_offset:
            self._changed.set()
            return self.commit(offset)
        self._entries.clear()
        self._waiting.clear()
        self.bytes_ = 0
        self.attempts.passed(offset, 0)
        self.attempts.noted = False
        self.next_offset = self.fetch_offset = offset
        seek(self.partition, offset)
        return []

    def close(self) -> None:
        """End the lane; what is waiting wakes up."""
        self.closing.set()
        self._changed.set()


def record_of(record: ConsumerRecord) -> Record:
    """Return what the pipeline sees of a record."""
    headers = tuple(record.headers)
    return Record(record.topic, record.partition, record.offset, record.key, record.value, headers)


def _entry(record: ConsumerRecord) -> Entry:
    value = record_of(record)
    return Entry(value, record.timestamp, len(record.value or b"") + len(record.key or b""))
