"""Two versions of the shipped model in a store, and what each of them makes of documents."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec

from onoma.contracts.notice import MODEL_KEY, Notice, encode
from onoma.contracts.records import Record
from onoma.pipeline import Annotated, Versions, process
from onoma.registry import bundle
from onoma.registry.gate import write_manifest
from onoma.registry.store import Store
from onoma.settings import Settings
from onoma.stream.app import pinned_versions
from tests.notices import kept
from tests.stream.topics import Message, Topics, publish
from tests.tiny_bundle import pass_unjudged

Values = dict[tuple[int, int], bytes]
"""Values of events by partition and offset of their document."""


def other_version(directory: Path, version: str = "other", **changes: Any) -> Path:
    """Write a bundle that answers otherwise than the shipped one: its scores are others."""
    shutil.copytree(bundle.default_directory(), directory)
    manifest, _ = bundle.verify(directory)
    changed = msgspec.structs.replace(
        manifest, version=version, temperature=2 * manifest.temperature, gate=None, **changes
    )
    write_manifest(directory, changed)
    return directory


def announce(topics: Topics, value: Notice | bytes) -> None:
    """Write a notice as anybody could."""
    data = encode(value) if isinstance(value, Notice) else value
    publish(topics.broker, topics.models, [Message(data, key=MODEL_KEY.encode())])


@dataclass(frozen=True, slots=True)
class TwoVersions:
    """The shipped model and one that answers otherwise, both in a store."""

    store: Store
    notices: tuple[Notice, Notice]

    @classmethod
    def build(cls, directory: Path) -> Self:
        """Make the store in `directory`."""
        store = Store(directory / "store")
        store.root.mkdir(parents=True)
        other = pass_unjudged(other_version(directory / "other"))
        return cls(store, (kept(store, bundle.default_directory()), kept(store, other)))

    def versions(self, settings: Settings) -> dict[str, Versions]:
        """Return what decides about documents with each model, by the model's sha256."""
        return {
            notice.sha256: pinned_versions(settings, bundle.load(self.store.fetch(notice)))
            for notice in self.notices
        }


def events_by_place(topics: Topics, *, until: int = 0) -> Values:
    """Return the events by the place of their document; an AssertionError where one has two."""
    events: Values = {}
    for record in topics.broker.read(topics.entities, until=until, timeout_seconds=120):
        source = json.loads(record.value or b"")["evidence"]["source"]
        place = (source["partition"], source["offset"])
        assert place not in events
        events[place] = record.value or b""
    return events


def expected_values(
    topics: Topics, events: Mapping[tuple[int, int], bytes], known: Mapping[str, Versions]
) -> Values:
    """Return what the version that each of `events` names makes of its record, alone."""
    values: Values = {}
    for record in topics.broker.read(topics.documents, timeout_seconds=120):
        place = (record.partition, record.offset)
        if place not in events:
            continue
        model = json.loads(events[place])["evidence"]["models"][0]
        source = Record(topics.documents, *place, record.key, record.value, record.headers)
        outcome = process(source, known[model["sha256"]])
        assert isinstance(outcome, Annotated)
        values[place] = outcome.output.value or b""
    return values


def served(events: Mapping[tuple[int, int], bytes]) -> Counter[str]:
    """Count events by the version that they name."""
    return Counter(json.loads(e)["evidence"]["models"][0]["version"] for e in events.values())
