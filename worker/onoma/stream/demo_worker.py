"""Runs `onoma run` as a process of its own for the demo, and ends it whatever happens.

The worker of the demo is the worker of production: same program, same settings file, same probes.
Its rule: it never outlives the demo.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import yaml

from onoma.errors import FatalError

HOST = "127.0.0.1"
STOP_SECONDS = 20.0
"""After SIGTERM; then it is killed. Above the drain and the clients' own bounds."""
HTTP_SECONDS = 5.0
LOG_LINES = 15
_PR_SET_PDEATHSIG = 1  # prctl(2)


def write_settings(path: Path, bootstrap: str, port: int, watch_list: Path) -> None:
    """Write the settings file of the demo's worker, which the other commands can use too."""
    values = {
        "kafka": {
            "bootstrap_servers": bootstrap,
            "cluster_name": "demo",
            "group_id": "onoma-demo",
            # The demo broker takes as long as this to notice that a member is gone.
            "session_timeout_seconds": 6,
            "heartbeat_interval_seconds": 1,
        },
        "delivery": {"mode": "at_least_once"},
        "gazetteers": {"lists": [str(watch_list)]},
        "server": {"host": HOST, "port": port},
        "shutdown": {"drain_seconds": 5},
        "logs": {"level": "warning", "format": "console"},
    }
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")


def free_port() -> int:
    """Return a port that nobody listens on now; who takes it meanwhile is named by the worker."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(
    config: Path, log: Path, *, model: Path | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a worker; when this ends it gets SIGTERM, is awaited, and killed if that fails."""
    arguments = ["run", "--config", str(config), *(["--model", str(model)] if model else [])]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "onoma", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal is for the demo, which then stops its worker in order.
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
    try:
        yield process
    finally:
        await _end(process)


def last_lines(log: Path) -> str:
    """Return the end of the worker's log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES:])


def metrics(port: int) -> list[str]:
    """Return the lines of the worker's /metrics, without comments."""
    connection = HTTPConnection(HOST, port, timeout=HTTP_SECONDS)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    except (OSError, HTTPException) as error:
        raise FatalError(f"the worker's metrics can't be read: {error}") from error
    finally:
        connection.close()
    return [line for line in lines if not line.startswith("#")]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def end_with_parent() -> Callable[[], None] | None:
    """Return what lets Linux end the worker with a demo that was killed and could not do it."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)  # loaded before the fork: after it nothing may be

    def ask() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask
