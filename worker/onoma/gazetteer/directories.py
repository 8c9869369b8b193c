"""Directories of lists: written whole, verified whole, mapped, and never written to again.

The only module of the package that opens files. The rules: a directory is made beside its place and
moved there when it is complete; a manifest names the hash of every other file in it; hashes are
taken over the very bytes that are mapped, so that what was verified is what is read.
"""

from __future__ import annotations

import hashlib
import mmap
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from onoma.errors import GazetteerError
from onoma.gazetteer.manifest import MANIFEST_NAME

MAX_MANIFEST_BYTES = 1024 * 1024
AnyManifest = TypeVar("AnyManifest", bound=msgspec.Struct)


def hashes(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return the sha256 of each file, as manifests name them."""
    return {name: hashlib.sha256(contents[name]).hexdigest() for name in sorted(contents)}


def write(
    directory: Path, contents: Mapping[str, bytes], manifest: msgspec.Struct, *, replace: bool
) -> str:
    """Write files and their manifest, and return its sha256. Raises GazetteerError.

    With `replace` an older `directory` is moved away at the end; who has it open keeps it.
    """
    if directory.exists() and not replace:
        raise GazetteerError(
            f"{directory}: already exists, and a list is never written to again; give another "
            "directory, or another version"
        )
    encoded = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        try:
            _fill(beside / "whole", {**contents, MANIFEST_NAME: encoded})
            if directory.exists():
                directory.rename(beside / "before")
            (beside / "whole").rename(directory)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise GazetteerError(f"{directory}: can't be written: {error.strerror}") from error
    return hashlib.sha256(encoded).hexdigest()


def _fill(directory: Path, contents: Mapping[str, bytes]) -> None:
    directory.mkdir()
    for name, content in contents.items():
        (directory / name).write_bytes(content)


def read_manifest(directory: Path, kind: type[AnyManifest]) -> tuple[AnyManifest, str]:
    """Return the manifest in `directory` and its sha256, without a look at the other files."""
    path = directory / MANIFEST_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MAX_MANIFEST_BYTES)
    except OSError as error:
        raise GazetteerError(
            f"{directory}: found no readable {MANIFEST_NAME} ({error.strerror}); a list is a "
            "directory made by `onoma gazetteer`"
        ) from error
    try:
        manifest = msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise GazetteerError(
            f"{path}: is no manifest of this kind and version: {error}; build the list again"
        ) from error
    return manifest, hashlib.sha256(data).hexdigest()


def verified(directory: Path, files: Mapping[str, str]) -> dict[str, memoryview]:
    """Return every file in `directory`, mapped, after comparing its hash with that in `files`."""
    present = {file.name for file in directory.iterdir()} - {MANIFEST_NAME}
    if unlisted := sorted(present - files.keys()):
        raise GazetteerError(f"{directory}: {unlisted[0]} is not in the manifest; take it out")
    contents = {}
    for name, expected in sorted(files.items()):
        if name not in present:
            raise GazetteerError(f"{directory}: {name} is in the manifest but is no file here")
        content = _mapped(directory / name)
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise GazetteerError(
                f"{directory / name}: was altered: its sha256 is {found}, the manifest says "
                f"{expected}; build or copy the list again"
            )
        contents[name] = content
    return contents


def _mapped(path: Path) -> memoryview:
    try:
        if not path.stat().st_size:  # nothing can be mapped of it
            return memoryview(b"")
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise GazetteerError(f"{path}: can't be read: {error.strerror}") from error
