"""Exclusions: hits that people have judged to be none, each with who, why and until when.

A versioned, hashed list like any other, and named in the evidence like one. The rules: an exclusion
is about one mention and one entry, never about an entry as such; it ends on its day, which is
settled when the list is built, so that an event stays a pure function of its versions; and it holds
for the entry as it was judged: when the list says anything else about it, the hit is open again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from onoma.errors import GazetteerError
from onoma.gazetteer import directories
from onoma.gazetteer.entries import Entry, fingerprint
from onoma.gazetteer.manifest import Day, ExclusionsManifest, Name, Sha256, SourceFile, Word
from onoma.gazetteer.readers.found import Place
from onoma.gazetteer.readers.sources import Source

EXCLUSIONS_NAME = "exclusions.jsonl"
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One judgement: `mention` doesn't mean the entry `entry_id` of the list `gazetteer`.

    `fingerprint` is that of the entry as it was judged. `expires_on` is the last day that it holds;
    null is for ever. `tenant` is whose documents it is about; null is everybody's.
    """

    mention: Text
    gazetteer: Name
    entry_id: Word
    fingerprint: Sha256
    reviewer: Word
    reason: Text
    reviewed_on: Day
    expires_on: Day | None = None
    tenant: Word | None = None

    def holds_on(self, day: str) -> bool:
        """Return whether it has not ended before `day`, YYYY-MM-DD."""
        return self.expires_on is None or self.expires_on >= day


class Ruling(StrEnum):
    """What an exclusion means for a hit."""

    EXCLUDED = "excluded"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Considered:
    """An exclusion that is about a hit: `reopened` where its entry has changed since."""

    exclusion: Exclusion
    ruling: Ruling


class Exclusions:
    """All exclusions of a list, to be asked by normalised mention, list and entry."""

    def __init__(self, exclusions: Iterable[Exclusion], normalise: Callable[[str], str]) -> None:
        """Take exclusions; `normalise` is what mentions go through before they are matched."""
        self._by_hit: dict[tuple[str, str, str], tuple[Exclusion, ...]] = {}
        for one in exclusions:
            key = (normalise(one.mention), one.gazetteer, one.entry_id)
            self._by_hit[key] = (*self._by_hit.get(key, ()), one)

    @classmethod
    def together(cls, parts: Iterable[Exclusions]) -> Exclusions:
        """Return the exclusions of several lists, which keep their order."""
        whole = cls((), str)
        for part in parts:
            for key, found in part._by_hit.items():
                whole._by_hit[key] = (*whole._by_hit.get(key, ()), *found)
        return whole

    def about(
        self, mention: str, gazetteer: str, entry: Entry, tenant: str | None
    ) -> tuple[Considered, ...]:
        """Return what was judged about a normalised `mention` of a tenant's, and `entry`.

        The hit is none where a ruling is `excluded`.
        """
        known = self._by_hit.get((mention, gazetteer, entry.entry_id), ())
        mine = [one for one in known if one.tenant in (None, tenant)]
        if not mine:
            return ()
        now = fingerprint(entry)
        return tuple(
            Considered(one, Ruling.EXCLUDED if one.fingerprint == now else Ruling.REOPENED)
            for one in mine
        )


@dataclass(frozen=True, slots=True)
class ExclusionList:
    """A verified list of exclusions; `sha256` is its manifest's."""

    manifest: ExclusionsManifest
    sha256: str
    exclusions: tuple[Exclusion, ...]


def read_log(source: Source) -> Iterator[tuple[Place, Exclusion]]:
    """Yield the judgements of a log, one in each line of JSON. Raises GazetteerError."""
    for number, line in enumerate(source.lines(), 1):
        place = Place(source.name, number)
        if line.strip():
            try:
                yield place, msgspec.json.decode(line, type=Exclusion)
            except msgspec.DecodeError as error:
                raise GazetteerError(
                    f"{place}: is no exclusion: {error}; `onoma gazetteer exclusions add` writes "
                    "them"
                ) from error


def write_exclusions(
    directory: Path,
    exclusions: Iterable[Exclusion],
    *,
    name: str,
    version: str,
    as_of: str,
    sources: tuple[SourceFile, ...] = (),
) -> ExclusionsManifest:
    """Write those that hold on the day `as_of`, sorted; return the manifest."""
    lines = {msgspec.json.encode(one): one for one in exclusions}
    holding = sorted(line for line, one in lines.items() if one.holds_on(as_of))
    contents = {EXCLUSIONS_NAME: b"".join(line + b"\n" for line in holding)}
    manifest = ExclusionsManifest(
        name=name,
        version=version,
        as_of=as_of,
        exclusions=len(holding),
        expired=len(lines) - len(holding),
        sources=sources,
        files=directories.hashes(contents),
    )
    directories.write(directory, contents, manifest, replace=False)
    return manifest


def open_exclusions(directory: Path) -> ExclusionList:
    """Return the list of exclusions in `directory`, verified. Raises GazetteerError."""
    manifest, sha256 = directories.read_manifest(directory, ExclusionsManifest)
    contents = directories.verified(directory, manifest.files)
    try:
        lines = bytes(contents[EXCLUSIONS_NAME]).splitlines()
        exclusions = tuple(msgspec.json.decode(line, type=Exclusion) for line in lines)
    except (KeyError, msgspec.DecodeError) as error:
        raise GazetteerError(f"{directory}: is no list of exclusions: {error}") from error
    return ExclusionList(manifest, sha256, exclusions)
