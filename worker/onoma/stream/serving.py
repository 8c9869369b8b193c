"""What is served now: one reference to the `Versions` that documents take when they enter.

A swap replaces the reference on the event loop; a document keeps what it took, and when the last
one that took the old model is published, that model is gone. `model_loader` is what makes a notice
of topics.models such a swap: it runs in a thread, beside the model that serves; `list_loader` is
the same for lists.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from onoma.contracts.notice import Notice
from onoma.errors import BundleError, GazetteerError
from onoma.gazetteer.served import ServedList, ServedLists, open_served
from onoma.metrics import Metrics
from onoma.pipeline import SupportedLanguages, Versions
from onoma.registry import bundle
from onoma.registry.gate_record import UNGATED
from onoma.settings import Settings

log = structlog.get_logger(__name__)

Change = Callable[[Versions], Versions]
"""Puts what was loaded into its place; all that is left for the event loop to do."""
Load = Callable[[Notice, Path], Change]
"""Loads what a notice announced from its directory, verified and warm. Raises BundleError."""


class Current:
    """The versions that the next document takes; changed on the event loop alone."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def __call__(self) -> Versions:
        """Return them."""
        return self._versions

    def change(self, change: Change) -> None:
        """Let `change` say what they are from now on."""
        self._versions = change(self._versions)


def give_memory_back() -> None:
    """Hand freed memory to the system. glibc keeps it by thread: without this, a hundred models
    loaded one after the other held a hundred MiB that nobody used.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def languages_of(model: bundle.Model) -> SupportedLanguages:
    """Return what the manifest says of languages, as the pipeline asks for it."""
    languages = model.manifest.languages
    return SupportedLanguages(frozenset(languages.trained), frozenset(languages.zero_shot))


def describe_model(metrics: Metrics, model: bundle.Model, load_seconds: float) -> None:
    """Say in the metrics and the log what is served from now on."""
    version = model.version
    if model.gate == UNGATED:
        log.warning("ungated model served", model=version.name, sha256=version.sha256)
    languages = model.manifest.languages
    metrics.extend(
        languages=[*languages.trained, *languages.zero_shot],
        labels={label[2:] for label in model.manifest.labels if label != "O"},
        model=version.name,
    )
    metrics.info(
        "model_info",
        model=version.name,
        version=version.version,
        sha256=version.sha256,
        precision="int8",
    )
    metrics.set("model_load_duration_seconds", load_seconds)
    metrics.set("model_last_reload_success_timestamp_seconds", time.time())


def describe_list(metrics: Metrics, served: ServedList, load_seconds: float) -> None:
    """Say in the metrics and the log what is screened against from now on."""
    version = served.version
    metrics.extend_gazetteers([version.name])
    metrics.set("gazetteer_entries", served.size, gazetteer=version.name)
    metrics.info(
        "gazetteer_info",
        of={"gazetteer": version.name},
        version=version.version,
        sha256=version.sha256,
    )
    metrics.set("gazetteer_load_duration_seconds", load_seconds, gazetteer=version.name)
    metrics.set(
        "gazetteer_last_reload_success_timestamp_seconds", time.time(), gazetteer=version.name
    )
    log.info("list served", gazetteer=version.name, version=version.version, sha256=version.sha256)


def configured_lists(settings: Settings, metrics: Metrics) -> ServedLists:
    """Return the lists of the settings, opened and told of in metrics. Raises GazetteerError."""
    opened = []
    for directory in settings.gazetteers.lists:
        started = time.perf_counter()
        opened.append(open_served(directory))
        describe_list(metrics, opened[-1], time.perf_counter() - started)
    return ServedLists.of(opened)


def list_loader(metrics: Metrics) -> Load:
    """Return what loads the list of a notice."""

    def load(notice: Notice, directory: Path) -> Change:
        started = time.perf_counter()
        served = open_served(directory)
        found = served.version
        if (found.name, found.version, found.sha256) != (
            notice.name,
            notice.version,
            notice.sha256,
        ):
            raise GazetteerError(
                f"{directory}: holds {found.name} {found.version} (sha256 {found.sha256}), "
                f"announced was {notice.name} {notice.version} (sha256 {notice.sha256})"
            )
        seconds = time.perf_counter() - started

        def put(versions: Versions) -> Versions:
            describe_list(metrics, served, seconds)
            return replace(versions, lists=versions.lists.putting(served))

        return put

    return load


def list_retractor(metrics: Metrics, configured: ServedLists) -> Callable[[str], Change]:
    """Return what takes away a list that is announced no longer: the one of the settings serves
    again, as it would after a restart; none where they have none of that name.
    """
    own = {each.version.name: each for each in configured.lists}

    def retract(name: str) -> Change:
        def put(versions: Versions) -> Versions:
            if name in own:
                describe_list(metrics, own[name], load_seconds=0.0)
                return replace(versions, lists=versions.lists.putting(own[name]))
            metrics.extend_gazetteers([name])
            metrics.set("gazetteer_entries", 0, gazetteer=name)
            metrics.forget("gazetteer_info", name)
            return replace(versions, lists=versions.lists.without(name))

        return put

    return retract


def model_loader(settings: Settings, metrics: Metrics) -> Load:
    """Return what loads the model of a notice."""

    def load(notice: Notice, directory: Path) -> Change:
        started = time.perf_counter()
        model = bundle.load(
            directory, allow_ungated=settings.model.allow_ungated, sha256=notice.sha256
        )
        if (model.manifest.name, model.manifest.version) != (notice.name, notice.version):
            raise BundleError(
                f"{directory}: holds {model.manifest.name} {model.manifest.version}, announced was "
                f"{notice.name} {notice.version}"
            )
        seconds = time.perf_counter() - started

        def put(versions: Versions) -> Versions:
            describe_model(metrics, model, seconds)
            return replace(
                versions,
                recogniser=model.recogniser,
                model=model.version,
                languages=languages_of(model),
            )

        return put

    return load
