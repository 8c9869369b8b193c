"""Versions are removed from the store on purpose only, and never one that is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from onoma.contracts.notice import Announced
from onoma.errors import WrongUseError
from onoma.gazetteer.served import ServedList, open_served
from onoma.registry.store import NotInStoreError, Store
from onoma.stream.earlier import announced_list
from onoma.stream.stored import remove, stood_on
from tests.unit.gazetteer.lists import entry, served

ZUBO, AMINA = entry("z:1", "Zubo Kadram"), entry("z:2", "Amina Bello")


def _kept(store: Store, *lists: ServedList) -> list[Announced]:
    versions = [announced_list(each) for each in lists]
    for each, version in zip(lists, versions, strict=True):
        store.keep(each.directory, store.new_notice("gazetteer", version))
    return versions


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store")


def test_a_removed_version_is_gone_with_its_notice_and_the_others_stay(
    store: Store, tmp_path: Path
) -> None:
    first, second = _kept(
        store,
        served(tmp_path / "zub", ZUBO, version="1"),
        served(tmp_path / "new", AMINA, name="zub", version="2"),
    )

    gone = remove(store, (store.path_of("gazetteer", first),), {})

    assert gone == [("gazetteer", first)]
    assert store.versions() == (("gazetteer", second),)
    with pytest.raises(NotInStoreError):
        store.notice_of("gazetteer", first)
    assert open_served(store.fetch(store.notice_of("gazetteer", second))).size == 1
    left = [path.name for path in store.root.rglob("*") if first.sha256 in path.name]
    assert left == []


def test_what_a_change_stands_on_has_to_stay(store: Store, tmp_path: Path) -> None:
    whole = served(tmp_path / "zub", ZUBO, version="1")
    change = served(tmp_path / "change", AMINA, name="zub", version="2", base=tmp_path / "zub")
    below, above = _kept(store, whole, change)

    needed = stood_on(store, {})

    assert needed == {("gazetteer", below): "zub 2 stands on it"}
    paths = tuple(store.path_of("gazetteer", each) for each in (above, below))
    with pytest.raises(WrongUseError, match="zub 2 stands on it; nothing was removed"):
        remove(store, paths, needed)
    assert len(store.versions()) == 2


@pytest.mark.parametrize("path", ["models", "../store", "models/a/1/none", ".", "/"])
def test_a_path_that_is_no_version_is_refused(store: Store, tmp_path: Path, path: str) -> None:
    _kept(store, served(tmp_path / "zub", ZUBO, version="1"))

    with pytest.raises(WrongUseError, match="onoma store list"):
        remove(store, (path,), {})

    assert len(store.versions()) == 1
