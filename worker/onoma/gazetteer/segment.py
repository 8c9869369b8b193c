"""Segments on disk: a list, or a change to one, as files that never change and are mapped.

Written by `onoma gazetteer` in a process of its own, opened by workers. Its rule: entries lie
sorted by id, so that the same entries make the same files, whatever order they came in.
`directories.py` writes and verifies the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from onoma.errors import GazetteerError
from onoma.gazetteer import directories
from onoma.gazetteer.arrays import Array, Arrays, Index, from_npy, to_npy
from onoma.gazetteer.entries import QUALITIES, TYPES, Entry, Name, decode, encode
from onoma.gazetteer.manifest import Base, Manifest, SourceFile

ENTRIES_NAME = "entries.jsonl"
TOMBSTONES_NAME = "tombstones.jsonl"
INDEX_PREFIX = "index."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a segment says about itself, beside what is in it."""

    name: str
    version: str
    base: Base | None = None
    sources: tuple[SourceFile, ...] = ()
    published: str | None = None
    skipped: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A verified segment: what a list says, or what changes in it, and the matcher's arrays.

    Rows are entries sorted by id; names are numbered through all rows. `offsets` of shape
    `(rows + 1,)` cut `lines` into entries, `first_names` of shape `(rows + 1,)` cuts the names into
    rows, `name_rows` and `qualities` have the shape `(names,)`, `types` has `(rows,)`; the numbers
    in `types` and `qualities` are places in `TYPES` and `QUALITIES`.
    """

    directory: Path
    manifest: Manifest
    sha256: str
    lines: memoryview
    offsets: npt.NDArray[np.int64]
    first_names: npt.NDArray[np.int64]
    name_rows: npt.NDArray[np.int32]
    types: npt.NDArray[np.uint8]
    qualities: npt.NDArray[np.uint8]
    tombstones: tuple[str, ...]
    index: Arrays

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Entry]:
        return map(self.entry, range(len(self)))

    def entry(self, row: int) -> Entry:
        """Return the entry in `row`."""
        return decode(self.lines[self.offsets[row] : self.offsets[row + 1]])

    def name(self, number: int) -> Name:
        """Return a name by its number, as the matcher's arrays count them."""
        row = int(self.name_rows[number])
        return self.entry(row).names[number - int(self.first_names[row])]

    def row_of(self, entry_id: str) -> int | None:
        """Return the row of the entry called `entry_id`."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            found = self.entry(middle).entry_id
            if found == entry_id:
                return middle
            low, high = (middle + 1, high) if found < entry_id else (low, middle)
        return None


def write_segment(
    directory: Path,
    entries: Iterable[Entry],
    identity: Identity,
    index: Index,
    *,
    tombstones: Iterable[str] = (),
    replace: bool = False,
) -> str:
    """Write a segment and return the sha256 of its manifest. Raises GazetteerError.

    `entries` have distinct ids and at least one name each. With `replace` an older one in
    `directory` is moved away at the end; who has it open keeps it.
    """
    files = _contents(sorted(entries, key=lambda entry: entry.entry_id), sorted(tombstones), index)
    manifest = _manifest(identity, index, files)
    return directories.write(directory, files.contents, manifest, replace=replace)


@dataclass(frozen=True, slots=True)
class _Files:
    contents: dict[str, bytes]
    entries: int
    names: int
    tombstones: int


def _contents(entries: Sequence[Entry], tombstones: Sequence[str], index: Index) -> _Files:
    lines = [encode(entry) + b"\n" for entry in entries]
    names = [name for entry in entries for name in entry.names]
    counts = [len(entry.names) for entry in entries]
    arrays: dict[str, Array] = {
        "offsets": np.array([0, *accumulate(map(len, lines))], np.int64),
        "first_names": np.array([0, *accumulate(counts)], np.int64),
        "name_rows": np.repeat(np.arange(len(entries), dtype=np.int32), counts),
        "types": np.array([TYPES.index(entry.type) for entry in entries], np.uint8),
        "qualities": np.array([QUALITIES.index(name.quality) for name in names], np.uint8),
    }
    made = index.arrays([name.text for name in names])
    arrays |= {INDEX_PREFIX + name: array for name, array in made.items()}
    contents = {f"{name}.npy": to_npy(array) for name, array in arrays.items()}
    contents[ENTRIES_NAME] = b"".join(lines)
    contents[TOMBSTONES_NAME] = b"".join(msgspec.json.encode(gone) + b"\n" for gone in tombstones)
    return _Files(contents, len(entries), len(names), len(tombstones))


def _manifest(identity: Identity, index: Index, files: _Files) -> Manifest:
    return Manifest(
        name=identity.name,
        version=identity.version,
        base=identity.base,
        entries=files.entries,
        names=files.names,
        tombstones=files.tombstones,
        index=index.version,
        sources=identity.sources,
        published=identity.published,
        skipped=dict(identity.skipped or {}),
        files=directories.hashes(files.contents),
    )


def read_manifest(directory: Path) -> tuple[Manifest, str]:
    """Return the manifest in `directory` and its sha256, without a look at the other files."""
    return directories.read_manifest(directory, Manifest)


def check_index(directory: Path, manifest: Manifest, version: str) -> None:
    """Raise GazetteerError unless the arrays in `directory` are of this version of the index."""
    if manifest.index != version:
        raise GazetteerError(
            f"{directory}: was built for index {manifest.index}, this version reads {version}; "
            "build the list again, or make it anew with `onoma gazetteer merge`"
        )


def open_segment(directory: Path, index: Index | None = None) -> Segment:
    """Return the segment in `directory`, every file checked and mapped. Raises GazetteerError.

    Without an `index` only its entries are to be read, whatever the arrays were made for.
    """
    manifest, sha256 = read_manifest(directory)
    if index is not None:
        check_index(directory, manifest, index.version)
    contents = directories.verified(directory, manifest.files)
    try:
        return _segment(directory, manifest, sha256, contents)
    except (KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
        # The hashes fit, so that whoever wrote it was not `write_segment`.
        raise GazetteerError(
            f"{directory}: is no segment: {error}; build the list again"
        ) from error


def _segment(
    directory: Path, manifest: Manifest, sha256: str, contents: Mapping[str, memoryview]
) -> Segment:
    arrays = {
        name.removesuffix(".npy"): from_npy(content)
        for name, content in contents.items()
        if name.endswith(".npy")
    }
    tombstones = bytes(contents[TOMBSTONES_NAME]).splitlines()
    segment = Segment(
        directory=directory,
        manifest=manifest,
        sha256=sha256,
        lines=contents[ENTRIES_NAME],
        offsets=arrays["offsets"],
        first_names=arrays["first_names"],
        name_rows=arrays["name_rows"],
        types=arrays["types"],
        qualities=arrays["qualities"],
        tombstones=tuple(msgspec.json.decode(line, type=str) for line in tombstones),
        index={
            name.removeprefix(INDEX_PREFIX): array
            for name, array in arrays.items()
            if name.startswith(INDEX_PREFIX)
        },
    )
    _check_counts(segment)
    return segment


def _check_counts(segment: Segment) -> None:
    rows, names = segment.manifest.entries, segment.manifest.names
    found = {
        "offsets": (segment.offsets.shape, (rows + 1,)),
        "first_names": (segment.first_names.shape, (rows + 1,)),
        "name_rows": (segment.name_rows.shape, (names,)),
        "types": (segment.types.shape, (rows,)),
        "qualities": (segment.qualities.shape, (names,)),
        "tombstones": (len(segment.tombstones), segment.manifest.tombstones),
        "entries": (len(segment.lines), int(segment.offsets[-1])),
    }
    for what, (seen, wanted) in found.items():
        if seen != wanted:
            raise ValueError(f"found {what} of {seen}, wanted {wanted}")
