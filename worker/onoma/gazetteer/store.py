"""Where versions of a list lie beside each other: which came before, what may take whose place.

Its rule: a segment that others are built on is never replaced, and nothing that isn't a version of
the same list is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.manifest import MANIFEST_NAME, Base, Manifest
from onoma.gazetteer.segment import Identity, read_manifest


def version_before(out: Path, name: str, base: Path | None) -> Path | None:
    """Return the directory of the list called `name` that one in `out` comes after, if any.

    That is `base`, what lies in `out` itself, or the latest one written beside it.
    """
    if base is not None:
        return base
    written = {
        path: (path / MANIFEST_NAME).stat().st_mtime
        for path, manifest in _lists((out, *_beside(out)))
        if manifest.name == name
    }
    if out in written:
        return out
    return max(written, key=written.__getitem__, default=None)


def entry_count(directory: Path) -> int:
    """Return how many entries the list in `directory` has. Raises GazetteerError.

    That of a whole list stands in its manifest, so that one whose files were altered can still be
    compared with the one that is to take its place.
    """
    manifest, _ = read_manifest(directory)
    return manifest.entries if manifest.base is None else len(open_chain(directory))


def check_replaceable(out: Path, name: str) -> None:
    """Raise GazetteerError unless `out` is free, or a version of the list that none is built on."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    found = next((manifest for _, manifest in _lists((out,))), None)
    if found is None or found.name != name:
        what = "no list" if found is None else f"the list {found.name}"
        raise GazetteerError(
            f"{out}: already exists and holds {what}, wanted a new directory or a version of {name}"
        )
    for path, manifest in _lists(_beside(out)):
        if manifest.base is not None and manifest.base.directory == out.name:
            raise GazetteerError(f"{out}: {path} is a change on top of it; give another directory")


def on_top(identity: Identity, base: Path, out: Path) -> Identity:
    """Return `identity` as that of a change in `out` to the list in `base`."""
    base, out = base.resolve(), out.resolve()
    if base.parent != out.parent or base == out:
        raise WrongUseError(
            f"found --base {base} and --out {out}; wanted two directories beside each other, so "
            "that a change finds what it was built on"
        )
    manifest, sha256 = read_manifest(base)
    if manifest.name != identity.name:
        raise WrongUseError(
            f"found --name {identity.name} and a base called {manifest.name}; wanted one list"
        )
    below = Base(version=manifest.version, sha256=sha256, directory=base.name)
    return replace(identity, base=below)


def _beside(out: Path) -> tuple[Path, ...]:
    parent = out.resolve().parent
    if not parent.is_dir():
        return ()
    return tuple(path for path in sorted(parent.iterdir()) if path != out.resolve())


def _lists(paths: tuple[Path, ...]) -> Iterator[tuple[Path, Manifest]]:
    for path in paths:
        if (path / MANIFEST_NAME).is_file():
            try:
                yield path, read_manifest(path)[0]
            except GazetteerError:  # a manifest of something else
                continue
