"""A connection that swallows everything is given up soon, but not for a join."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.metadata import MetadataRequest

from onoma.stream.patience import PatientConnection

SHORT_SECONDS = 0.05
JOIN = JoinGroupRequest("group", 6000, 30_000, "", "", "consumer", [])
SYNC = SyncGroupRequest("group", 1, "member", "", [])


@pytest.fixture(autouse=True)
def _long_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientConnection, "join_seconds", 60.0, raising=False)


@asynccontextmanager
async def _to_a_black_hole() -> AsyncIterator[PatientConnection]:
    """Yield a connection to a server that reads all and answers nothing."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        swallowed.set()

    swallowed = asyncio.Event()
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = PatientConnection("127.0.0.1", port, request_timeout_ms=1000 * SHORT_SECONDS)
    connection._reader, connection._writer = await asyncio.open_connection("127.0.0.1", port)
    connection._versions = dict.fromkeys((3, 11, 14), (0, 1))
    try:
        yield connection
    finally:
        connection._writer.close()
        await connection._writer.wait_closed()
        await swallowed.wait()
        server.close()
        await server.wait_closed()


async def _still_waited_for(answer: Awaitable[Any]) -> bool:
    """Say whether it is still waited for long after the short limit."""
    waiting = asyncio.ensure_future(answer)
    done, _ = await asyncio.wait([waiting], timeout=10 * SHORT_SECONDS)
    waiting.cancel()
    if done:
        with pytest.raises(TimeoutError):
            waiting.result()
    return not done


def test_only_joins_and_syncs_are_waited_for_longer_than_the_usual_limit() -> None:
    async def waited_for() -> list[bool]:
        async with _to_a_black_hole() as connection:
            requests = (MetadataRequest([]), JOIN, SYNC, MetadataRequest([]))
            return [await _still_waited_for(connection.send(each)) for each in requests]

    assert asyncio.run(waited_for()) == [False, True, True, False]
