"""Asks workers for their metrics and health, as Prometheus and Kubernetes do (`onoma top`).

Its rule: what a worker answers is data from a network. It is bounded in size and time, and whatever
goes wrong is that worker's `NoAnswer`, never an error of the others.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from onoma.errors import WrongUseError
from onoma.metrics import CATALOGUE, PREFIX
from onoma.settings import Server

TIMEOUT_SECONDS = 3.0
MAX_ANSWER_BYTES = 32 * 1024**2
AT_A_TIME = 16
METRICS = "/metrics"

Labels = frozenset[tuple[str, str]]
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 (compared only)
_NAMES = frozenset(metric.name for metric in CATALOGUE)
# No proxy: what is asked stands on this machine or in its cluster.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one worker said at a time; `at` is monotonic, `problem` why it can't work, if so.

    `series` has each sample's values by labels, its name without the prefix.
    """

    worker: str
    at: float
    series: Mapping[str, Mapping[Labels, float]]
    state: str = "ready"
    problem: str | None = None

    def values(self, name: str, suffix: str = "") -> Mapping[Labels, float]:
        """Return the values of a metric of the catalogue by their labels."""
        if name not in _NAMES:
            raise KeyError(f"no metric of the catalogue is called {name}")
        return self.series.get(name + suffix, {})


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A worker that could not be asked, and why."""

    worker: str
    problem: str
    state: str = "no answer"


Answer = Scrape | NoAnswer


def local_address(server: Server) -> str:
    """Return the address of a worker with these settings on this machine. Raises WrongUseError."""
    if server.port == 0:
        raise WrongUseError(
            "server.port: found 0, any free port, which only the worker's log names; wanted an "
            "address, say onoma top http://HOST:PORT"
        )
    host = _EVERYWHERE.get(server.host, server.host)
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def base_address(given: str) -> str:
    """Return the address that probes and metrics lie below, of a URL or a plain HOST:PORT.

    Raises WrongUseError.
    """
    url = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is no number, of a bracket that isn't closed
        valid = False
    if not valid or parts.query or parts.fragment or parts.username or parts.password:
        raise WrongUseError(
            f"found {given!r}; wanted the address of a worker, such as http://127.0.0.1:9108 or "
            "10.1.2.3:9108"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix(METRICS).rstrip('/')}"


def ask_all(addresses: Sequence[str]) -> list[Answer]:
    """Return the answers of the workers, in their order; asked beside each other."""
    with ThreadPoolExecutor(max_workers=min(len(addresses), AT_A_TIME)) as pool:
        return list(pool.map(ask, addresses))


def ask(address: str) -> Answer:
    """Return what the worker at `address` says now."""
    worker = address.partition("://")[2]
    try:
        status, body = _get(address + METRICS)
        at = time.monotonic()
        if status != 200:
            return NoAnswer(worker, f"{METRICS} answered {status}")
        series = parsed(body.decode())
        state, problem = _health(address)
    except (OSError, HTTPException) as error:
        return NoAnswer(worker, _said(error))
    except ValueError:
        return NoAnswer(worker, f"{METRICS} answered, but not in Prometheus' text format")
    if "build_info" not in series:
        return NoAnswer(worker, f"{METRICS} answered, but not as a worker of Onoma does")
    return Scrape(worker, at, series, state, problem)


def parsed(text: str) -> Mapping[str, Mapping[Labels, float]]:
    """Return the values of Onoma's samples by name, without the prefix, and labels. Raises
    ValueError.
    """
    series: dict[str, dict[Labels, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        if family.name.startswith(PREFIX):
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX)
                series[name][frozenset(sample.labels.items())] = sample.value
    return series


def _health(address: str) -> tuple[str, str | None]:
    """Return the state and its reason; metrics may be reachable where probes are not."""
    for path, otherwise in (("/livez", "stuck"), ("/readyz", "not ready")):
        status, body = _get(address + path)
        if status == 503:
            return otherwise, body.decode(errors="replace").strip()
        if status != 200:
            return "unknown", None
    return "ready", None


def _get(url: str) -> tuple[int, bytes]:
    try:
        with _opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read(MAX_ANSWER_BYTES + 1)
            if len(body) > MAX_ANSWER_BYTES:
                raise OSError(f"answered with more than {MAX_ANSWER_BYTES} bytes")
            return answer.status, body
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(MAX_ANSWER_BYTES)


def _said(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS:.0f} s"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
