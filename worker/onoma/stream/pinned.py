"""Finds what decided about an event: model, lists and policy by the hashes that its evidence names.

For replay, which computes an event again. The rule: a version is another one when its hash is; it
is never replaced by what is configured now.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from onoma.contracts.entities import ArtefactVersion, ModelVersion, WorkerVersion
from onoma.errors import FatalError
from onoma.gazetteer.served import ServedList, ServedLists, open_all, open_served
from onoma.pipeline import Versions
from onoma.registry import bundle
from onoma.registry.gate_record import UNGATED
from onoma.settings import Settings
from onoma.stream.app import (
    directory_of,
    list_directory_of,
    load_model,
    load_policy,
    pinned_versions,
)
from onoma.stream.outcomes import Evidence

_Key = tuple[tuple[ModelVersion, ...], tuple[ArtefactVersion, ...], ArtefactVersion, WorkerVersion]


class PinnedVersions:
    """Loads each version once; one that is not there is looked for once, too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policy = load_policy(settings.policy.path)
        self._found: dict[_Key, Versions | FatalError] = {}
        self._models: dict[ModelVersion, bundle.Model] = {}
        self._lists: dict[ArtefactVersion, ServedList] = {}

    @cached_property
    def configured(self) -> Versions:
        """What decides now, for documents that were rejected: dead letters name no model."""
        model, lists = load_model(self._settings), open_all(self._settings.gazetteers.lists)
        return pinned_versions(self._settings, model, lists)

    def versions_of(self, evidence: Evidence) -> Versions:
        """Return what decided about an event. Raises FatalError where a part is not there."""
        key = (evidence.models, evidence.gazetteers, evidence.policy, evidence.worker)
        if key not in self._found:
            try:
                self._found[key] = self._load(evidence)
            except FatalError as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, FatalError):
            raise found
        return found

    def _load(self, evidence: Evidence) -> Versions:
        if len(evidence.models) != 1:
            raise FatalError("made by more than one model: not replayed yet")
        if evidence.policy != self._policy.version:
            named = evidence.policy
            raise FatalError(
                f"made under policy {named.name} {named.version} (sha256 {named.sha256}); set "
                "policy.path to that one"
            )
        lists = ServedLists.of(map(self._list, evidence.gazetteers))
        versions = pinned_versions(self._settings, self._model(evidence.models[0]), lists)
        # The worker's name says who computed it, and is told; it decides nothing about the rest.
        return replace(versions, worker=evidence.worker)

    def _list(self, version: ArtefactVersion) -> ServedList:
        if version not in self._lists:
            self._lists[version] = open_served(list_directory_of(self._settings, version))
        return self._lists[version]

    def _model(self, version: ModelVersion) -> bundle.Model:
        if version not in self._models:
            directory = directory_of(self._settings, version)
            # It serves nobody here: an ungated model is compared as it was used.
            allow_ungated = version.gate == UNGATED
            self._models[version] = bundle.load(directory, allow_ungated=allow_ungated)
        return self._models[version]
