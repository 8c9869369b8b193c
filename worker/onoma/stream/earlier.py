"""What workers served before the first notice of a model or a list: kept, so that `rollback` leads
back to it.

Asked by `promoting.py` where a control topic knows nothing yet. The rule: what served before has a
notice like any other, signed when it is kept, so that going back needs no key and no other way. For
a list that is what `gazetteers.lists` names; where nothing was screened against, it is an empty
list of that name, because a record without a value could not be signed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from onoma.contracts.notice import Announced, Notice
from onoma.errors import BundleError, GazetteerError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.exclusions import open_exclusions, write_exclusions
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.segment import Identity, write_segment
from onoma.gazetteer.served import ServedList, name_of_list, open_served
from onoma.registry import bundle
from onoma.registry.gate_record import gate_of
from onoma.stream.desk import Desk

NOTHING = "nothing"
"""The version of a list that stands for none."""


def keep_configured_model(desk: Desk, next_: Announced) -> Announced | None:
    """Keep the model of the settings; return what it is called, None where it is `next_` itself or
    can't be served.
    """
    settings = desk.settings
    directory = settings.model.path or bundle.default_directory()
    try:
        manifest, sha256 = bundle.verify(directory)
        gate_of(directory, manifest, allow_ungated=settings.model.allow_ungated)
    except BundleError:
        return None
    version = Announced(manifest.name, manifest.version, sha256)
    if version == next_:
        return None
    desk.store.keep(directory, desk.new_notice("model", version))
    return version


def keep_configured_list(desk: Desk, next_: ServedList) -> Announced | None:
    """Keep the list of the settings that is called as `next_`, or an empty one where there is none;
    return what it is called, None where it is `next_` itself, or where that can't be told here.
    """
    name = next_.version.name
    try:
        lists = desk.settings.gazetteers.lists
        found = [open_served(each) for each in lists if name_of_list(each) == name]
    except GazetteerError:
        return None
    if not found:
        return _keep_nothing(desk, next_)
    configured = found[0]
    version = announced_list(configured)
    if version == announced_list(next_):
        return None
    keep_list(desk, configured, desk.new_notice("gazetteer", version))
    return version


def announced_list(served: ServedList) -> Announced:
    """Return how notices name a list."""
    version = served.version
    return Announced(version.name, version.version, version.sha256)


def keep_list(desk: Desk, served: ServedList, notice: Notice) -> Path:
    """Put a list into the store, with the segments that it stands on; return where it lies."""
    if served.matcher is not None:
        for segment in open_chain(served.directory).segments[:-1]:
            manifest = segment.manifest
            below = Announced(manifest.name, manifest.version, segment.sha256)
            if not desk.store.directory_of("gazetteer", below).is_dir():
                desk.store.keep(segment.directory, desk.new_notice("gazetteer", below))
    return desk.store.keep(served.directory, notice)


def _keep_nothing(desk: Desk, next_: ServedList) -> Announced:
    with tempfile.TemporaryDirectory(prefix="onoma-") as temporary:
        directory = Path(temporary) / NOTHING
        _write_nothing(directory, next_)
        version = announced_list(open_served(directory))
        desk.store.keep(directory, desk.new_notice("gazetteer", version))
    return version


def _write_nothing(directory: Path, next_: ServedList) -> None:
    """Write a list of the kind and the name of `next_` that says nothing."""
    name = next_.version.name
    if next_.matcher is not None:
        write_segment(directory, (), Identity(name=name, version=NOTHING), INDEX)
        return
    as_of = open_exclusions(next_.directory).manifest.as_of
    write_exclusions(directory, (), name=name, version=NOTHING, as_of=as_of)
