"""Says which versions of the store are still needed, before any of them is removed.

For `onoma store`. The rule: what workers serve or will serve at their next start, what a rollback
leads to, and what a change of a list stands on stays. Whether events of the past name a version
nobody can tell here: they can't be replayed without it, and whoever removes it says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from onoma.contracts.notice import KINDS, Announced, Kind
from onoma.errors import WrongUseError
from onoma.registry.store import Store
from onoma.stream.desk import Desk
from onoma.stream.promoting import announced

Version = tuple[Kind, Announced]


async def needed(desk: Desk) -> dict[Version, str]:
    """Return the versions that have to stay, each with the reason. Raises FatalError."""
    found: dict[Version, str] = {}
    for kind in KINDS:
        for notice in (await announced(desk, kind)).values():
            if notice.base is not None:
                found.setdefault((kind, notice.base), "a rollback leads to it")
            found[kind, notice.announced] = "announced"
    return found | stood_on(desk.store, found)


def stood_on(store: Store, known: Mapping[Version, str]) -> dict[Version, str]:
    """Return what other versions stand on, unless it is `known` to be needed anyway."""
    lying = store.versions()
    by_hash = {(kind, version.sha256): (kind, version) for kind, version in lying}
    found: dict[Version, str] = {}
    for kind, version in lying:
        below = by_hash.get((kind, store.base_of(kind, version) or ""))
        if below is not None and below not in known:
            found[below] = f"{version.name} {version.version} stands on it"
    return found


def remove(store: Store, paths: tuple[str, ...], needed: Mapping[Version, str]) -> list[Version]:
    """Remove the versions that lie at `paths` below the store, all or none; return them.

    Raises WrongUseError where one is not there or has to stay.
    """
    lying = {store.path_of(*each): each for each in store.versions()}
    chosen = []
    for path in dict.fromkeys(path.rstrip("/") for path in paths):
        if path not in lying:
            raise WrongUseError(
                f"found no version at {path}; wanted a path that `onoma store list` prints"
            )
        version = lying[path]
        if version in needed:
            raise WrongUseError(f"{path}: has to stay: {needed[version]}; nothing was removed")
        chosen.append(version)
    for version in chosen:
        store.remove(*version)
    return chosen
