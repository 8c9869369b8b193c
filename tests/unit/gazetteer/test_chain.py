"""Changes on top of a segment say what a list that is built anew says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.errors import GazetteerError
from onoma.gazetteer.chain import Edit, difference, open_chain, tombstones, upserts
from onoma.gazetteer.entries import Entry
from onoma.gazetteer.segment import read_manifest
from tests.unit.gazetteer.lists import LENGTHS, built, entries_called, entry

_lists = st.lists(
    entries_called(st.sampled_from("abcdef")), max_size=6, unique_by=lambda made: made.entry_id
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_lists, min_size=1, max_size=5))
def test_a_chain_of_changes_equals_a_list_that_is_built_anew(
    tmp_path_factory: pytest.TempPathFactory, states: list[list[Entry]]
) -> None:
    store = tmp_path_factory.mktemp("store")
    chain, base = built(store / "v0", states[0]), store / "v0"
    for number, state in enumerate(states[1:], 1):
        edits = difference(chain, state)
        path = store / f"v{number}"
        chain = built(path, upserts(edits), base=base, tombstones=tombstones(edits))
        base = path
    anew = built(store / "anew", states[-1])
    merged = built(store / "merged", chain)

    assert sorted(chain, key=lambda kept: kept.entry_id) == list(anew)
    assert len(chain) == len(anew)
    assert [chain.find(key) for key in "abcdef"] == [anew.find(key) for key in "abcdef"]
    assert merged.newest.manifest.files == anew.newest.manifest.files


def test_an_entry_that_was_taken_away_may_come_back(tmp_path: Path) -> None:
    built(tmp_path / "1", [entry("a", "Orbal Vant"), entry("b", "Tessim Quoro")])
    gone = built(tmp_path / "2", [], base=tmp_path / "1", tombstones=["a"])
    back = built(tmp_path / "3", [entry("a", "Orbal Vantt")], base=tmp_path / "2")

    assert [kept.entry_id for kept in gone] == ["b"]
    assert gone.find("a") is None
    assert back.find("a") == entry("a", "Orbal Vantt")
    assert len(back) == 2


def test_a_change_on_another_base_than_the_one_beside_it_is_refused(tmp_path: Path) -> None:
    built(tmp_path / "1", [entry("a", "Orbal Vant")])
    built(tmp_path / "2", [entry("b", "Tessim Quoro")], base=tmp_path / "1")
    (tmp_path / "1").rename(tmp_path / "old")
    built(tmp_path / "1", [entry("a", "Orbal Vanta")])

    with pytest.raises(GazetteerError, match="put that segment there"):
        open_chain(tmp_path / "2", LENGTHS)


def test_a_change_in_a_store_finds_its_base_by_version_and_hash(tmp_path: Path) -> None:
    built(tmp_path / "1", [entry("a", "Orbal Vant")])
    built(tmp_path / "2", [entry("b", "Tessim Quoro")], base=tmp_path / "1")
    for version in ("1", "2"):
        stored = tmp_path / "store" / version / read_manifest(tmp_path / version)[1]
        stored.parent.mkdir(parents=True)
        (tmp_path / version).rename(stored)

    assert {kept.entry_id for kept in open_chain(stored, LENGTHS)} == {"a", "b"}


def test_a_change_without_its_base_is_refused(tmp_path: Path) -> None:
    built(tmp_path / "1", [entry("a", "Orbal Vant")])
    built(tmp_path / "2", [], base=tmp_path / "1", tombstones=["a"])
    (tmp_path / "1").rename(tmp_path / "old")

    with pytest.raises(GazetteerError, match=r"found no readable manifest\.json"):
        open_chain(tmp_path / "2", LENGTHS)


def test_the_newest_manifest_names_every_segment_below_it(tmp_path: Path) -> None:
    """Two lists with the same last change have two names."""
    for place, name in (("x", "Orbal Vant"), ("y", "Orbal Vanta")):
        built(tmp_path / place / "1", [entry("a", name)])
        built(tmp_path / place / "2", [entry("b")], base=tmp_path / place / "1")
    newest = [open_chain(tmp_path / place / "2", LENGTHS).newest for place in "xy"]

    assert newest[0].manifest.files == newest[1].manifest.files
    assert newest[0].sha256 != newest[1].sha256


def test_a_difference_names_what_came_what_went_and_what_changed() -> None:
    old = [entry("a"), entry("b", "Orbal Vant"), entry("c")]
    new = [entry("d"), entry("b", "Orbal Vanta"), entry("c")]
    edits = difference(old, new)

    assert edits == (
        Edit(entry("a"), None),
        Edit(entry("b", "Orbal Vant"), entry("b", "Orbal Vanta")),
        Edit(None, entry("d")),
    )
    assert [edit.kind for edit in edits] == ["removed", "changed", "added"]
    assert tombstones(edits) == ("a",)
    assert upserts(edits) == (entry("b", "Orbal Vanta"), entry("d"))
