"""The composition root: settings in, a running worker out. Every part is made here and handed to
those that need it.

Faust is the shell: the app, the worker process, the service tree, signals. It boots without Kafka;
documents never pass through its agents (docs/architecture.md, "Why Faust is only the shell").
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import faust
import msgspec
import structlog
from faust.app.base import BootStrategy

from onoma import logs
from onoma.contracts.policy import DEFAULT_POLICY, PinnedPolicy, Policy
from onoma.errors import FatalError, WrongUseError
from onoma.metrics import Metrics
from onoma.pipeline import SupportedLanguages, Versions
from onoma.registry import bundle
from onoma.registry.gate_record import UNGATED
from onoma.registry.runtime import worker_version
from onoma.settings import Settings
from onoma.stream.documents import Documents, Parts
from onoma.stream.health import Health, HealthServer

log = structlog.get_logger(__name__)


class _BootWithoutKafka(BootStrategy):
    enable_kafka = False
    enable_web = False


class _App(faust.App):
    BootStrategy = _BootWithoutKafka

    def _create_directories(self) -> None:
        """Make none: the worker has no tables, and its file system may be read-only."""


def load_model(settings: Settings) -> bundle.Model:
    """Return the model of the settings, verified, gated and warm. Raises BundleError."""
    directory = settings.model.path or bundle.default_directory()
    return bundle.load(directory, allow_ungated=settings.model.allow_ungated)


def load_policy(path: Path | None) -> PinnedPolicy:
    """Return the policy of the file `path`, the built-in one without it."""
    if path is None:
        return PinnedPolicy(DEFAULT_POLICY)
    try:
        policy = msgspec.json.decode(path.read_bytes(), type=Policy)
    except OSError as error:
        raise WrongUseError(f"policy.path: {path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise WrongUseError(f"policy.path: {path} is not a policy.v1: {error}") from error
    if idle := policy.idle_names():
        raise WrongUseError("\n".join(f"policy.path: {path}: {line}" for line in idle))
    return PinnedPolicy(policy)


def pinned_versions(settings: Settings, model: bundle.Model) -> Versions:
    """Return what decides about documents under these settings."""
    languages = model.manifest.languages
    return Versions(
        recogniser=model.recogniser,
        model=model.version,
        languages=SupportedLanguages(frozenset(languages.trained), frozenset(languages.zero_shot)),
        policy=load_policy(settings.policy.path),
        worker=worker_version(),
        cluster=settings.kafka.cluster_name,
    )


def new_metrics(model: bundle.Model) -> Metrics:
    """Return the metrics of a worker that serves `model`."""
    manifest = model.manifest
    return Metrics(
        languages=[*manifest.languages.trained, *manifest.languages.zero_shot],
        labels={label[2:] for label in manifest.labels if label != "O"},
        model=manifest.name,
    )


def threads_of(settings: Settings) -> int:
    """Return the number of inference threads: as set, else the processors we may use."""
    return settings.processing.threads or len(os.sched_getaffinity(0))


def run(settings: Settings) -> None:
    """Run a worker until SIGTERM or Ctrl-C. Raises FatalError, and the process should end."""
    logs.configure(level=settings.logs.level, format_=settings.logs.format)
    started = time.perf_counter()
    model = load_model(settings)
    if model.gate == UNGATED:
        log.warning("ungated model served", model=model.manifest.name, sha256=model.sha256)
    versions = pinned_versions(settings, model)
    metrics = new_metrics(model)
    _describe(metrics, model, time.perf_counter() - started)
    health = Health()
    server = HealthServer(settings.server, health, metrics.exposition)
    server.start()
    health.started = True
    log.info(
        "worker started", address=server.address, model=model.manifest.name, **_story(settings)
    )
    try:
        _run_faust(settings, Parts(settings, lambda: versions, metrics, health))
    finally:
        server.stop()


def _run_faust(settings: Settings, parts: Parts) -> None:
    app = new_app(settings, parts)
    worker = faust.Worker(
        app,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
        loglevel=settings.logs.level.upper(),
    )
    worker.spinner = None
    try:
        worker.execute_from_commandline()
    except SystemExit as exit_:
        reason = worker.crash_reason or app.crash_reason
        if isinstance(reason, FatalError):
            raise reason from None
        if reason is not None:
            raise FatalError(
                f"stopped by a fault in Onoma, {type(reason).__name__}; nothing uncommitted was "
                f"lost"
            ) from reason
        if exit_.code:
            raise FatalError(f"stopped with exit code {exit_.code}") from None


def new_app(settings: Settings, parts: Parts) -> faust.App:
    """Return the Faust app whose one service is the documents'."""
    app = _App(
        settings.kafka.group_id,
        broker="kafka://" + settings.kafka.bootstrap_servers.replace(",", ";"),
        store="memory://",
        datadir=str(Path(tempfile.gettempdir()) / "onoma-unused"),
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        autodiscover=False,
    )

    class Service(Documents):
        def __init__(self, **options: Any) -> None:
            super().__init__(parts, threads=threads_of(settings), **options)

    app.service(Service)
    return app


def _describe(metrics: Metrics, model: bundle.Model, load_seconds: float) -> None:
    version, worker = model.version, worker_version()
    metrics.info(
        "model_info",
        model=version.name,
        version=version.version,
        sha256=version.sha256,
        precision="int8",
    )
    metrics.set("model_load_duration_seconds", load_seconds)
    metrics.set("model_last_reload_success_timestamp_seconds", time.time())
    metrics.info("build_info", version=worker.version, sha256=worker.sha256, runtime=worker.runtime)


def _story(settings: Settings) -> dict[str, object]:
    return {
        "delivery": settings.delivery.mode,
        "topic": settings.topics.documents,
        "group": settings.kafka.group_id,
        "threads": threads_of(settings),
    }
