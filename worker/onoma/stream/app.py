"""The composition root: settings in, a running worker out. Every part is made here and handed to
those that need it.

Faust is the shell: the app, the worker process, the service tree, signals. It boots without Kafka;
documents never pass through its agents (docs/architecture.md, "Why Faust is only the shell").
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import faust
import msgspec
import structlog
from faust.app.base import BootStrategy

from onoma import logs
from onoma.contracts.entities import ArtefactVersion, ModelVersion
from onoma.contracts.notice import Announced
from onoma.contracts.policy import DEFAULT_POLICY, PinnedPolicy, Policy
from onoma.errors import FatalError, WrongUseError
from onoma.gazetteer.manifest import MANIFEST_NAME
from onoma.gazetteer.served import NO_LISTS, ServedLists, sha256_of_list
from onoma.metrics import Metrics
from onoma.pipeline import Versions
from onoma.registry import bundle
from onoma.registry.runtime import worker_version
from onoma.registry.signing import PublicKeys, read_public_keys
from onoma.registry.store import Store
from onoma.registry.store import bundle_of as stored_bundle_of
from onoma.settings import Settings
from onoma.stream.control import Control
from onoma.stream.documents import Documents, Parts
from onoma.stream.faultpoints import Faultpoints
from onoma.stream.health import Health, HealthServer
from onoma.stream.notices import Followed, Notices
from onoma.stream.patience import be_patient_with_joins
from onoma.stream.serving import (
    Current,
    configured_lists,
    describe_model,
    languages_of,
    list_loader,
    list_retractor,
    model_loader,
)
from onoma.stream.stages import Stages
from onoma.stream.tolerant import accept_any_header_name
from onoma.stream.watchdog import Guard

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
    return bundle.load(bundle_directory(settings), allow_ungated=settings.model.allow_ungated)


def bundle_directory(settings: Settings) -> Path:
    """Return the directory of the model of the settings."""
    return settings.model.path or bundle.default_directory()


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
    if problems := policy.problems():
        raise WrongUseError("\n".join(f"policy.path: {path}: {line}" for line in problems))
    return PinnedPolicy(policy)


def pinned_versions(
    settings: Settings, model: bundle.Model, lists: ServedLists = NO_LISTS
) -> Versions:
    """Return what decides about documents under these settings."""
    return Versions(
        recogniser=model.recogniser,
        model=model.version,
        languages=languages_of(model),
        policy=load_policy(settings.policy.path),
        worker=worker_version(),
        cluster=settings.kafka.cluster_name,
        lists=lists,
    )


def threads_of(settings: Settings) -> int:
    """Return the number of inference threads: as set, else the processors we may use."""
    return settings.processing.threads or len(os.sched_getaffinity(0))


def run(settings: Settings) -> None:
    """Run a worker until SIGTERM or Ctrl-C. Raises FatalError, and the process should end."""
    logs.configure(level=settings.logs.level, format_=settings.logs.format)
    accept_any_header_name()
    be_patient_with_joins(settings.kafka.rebalance_timeout_seconds)
    current, metrics = _begun(settings)
    Faultpoints(settings.faults).announce()
    guard = Guard(settings, metrics)
    health = Health()
    control = new_control(settings, current, metrics, health, guard.stages)
    server = HealthServer(settings.server, health, metrics.exposition)
    server.start()
    health.started = True
    log.info(
        "worker started", address=server.address, model=current().model.name, **_story(settings)
    )
    guard.start()
    try:
        where = partial(bundle_of, settings)
        parts = Parts(settings, current, metrics, health, guard.stages, where, control)
        _run_faust(settings, parts)
    finally:
        guard.stop()
        server.stop()


def _begun(settings: Settings) -> tuple[Current, Metrics]:
    """Return what is served first. Nothing else may hold the model: a swap is to free it."""
    started = time.perf_counter()
    model = load_model(settings)
    metrics = Metrics(languages=(), labels=(), model=model.manifest.name)
    describe_model(metrics, model, time.perf_counter() - started)
    worker = worker_version()
    metrics.info("build_info", version=worker.version, sha256=worker.sha256, runtime=worker.runtime)
    lists = configured_lists(settings, metrics)
    return Current(pinned_versions(settings, model, lists)), metrics


def new_control(
    settings: Settings, current: Current, metrics: Metrics, health: Health, stages: Stages
) -> Control | None:
    """Return what follows the control topics; None without a store."""
    if settings.store.path is None:
        return None
    # Nothing was announced yet: what is served is what the settings name.
    retract = list_retractor(metrics, current().lists)
    lists = Followed("gazetteer", settings.topics.gazetteers, list_loader(metrics), retract)
    followed = (Followed("model", settings.topics.models, model_loader(settings, metrics)), lists)
    notices = Notices(
        {each.topic: each for each in followed},
        store=open_store(settings),
        keys=public_keys(settings),
        wait_seconds=settings.store.wait_seconds,
        current=current,
        metrics=metrics,
        stages=stages,
    )
    topics = tuple(each.topic for each in followed)
    return Control(topics, notices, settings=settings, health=health)


def bundle_of(settings: Settings, versions: Versions) -> Path:
    """Return where the very model of a document's versions lies. Raises BundleError."""
    return directory_of(settings, versions.model)


def directory_of(settings: Settings, version: ModelVersion) -> Path:
    """Return where the model that an event names lies. Raises BundleError."""
    store = open_store(settings) if settings.store.path else None
    others = (bundle_directory(settings), bundle.default_directory())
    return stored_bundle_of(version, store, others)


def list_directory_of(settings: Settings, version: ArtefactVersion) -> Path:
    """Return where the list that an event names lies. Raises FatalError."""
    places: list[Path] = list(settings.gazetteers.lists)
    if settings.store.path:
        announced = Announced(version.name, version.version, version.sha256)
        places.append(open_store(settings).directory_of("gazetteer", announced))
    for directory in places:
        if (directory / MANIFEST_NAME).is_file() and sha256_of_list(directory) == version.sha256:
            return directory
    raise FatalError(
        f"made with the list {version.name} {version.version} (sha256 {version.sha256}); set "
        "store.path to the store that has it, or gazetteers.lists to where it lies"
    )


def open_store(settings: Settings) -> Store:
    """Return the store of the settings. Raises WrongUseError where there is none."""
    path = settings.store.path
    if path is None:
        raise WrongUseError("store.path: found none, wanted the directory of announced versions")
    if not path.is_dir():
        raise WrongUseError(f"store.path: {path} is no directory; make it, or mount it here")
    return Store(path)


def public_keys(settings: Settings) -> PublicKeys:
    """Return the keys that notices have to be signed with; none where that is not asked for."""
    path = settings.store.public_key_file
    return () if path is None else read_public_keys(path)


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


def _story(settings: Settings) -> dict[str, object]:
    return {
        "delivery": settings.delivery.mode,
        "topic": settings.topics.documents,
        "group": settings.kafka.group_id,
        "threads": threads_of(settings),
    }
