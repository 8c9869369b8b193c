"""The store: every version of a model or a list that was ever announced, until somebody prunes it.

A directory that workers read and commands add to, usually on a volume that all share:
`models/NAME/VERSION/SHA256/` holds the files, `SHA256.json` beside it the notice by which a
rollback announces them. Whoever promotes puts a version in whole, under its own hash; a notice
leads a worker to it. The rule: a notice is a claim. What it names is looked for below the store's
directory and nowhere else, and must have the manifest whose hash the notice names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from onoma.contracts.entities import ModelVersion
from onoma.contracts.notice import KINDS, Announced, Kind, Notice, decode, encode
from onoma.errors import BundleError
from onoma.registry.manifest import MANIFEST_NAME

MAX_MANIFEST_BYTES = 64 * 1024**2


class _Below(msgspec.Struct, frozen=True):
    sha256: str


class _StandsOn(msgspec.Struct, frozen=True):
    """What is read of the manifest of a model or a list."""

    base: _Below | None = None


class _Files(msgspec.Struct, frozen=True):
    """What is read of the manifest of a model or a list to see whether it is there whole."""

    files: dict[str, str] = {}


class NotInStoreError(BundleError):
    """What a notice names is not there, or not whole: it may come, on a volume that is slow."""


class Store:
    """The store in the directory `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def directory_of(self, kind: Kind, version: Announced) -> Path:
        """Return where `version` lies, whether it is there or not."""
        return self.root / f"{kind}s" / version.name / version.version / version.sha256

    def path_of(self, kind: Kind, version: Announced) -> str:
        """Return where `version` lies as its notice says it."""
        return self.directory_of(kind, version).relative_to(self.root).as_posix()

    def new_notice(self, kind: Kind, version: Announced, base: Announced | None = None) -> Notice:
        """Return the notice of `version`, unsigned, with the place that it has here."""
        return Notice(
            kind=kind,
            name=version.name,
            version=version.version,
            sha256=version.sha256,
            base=base,
            path=self.path_of(kind, version),
        )

    def bundle_of(self, version: ModelVersion) -> Path:
        """Return the directory of the model that an event names. Raises NotInStoreError."""
        directory = self.directory_of("model", announced_of(version))
        _check_present(directory, version.sha256)
        return directory

    def fetch(self, notice: Notice) -> Path:
        """Return the directory that `notice` names, with the very manifest that it names.

        Raises NotInStoreError while it is not there whole, BundleError where it is another one.
        What the manifest says of the files is for the loader to verify.
        """
        directory = self._below(notice.path)
        _check_present(directory, notice.sha256)
        return directory

    def keep(self, source: Path, notice: Notice) -> Path:
        """Put the files of `source` into the store whole, and `notice` beside; return where.

        A version that is there stays as it is: its directory carries its hash.
        """
        target = self.directory_of(notice.kind, notice.announced)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.is_dir():
                _copy(source, target)
            unfinished = target.parent / f".{target.name}.json.{os.getpid()}"
            unfinished.write_bytes(encode(notice))
            unfinished.replace(_notice_file(target))
        except OSError as error:
            raise BundleError(
                f"store.path: {self.root} can't be written: {error.strerror}; wanted a directory "
                "that this user may add to"
            ) from error
        return target

    def notice_of(self, kind: Kind, version: Announced) -> Notice:
        """Return the notice that announces `version` again. Raises NotInStoreError."""
        directory = self.directory_of(kind, version)
        _check_present(directory, version.sha256)
        path = _notice_file(directory)
        try:
            return decode(path.read_bytes())
        except OSError as error:
            raise NotInStoreError(f"{path}: can't be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise BundleError(f"{path}: is no notice: {error}") from error

    def way_back(self, kind: Kind, version: Announced | None) -> tuple[Announced, ...]:
        """Return `version` and what rolling back from it leads to, one after the other, as far as
        that is known here.
        """
        found: list[Announced] = []
        while version is not None and version not in found:
            found.append(version)
            try:
                version = self.notice_of(kind, version).base
            except BundleError:
                break
        return tuple(found)

    def versions(self) -> tuple[tuple[Kind, Announced], ...]:
        """Return every version that lies here, by kind, name and version."""
        return tuple(
            (kind, Announced(*directory.relative_to(self.root / f"{kind}s").parts))
            for kind in KINDS
            for directory in sorted((self.root / f"{kind}s").glob("[!.]*/[!.]*/[!.]*"))
            if directory.is_dir()
        )

    def base_of(self, kind: Kind, version: Announced) -> str | None:
        """Return the sha256 of what the files of `version` stand on: a change of a list, on the
        list below it; None for all else, and where no manifest can be read.
        """
        path = self.directory_of(kind, version) / MANIFEST_NAME
        try:
            base = msgspec.json.decode(path.read_bytes(), type=_StandsOn).base
        except (OSError, msgspec.DecodeError):
            return None
        return None if base is None else base.sha256

    def bytes_of(self, kind: Kind, version: Announced) -> int:
        """Return how much room the files of `version` take."""
        files = self.directory_of(kind, version).iterdir()
        return sum(file.stat().st_size for file in files)

    def remove(self, kind: Kind, version: Announced) -> None:
        """Remove the files of `version` and its notice, at once for readers. Raises BundleError."""
        directory = self.directory_of(kind, version)
        going = directory.parent / f".{directory.name}.{os.getpid()}"
        try:
            directory.rename(going)
            _notice_file(directory).unlink(missing_ok=True)
            shutil.rmtree(going)
        except OSError as error:
            raise BundleError(
                f"{directory}: can't be removed: {error.strerror}; wanted a store that this user "
                "may change"
            ) from error

    def _below(self, path: str) -> Path:
        root = self.root.resolve()
        # Resolved, so that neither `..` nor a link leads out.
        directory = (root / path).resolve() if "\0" not in path else root
        if directory == root or not directory.is_relative_to(root):
            raise BundleError("the notice's path leads out of store.path; wanted one below it")
        return directory


def announced_of(version: ModelVersion) -> Announced:
    """Return how notices name the model that events name `version`."""
    return Announced(version.name, version.version, version.sha256)


def bundle_of(version: ModelVersion, store: Store | None, others: Sequence[Path] = ()) -> Path:
    """Return the directory of the model that an event names: in the store, else one of `others`
    (the model of the settings, the one that ships), which is not in the store before the first
    promotion. Raises NotInStoreError.
    """
    for directory in others:
        manifest = _manifest_of(directory)
        if manifest is not None and hashlib.sha256(manifest).hexdigest() == version.sha256:
            return directory
    if store is None:
        raise NotInStoreError(
            f"found no bundle of {version.name} {version.version} (sha256 {version.sha256}); set "
            "store.path to the store that has it"
        )
    return store.bundle_of(version)


def _check_present(directory: Path, sha256: str) -> None:
    """Raise unless the manifest of hash `sha256` lies in `directory` and all of its files do."""
    manifest = _manifest_of(directory)
    if manifest is None:
        raise NotInStoreError(f"{directory}: found no {MANIFEST_NAME}; wanted the one announced")
    found = hashlib.sha256(manifest).hexdigest()
    if found != sha256:
        raise BundleError(
            f"{directory}: the sha256 of its {MANIFEST_NAME} is {found}, announced was {sha256}"
        )
    files = _files_of(manifest, directory)
    absent = [name for name in files if not (directory / name).is_file()]
    if absent:
        raise NotInStoreError(f"{directory}: {sorted(absent)[0]} of its manifest is not there")


def _manifest_of(directory: Path) -> bytes | None:
    path = directory / MANIFEST_NAME
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleError(f"{path}: is larger than {MAX_MANIFEST_BYTES} bytes")
        return path.read_bytes()
    except OSError:
        return None


def _files_of(manifest: bytes, directory: Path) -> Sequence[str]:
    try:
        return tuple(msgspec.json.decode(manifest, type=_Files).files)
    except msgspec.DecodeError as error:
        raise BundleError(f"{directory / MANIFEST_NAME}: is no manifest: {error}") from error


def _copy(source: Path, target: Path) -> None:
    """Copy a directory of plain files so that it appears under its name at once or not at all."""
    unfinished = target.parent / f".{target.name}.{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir()
        for file in sorted(source.iterdir()):
            shutil.copyfile(file, unfinished / file.name)
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _notice_file(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.json")
