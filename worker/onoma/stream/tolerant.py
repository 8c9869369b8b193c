r"""Lets aiokafka read records whose header names are not UTF-8.

Kafka carries the bytes of a name unseen, and clients in other languages write any. aiokafka decodes
them strictly: one such record makes every fetch of its partition raise, for ever, in whatever
worker. Here its batches are read once more, by aiokafka's own reader in Python, with the bytes that
are no UTF-8 written as `\\xff`. The rule: a record that aiokafka can read is read as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH_FIELD = slice(8, 12)
_LENGTH_STARTS_AT = 12


def accept_any_header_name() -> None:
    """Make every consumer of this process read its records through `TolerantRecords`."""
    fetcher.MemoryRecords = TolerantRecords


class TolerantRecords:
    """The batches of one fetch; in place of aiokafka's own class."""

    def __init__(self, data: bytes) -> None:
        self._records = MemoryRecords(data)
        self._data = memoryview(data)

    def size_in_bytes(self) -> int:
        """Return the size of what was fetched."""
        size: int = self._records.size_in_bytes()
        return size

    def has_next(self) -> bool:
        """Say whether there is another whole batch."""
        more: bool = self._records.has_next()
        return more

    def next_batch(self) -> Any:
        """Return the next batch."""
        batch = self._records.next_batch()
        size = _LENGTH_STARTS_AT + int.from_bytes(self._data[_LENGTH_FIELD], "big")
        data, self._data = self._data[:size], self._data[size:]
        return _Batch(batch, data)


class _Batch:
    """A batch that is read again where a name can't be decoded; else it is what it is."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data
        self._records: Iterator[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._records is None:
            self._records = self._read()
        return next(self._records)

    def _read(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except UnicodeDecodeError:
            for number, record in enumerate(_leniently(self._data)):
                if number >= read:
                    yield record


def _leniently(data: memoryview) -> Iterator[Any]:
    batch = _DefaultRecordBatchPy(data)
    batch._maybe_uncompress()
    batch._buffer = _Buffer(batch._buffer)
    return iter(batch)


class _Buffer(bytearray):
    """Bytes whose parts are decoded leniently."""

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return _Part(part) if isinstance(key, slice) else part


class _Part(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
