"""Notices of bundles, for the tests of whatever reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from onoma.contracts.notice import Announced, Notice
from onoma.registry import bundle
from onoma.registry.store import Store


def version_of(directory: Path) -> Announced:
    """Return how notices name the bundle in `directory`."""
    manifest, sha256 = bundle.verify(directory)
    return Announced(manifest.name, manifest.version, sha256)


def notice_of(store: Store, directory: Path, **changes: object) -> Notice:
    """Return the notice of the bundle in `directory`, with `changes`."""
    return msgspec.structs.replace(store.new_notice("model", version_of(directory)), **changes)


def kept(store: Store, directory: Path) -> Notice:
    """Put a bundle into the store, whatever it is; return its notice."""
    notice = notice_of(store, directory)
    store.keep(directory, notice)
    return notice
