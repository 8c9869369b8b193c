"""Answers Prometheus and Kubernetes on a thread of its own, so that a stuck event loop can't
silence it.

`/startupz` is true once the model is loaded and warm. `/livez` is true while the event loop's
heartbeat is young; Kafka has no part in it, since restarting a worker mends no broker. `/readyz` is
true while the worker can work: model loaded, control topics read to their end, in the group with
its partitions, broker answering.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from onoma.errors import WrongUseError
from onoma.settings import Server

STALE_HEARTBEAT_SECONDS = 30.0


class Health:
    """What the probes say; written by the event loop, read by the server's threads."""

    def __init__(self) -> None:
        self._heartbeat = time.monotonic()
        self.started = False
        self.caught_up = True
        self.joined = False
        self.broker_answers = False

    def beat(self) -> None:
        """Note that the event loop is alive."""
        self._heartbeat = time.monotonic()

    def startup_problem(self) -> str | None:
        """Return why the worker is not started, None if it is."""
        return None if self.started else "the model is not loaded yet"

    def live_problem(self) -> str | None:
        """Return why the worker should be restarted, None if it should not."""
        silent = time.monotonic() - self._heartbeat
        if silent > STALE_HEARTBEAT_SECONDS:
            return f"the event loop has been stuck for {silent:.0f} s"
        return None

    def ready_problem(self) -> str | None:
        """Return why the worker can't work now, None if it can."""
        if problem := self.startup_problem():
            return problem
        if not self.caught_up:
            return (
                "the control topics are not read to their end, or what they announce is not there"
            )
        if not self.broker_answers:
            return "the broker does not answer"
        return None if self.joined else "the group has assigned no partitions yet"


class HealthServer:
    """Serves /metrics, /startupz, /livez and /readyz."""

    def __init__(self, settings: Server, health: Health, exposition: Callable[[], bytes]) -> None:
        try:
            self._server = _server(settings, health, exposition)
        except OSError as error:
            raise WrongUseError(
                f"server.port: found {settings.port} on server.host {settings.host}, which can't "
                f"be "
                f"listened on ({error.strerror}); choose another, 0 takes any free one"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="onoma-health", daemon=True
        )

    @property
    def address(self) -> str:
        """Return the URL that it serves on."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Start serving."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _server(
    settings: Server, health: Health, exposition: Callable[[], bytes]
) -> ThreadingHTTPServer:
    probes = {
        "/startupz": health.startup_problem,
        "/livez": health.live_problem,
        "/readyz": health.ready_problem,
    }

    class Handler(BaseHTTPRequestHandler):
        server_version = "onoma"
        sys_version = ""
        timeout: ClassVar[float] = 5.0

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, exposition(), "text/plain; version=0.0.4; charset=utf-8")
            elif path in probes:
                problem = probes[path]()
                self._answer(503 if problem else 200, f"{problem or 'ok'}\n".encode(), "text/plain")
            else:
                paths = ", ".join(["/metrics", *probes])
                self._answer(404, f"there is {paths}\n".encode(), "text/plain")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: probes come every few seconds."""

    return ThreadingHTTPServer((settings.host, settings.port), Handler)
