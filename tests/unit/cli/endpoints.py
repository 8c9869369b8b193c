"""A worker as `onoma top` sees one: real metrics and probes on a real port, and no worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from onoma.cli.scraping import Scrape, parsed
from onoma.metrics import Metrics
from onoma.settings import Server
from onoma.stream.health import Health, HealthServer


def new_metrics(version: str = "1.2.3") -> Metrics:
    """Return the metrics of a worker that just started."""
    metrics = Metrics(languages=["ha", "yo"], labels=["PER", "LOC"], model="fake")
    metrics.info("build_info", version=version, sha256="c" * 64, runtime="none")
    metrics.info("model_info", model="fake", version="7", sha256="a" * 64, precision="int8")
    metrics.set("model_last_reload_success_timestamp_seconds", 1000.0)
    return metrics


def scrape(metrics: Metrics, at: float, worker: str = "w") -> Scrape:
    """Return what a worker with `metrics` says at a time."""
    return Scrape(worker, at, parsed(metrics.exposition().decode()))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address, and what is to be said there."""

    address: str
    metrics: Metrics
    health: Health


@contextmanager
def serving() -> Iterator[Endpoint]:
    """Serve the metrics of a worker that is ready."""
    metrics, health = new_metrics(), Health()
    health.started = health.joined = health.broker_answers = True
    server = HealthServer(Server(port=0), health, metrics.exposition)
    server.start()
    try:
        yield Endpoint(server.address, metrics, health)
    finally:
        server.stop()
