"""A TCP proxy on loopback between workers and their broker that can be told to misbehave.

It resets what is open, holds bytes back, or lets connections go half-open: they stay, and nothing
that is sent on them arrives any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
END_SECONDS = 10.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dead: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            own: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()


class Proxy:
    """Forwards every connection to `upstream_port`, from a thread of its own."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.half_open = False
        self.upstream_port = 0
        self._listener = socket.create_server((HOST, 0))
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="proxy")

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(END_SECONDS)

    def reset(self) -> None:
        """Break all open connections off."""
        self._loop.call_soon_threadsafe(self._reset)

    def _reset(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._accept, sock=self._listener, limit=CHUNK_BYTES)
        )
        self._loop.run_forever()
        server.close()
        self._reset()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(HOST, self.upstream_port, limit=CHUNK_BYTES)
        except OSError:
            writer.close()
            return
        connection = _Connection(writer, upstream[1])
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(connection, reader, upstream[1]),
                self._pump(connection, upstream[0], writer),
            )
        except OSError:
            pass  # one side broke off, and so does the other
        finally:
            self._connections.discard(connection)
            connection.reset()

    async def _pump(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            # What passed through half-open once is lost, and the connection with it.
            connection.dead = connection.dead or self.half_open
            if connection.dead:
                continue
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
