"""The proxy forwards, and misbehaves as it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import HOST, Proxy

PATIENCE_SECONDS = 0.3


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Give a proxy before a server that answers everything with itself."""
    with socket.create_server((HOST, 0)) as server, Proxy() as proxy:
        proxy.upstream_port = server.getsockname()[1]
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        yield proxy


def _echo(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(100):
                connection.sendall(data)
        except OSError:
            return


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection((HOST, proxy.port), timeout=10)


def test_what_is_sent_arrives_and_comes_back(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"hello")

        assert client.recv(100) == b"hello"


def test_a_reset_breaks_open_connections_and_new_ones_work(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"hello")
        client.recv(100)
        proxy.reset()

        with pytest.raises(ConnectionResetError):
            client.recv(100)
    with connected(proxy) as client:
        client.sendall(b"again")

        assert client.recv(100) == b"again"


def test_a_connection_that_was_half_open_is_lost_for_good_and_stays_open(proxy: Proxy) -> None:
    with connected(proxy) as client:
        client.sendall(b"hello")
        client.recv(100)
        client.settimeout(PATIENCE_SECONDS)
        proxy.half_open = True
        client.sendall(b"into the dark")
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.half_open = False
        client.sendall(b"still there?")

        with pytest.raises(TimeoutError):
            client.recv(100)
