"""The broker as a process: its ports, its format, its start, its end however the tests end."""

from __future__ import annotations

import atexit
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable

from tests.kafka.certificates import make_certificates
from tests.kafka.configuration import Configuration, scram_arguments, server_properties
from tests.kafka.runtime import Runtime

FORMAT_TIMEOUT_SECONDS = 60.0
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 20.0
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
_LOG_TAIL_LINES = 30
# Below the range from which systems lend ports to outgoing connections: a client that knocks while
# the broker is down could otherwise be given the broker's own port, and connect to itself.
_LOWEST_PORT, _HIGHEST_PORT = 15_000, 32_000


class BrokerFailed(Exception):  # noqa: N818 (named for what happened)
    """The broker did not start; the message ends with the last lines of its log."""


def free_ports(count: int) -> list[int]:
    """Choose ports on loopback that nobody listens on; they stay ours by convention only."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.randint(_LOWEST_PORT, _HIGHEST_PORT)
        if port not in chosen and _is_free(port):
            chosen.append(port)
    return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class BrokerProcess:
    """One node on one directory and two ports, which it keeps from one start to the next."""

    def __init__(self, configuration: Configuration, runtime: Runtime) -> None:
        self.configuration = configuration
        self.log_file = configuration.directory / "broker.log"
        self._runtime = runtime
        self._properties_file = configuration.directory / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, or None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def launch(self, *, options: tuple[str, ...] = ()) -> None:
        """Start on the directory as it is; leave a running one alone."""
        if self.pid is not None:
            return
        self._prepare()
        command = self._runtime.command("kafka.Kafka", str(self._properties_file), options=options)
        with self.log_file.open("ab") as log:
            # A session of its own: Ctrl-C ends the tests, and the tests end the broker.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.end)

    def wait_for(self, answers: Callable[[], bool]) -> None:
        """Wait until it `answers`; end it if it does not."""
        try:
            self._wait_for(answers)
        except BaseException:
            self.end()
            raise

    def _wait_for(self, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not answers():
            if self.pid is None:
                raise BrokerFailed(f"the broker ended while starting; its log:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerFailed(
                    f"the broker gave no metadata in {START_TIMEOUT_SECONDS:.0f} s; "
                    f"its log:\n{self.log_tail()}"
                )

    def _prepare(self) -> None:
        configuration = self.configuration
        configuration.directory.mkdir(parents=True, exist_ok=True)
        settings = server_properties(configuration)
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self._properties_file.write_text(lines, "utf-8")
        if configuration.security.tls and not configuration.ca_file.exists():
            make_certificates(configuration.ca_file, configuration.broker_file)
        if not (configuration.directory / "data" / "meta.properties").exists():
            self._format()

    def _format(self) -> None:
        command = self._runtime.command(
            "kafka.tools.StorageTool",
            *("format", "-t", CLUSTER_ID, "-c", str(self._properties_file)),
            *scram_arguments(self.configuration.security),
        )
        with self.log_file.open("ab") as log:
            finished = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=FORMAT_TIMEOUT_SECONDS,
            )
        if finished.returncode != 0:
            raise BrokerFailed(f"the storage wasn't formatted; its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Give the last lines that the broker wrote."""
        if not self.log_file.exists():
            return "(empty)"
        lines = self.log_file.read_text("utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def stop(self) -> None:
        """End it as an operator would, by SIGTERM; by SIGKILL when that takes too long."""
        self._signal(signal.SIGTERM, STOP_TIMEOUT_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would, by SIGKILL, and wait until it is gone."""
        self._signal(signal.SIGKILL, STOP_TIMEOUT_SECONDS)
        self._process = None
        atexit.unregister(self.end)

    def end(self) -> None:
        """Leave no process behind."""
        self.stop()

    def _signal(self, number: signal.Signals, timeout_seconds: float) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            if number is signal.SIGKILL:
                raise
