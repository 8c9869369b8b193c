"""Prometheus, Alertmanager and who listens to them, as processes and threads of a test's own.

All listen on 127.0.0.1 and end with the test. `scaled` makes the committed rules fit into a test:
every duration in them (ranges, `for`, intervals of groups) is divided by SCALE, numbers that are
compared are not touched.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import yaml

from tests.kafka.process import free_ports
from tests.stream.worker import wait_until

SCALE = 60
SCRAPE_SECONDS = 1
STOP_SECONDS = 20
HOST = "127.0.0.1"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RANGE = re.compile(r"\[([0-9]+)(ms|s|m|h|d)\]")


def shorter(duration: str) -> str:
    """Return a duration divided by SCALE."""
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m|h|d)", duration).groups()  # type: ignore[union-attr]  # the files' own
    return f"{int(number) * _UNITS[unit] // SCALE}ms"


def scaled(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file of rules with shorter times."""
    groups = []
    for group in rules["groups"]:
        changed = [{**rule, "expr": short_ranges(rule["expr"])} for rule in group["rules"]]
        for rule in changed:
            if "for" in rule:
                rule["for"] = shorter(rule["for"])
        groups.append({**group, "interval": f"{SCRAPE_SECONDS}s", "rules": changed})
    return {"groups": groups}


def short_ranges(expr: str) -> str:
    """Return an expression with shorter ranges."""
    return _RANGE.sub(lambda found: f"[{shorter(found[1] + found[2])}]", expr)


class _Program:
    """A process that serves HTTP, and its log."""

    def __init__(self, directory: Path, *command: str) -> None:
        (self.port,) = free_ports(1)
        directory.mkdir(parents=True)
        self.log_file = directory / "log"
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, f"--web.listen-address={HOST}:{self.port}"],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        wait_until(self._ready, f"it is ready; see {self.log_file}")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Alertmanager(_Program):
    """Alertmanager with a file of ours."""

    def __init__(self, directory: Path, config: Mapping[str, Any]) -> None:
        file = directory.with_suffix(".yaml")
        file.write_text(yaml.safe_dump(dict(config)), "utf-8")
        super().__init__(
            directory,
            "prometheus-alertmanager",
            f"--config.file={file}",
            "--storage.path=data",
            "--cluster.listen-address=",
        )


class Prometheus(_Program):
    """Prometheus that scrapes `targets` (addresses by job) and judges `rules`."""

    def __init__(
        self,
        directory: Path,
        targets: Mapping[str, str],
        rules: Sequence[Mapping[str, Any]],
        alertmanager: Alertmanager,
    ) -> None:
        files = []
        for number, each in enumerate(rules):
            files.append(directory.with_name(f"rules-{number}.yaml"))
            files[-1].write_text(yaml.safe_dump(dict(each)), "utf-8")
        interval = f"{SCRAPE_SECONDS}s"
        config = {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [str(path) for path in files],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [address]}]}
                for job, address in targets.items()
            ],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [f"{HOST}:{alertmanager.port}"]}]}
                ]
            },
        }
        file = directory.with_suffix(".yaml")
        file.write_text(yaml.safe_dump(config), "utf-8")
        super().__init__(
            directory, "prometheus", f"--config.file={file}", "--storage.tsdb.path=data"
        )

    def query(self, expr: str, start: float, end: float) -> list[dict[str, Any]]:
        """Return the series of an expression from `start` to `end`, a value a second."""
        asked = {"query": expr, "start": start, "end": end, "step": SCRAPE_SECONDS}
        url = f"http://{HOST}:{self.port}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expr}: {error.code} {error.read().decode()}") from None


class Listener:
    """Serves one page, and keeps what is posted: an exporter or a webhook."""

    def __init__(self) -> None:
        self.page = ""
        self.posted: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(outer.page.encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append(json.loads(body))
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def heard(self, alert: str, status: str = "firing") -> list[dict[str, Any]]:
        """Return the notifications of an alert."""
        return [
            each
            for message in list(self.posted)
            for each in message["alerts"]
            if each["labels"]["alertname"] == alert and each["status"] == status
        ]
