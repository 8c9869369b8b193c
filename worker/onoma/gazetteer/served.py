"""The lists that documents are screened against, opened and warm: one value that is swapped whole.

Between directories of lists and `screening.py`. Lists of names and of exclusions are served alike,
each under its name; another version takes the place of the one before. The rule: what is served has
one order, by name, so that nothing depends on the order in which lists came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from onoma.errors import GazetteerError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.directories import read_manifest
from onoma.gazetteer.exclusions import Exclusions, open_exclusions
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.matching import ListMatcher, Mention
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.screening import ScreeningList

_WARM_NAMES = 16
"""Names of the list itself that are looked up before the first document's."""


@dataclass(frozen=True, slots=True)
class ListVersion:
    """A list as it stands; `sha256` is that of its newest manifest, which names all below it."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class ServedList:
    """A list of names, or one of exclusions, which has no matcher.

    `size` counts its entries, or its exclusions.
    """

    version: ListVersion
    directory: Path
    size: int
    matcher: ListMatcher | None = None
    exclusions: Exclusions | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ServedLists:
    """All that is served at one time, by name; `exclusions` are those of all lists together."""

    lists: tuple[ServedList, ...]
    exclusions: Exclusions

    @classmethod
    def of(cls, lists: Iterable[ServedList]) -> ServedLists:
        """Return `lists` together. Raises GazetteerError where two have one name."""
        found: dict[str, ServedList] = {}
        for each in lists:
            other = found.setdefault(each.version.name, each)
            if other is not each:
                raise GazetteerError(
                    f"{each.directory}: is a list called {each.version.name}, as the one in "
                    f"{other.directory} is; wanted one of each name"
                )
        served = tuple(found[name] for name in sorted(found))
        judged = [each.exclusions for each in served if each.exclusions]
        return cls(served, Exclusions.together(judged))

    @property
    def versions(self) -> tuple[ListVersion, ...]:
        """Return what stands in the evidence."""
        return tuple(each.version for each in self.lists)

    def under(self, policy_of: Callable[[str], ListPolicy]) -> tuple[ScreeningList, ...]:
        """Return the lists of names as they are screened, each under the policy for its name."""
        return tuple(
            ScreeningList(name, each.matcher, policy_of(name), self.exclusions)
            for each in self.lists
            if each.matcher and (name := each.version.name)
        )

    def putting(self, new: ServedList) -> ServedLists:
        """Return these with `new` in the place of the version before."""
        return ServedLists.of([*self.without(new.version.name).lists, new])

    def without(self, name: str) -> ServedLists:
        """Return these without the list called `name`."""
        return ServedLists.of(each for each in self.lists if each.version.name != name)


NO_LISTS = ServedLists.of(())
_EXCLUSIONS = "onoma-exclusions/1"


class _Kind(msgspec.Struct, frozen=True):
    """What a manifest says first: names, or judgements about them, and what they are called."""

    format: str
    name: str


def open_served(directory: Path) -> ServedList:
    """Return the list in `directory`, verified, mapped and warm. Raises GazetteerError."""
    if read_manifest(directory, _Kind)[0].format == _EXCLUSIONS:
        judged = open_exclusions(directory)
        version = ListVersion(judged.manifest.name, judged.manifest.version, judged.sha256)
        exclusions = Exclusions(judged.exclusions, normalise)
        return ServedList(version, directory, len(judged.exclusions), exclusions=exclusions)
    chain = open_chain(directory, INDEX)
    newest = chain.newest
    matcher = ListMatcher(chain)
    first = [newest.entry(row) for row in range(min(_WARM_NAMES, len(newest)))]
    matcher.match([Mention(entry.names[0].text) for entry in first])
    version = ListVersion(newest.manifest.name, newest.manifest.version, newest.sha256)
    return ServedList(version, directory, len(chain), matcher=matcher)


def sha256_of_list(directory: Path) -> str:
    """Return what events call the list in `directory` by. Raises GazetteerError."""
    return read_manifest(directory, _Kind)[1]


def name_of_list(directory: Path) -> str:
    """Return what the list in `directory` is called. Raises GazetteerError."""
    return read_manifest(directory, _Kind)[0].name


def open_all(directories: Iterable[Path]) -> ServedLists:
    """Return the lists in `directories`. Raises GazetteerError."""
    return ServedLists.of([open_served(directory) for directory in directories])
