"""A worker as operators run it: a process with a YAML file, asked over HTTP, ended by signals."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

START_SECONDS = 60.0
END_SECONDS = 60.0
POLL_SECONDS = 0.05
STARTED = ("worker started", "canary started")
REPOSITORY = Path(__file__).parents[2]

Config = Mapping[str, Mapping[str, object]]


class Worker:
    """One worker; after its end `start` runs it again with the same settings."""

    def __init__(
        self,
        directory: Path,
        config: Config,
        *,
        program: tuple[str, ...] = ("onoma",),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.config_file = directory / "onoma.yaml"
        self.log_file = directory / "worker.log"
        self._program = program
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._address = ""
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Write the settings for the next start."""
        with_any_port = {"server": {"port": 0}, **config}
        self.config_file.write_text(yaml.safe_dump(with_any_port), "utf-8")

    @property
    def pid(self) -> int:
        """The running process; an AssertionError with its log if there is none."""
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"the worker is not running; its log:\n{self.log}")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Say whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the process ended, minus the signal's number if one killed it; None while it runs or
        before its first start.
        """
        return self._process.poll() if self._process is not None else None

    def start(self, *, program: tuple[str, ...] | None = None) -> None:
        """Start the process, which need not be ready when this returns."""
        if self._process is not None and self._process.poll() is None:
            raise AssertionError("the worker is running already")
        self._address = ""
        self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        command = [sys.executable, "-m", *(program or self._program)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "run", "--config", str(self.config_file)],
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.kill)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command with the worker's settings to its end."""
        return subprocess.run(
            [sys.executable, "-m", "onoma", *arguments, "--config", str(self.config_file)],
            cwd=REPOSITORY,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
        )

    def wait_ready(self) -> None:
        """Wait until /readyz says 200."""
        self.wait_until(lambda: self.probe("/readyz") == 200, "it is ready", START_SECONDS)

    def wait_until(
        self, holds: Callable[[], bool], what: str, timeout_seconds: float = END_SECONDS
    ) -> None:
        """Wait for something that the running worker brings about."""

        def running_and_holds() -> bool:
            return self.pid > 0 and holds()

        try:
            wait_until(running_and_holds, what, timeout_seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}; its log:\n{self.log}") from None

    def wait_for_end(self, timeout_seconds: float = END_SECONDS) -> int:
        """Wait until the process ends by itself; return its exit code, minus the signal's number
        if one killed it.
        """
        if self._process is None:
            raise AssertionError("the worker was never started")
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"the worker still runs after {timeout_seconds:.0f} s; its log:\n{self.log}"
            ) from None

    def terminate(self) -> None:
        """Send SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def stop(self, timeout_seconds: float = END_SECONDS) -> int:
        """Send SIGTERM and return the exit code."""
        self.terminate()
        return self.wait_for_end(timeout_seconds)

    def kill(self) -> None:
        """End it as a lack of memory would; a worker that has ended already stays ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(END_SECONDS)
        atexit.unregister(self.kill)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the process as a paused machine is stopped, then let it go on."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def probe(self, path: str) -> int | None:
        """Return the status that `path` answers with, None while nobody answers."""
        if not self._find_address():
            return None
        return status_of(self._address + path)

    @property
    def address(self) -> str:
        """Where it serves metrics and probes."""
        if not self._find_address():
            raise AssertionError(f"the worker serves nothing yet; its log:\n{self.log}")
        return self._address

    def exposition(self) -> str:
        """Return /metrics as it stands there."""
        with urllib.request.urlopen(self.address + "/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
        return text

    def samples(self, name: str, **labels: str) -> list[float]:
        """Return the values of `name` (with its prefix) that have these labels."""
        return [
            sample.value
            for family in text_string_to_metric_families(self.exposition())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of `name` (with its prefix) that have these labels."""
        values = self.samples(name, **labels)
        if not values:
            raise AssertionError(f"found no sample of {name} with {labels}")
        return sum(values)

    @property
    def log(self) -> str:
        """All that the process wrote since its last start."""
        return self.log_file.read_bytes()[self._log_start :].decode(errors="replace")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log lines since its last start that are JSON."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def _find_address(self) -> bool:
        if not self._address:
            started = [e for e in self.events if e.get("event") in STARTED]
            self._address = started[0]["address"] if started else ""
        return bool(self._address)


def status_of(url: str) -> int | None:
    """Return the status that `url` answers with, None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


def wait_until(holds: Callable[[], bool], what: str, timeout_seconds: float = END_SECONDS) -> None:
    """Ask until `holds`; a TimeoutError says what was waited for."""
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_seconds:.0f} s in vain until {what}")
        time.sleep(POLL_SECONDS)
