"""Records whose header names are not UTF-8 are read like all others."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from onoma.stream.tolerant import TolerantRecords
from tests.stream.topics import AnyName

GZIP, NONE, LZ4, ZSTD = 1, 0, 3, 4
Headers = list[tuple[str, bytes | None]]
PLAIN: Headers = [("trace", b"\xff"), ("", None)]
BAD: Headers = [("trace", b"1"), (AnyName("x\xff\xfey"), b"2")]


def batch(*headers_of: Headers, compression: int = NONE) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 1 << 20)
    for offset, headers in enumerate(headers_of):
        builder.append(offset, 1000 + offset, b"key", b"value \xff", headers)
    return bytes(builder.build())


def read(records: Any) -> list[tuple[int, int, bytes, bytes, Headers]]:
    found = []
    while records.has_next():
        each = records.next_batch()
        assert each.validate_crc()
        assert not each.is_control_batch
        found += [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in each]
    return found


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4, ZSTD])
def test_a_name_that_is_not_utf_8_is_told_in_escapes_and_its_batch_is_read_whole(
    compression: int,
) -> None:
    data = batch(PLAIN, BAD, PLAIN, BAD, compression=compression)

    with pytest.raises(UnicodeDecodeError):
        read(MemoryRecords(data))

    told = [("trace", b"1"), ("x\\xff\\xfey", b"2")]
    assert [headers for *_, headers in read(TolerantRecords(data))] == [PLAIN, told, PLAIN, told]


def test_records_that_can_be_read_are_read_as_ever() -> None:
    data = batch(PLAIN, [], [("Ọ̀ṣun\x00", b"")]) + batch(PLAIN, compression=GZIP)

    assert read(TolerantRecords(data)) == read(MemoryRecords(data))
    assert TolerantRecords(data).size_in_bytes() == MemoryRecords(data).size_in_bytes()
    assert not TolerantRecords(data[:40]).has_next()
