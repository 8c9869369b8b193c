"""The lists that are served: one value, in one order, whatever came when."""

from __future__ import annotations

from pathlib import Path

import pytest

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import EntryType, fingerprint
from onoma.gazetteer.exclusions import Exclusion
from onoma.gazetteer.matching import Decision, Mention
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.screening import screen
from onoma.gazetteer.served import ServedLists, open_all
from tests.unit.gazetteer.lists import entry, judged, served

ORBAL = entry("z:1", "VANT, Orbal Tessim", "Orbal Vant")
PORT = entry("z:2", "Kadram Seaport Bank", type=EntryType.ORGANISATION)
MENTIONS = (
    Mention("Orbal Vant", "PER"),
    Mention("Kadram Seaport Bank", "ORG"),
    Mention("Kadram Seaport Bank", "LOC"),
)


def _hits(lists: ServedLists, tenant: str | None = None) -> list[tuple[int, str, Decision]]:
    found = screen(MENTIONS, lists.under(lambda _: ListPolicy()), tenant)
    return [(hit.mention, hit.gazetteer, hit.decision) for hit in found]


def _exclusion(gazetteer: str, tenant: str | None = None) -> Exclusion:
    return Exclusion(
        mention="orbal VANT",
        gazetteer=gazetteer,
        entry_id="z:1",
        fingerprint=fingerprint(ORBAL),
        reviewer="r.quoro",
        reason="a baker",
        reviewed_on="2031-01-01",
        tenant=tenant,
    )


def test_the_order_of_the_lists_is_not_the_order_in_which_they_came(tmp_path: Path) -> None:
    one, other = served(tmp_path / "a", ORBAL, PORT), served(tmp_path / "b", ORBAL)
    lists = ServedLists.of([other, one])

    assert lists.versions == ServedLists.of([one, other]).versions
    assert _hits(lists) == [
        (0, "a", Decision.ALERT),
        (0, "b", Decision.ALERT),
        (1, "a", Decision.ALERT),  # and as a place it may mean nothing
    ]


def test_exclusions_of_all_lists_hold_together_each_for_the_list_that_it_names(
    tmp_path: Path,
) -> None:
    lists = ServedLists.of(
        [
            served(tmp_path / "a", ORBAL),
            served(tmp_path / "b", ORBAL),
            served(tmp_path / "c", ORBAL),
            judged(tmp_path / "judged", _exclusion("a")),
            judged(tmp_path / "judged-too", _exclusion("b", tenant="north")),
        ]
    )

    assert [decision for _, _, decision in _hits(lists, "north")] == [
        Decision.NONE,
        Decision.NONE,
        Decision.ALERT,
    ]
    assert [decision for _, _, decision in _hits(lists, "south")] == [
        Decision.NONE,
        Decision.ALERT,
        Decision.ALERT,
    ]


def test_another_version_takes_the_place_of_its_list_alone(tmp_path: Path) -> None:
    zub, other = served(tmp_path / "zub", ORBAL), served(tmp_path / "other", PORT)
    before = ServedLists.of([zub, other])

    after = before.putting(served(tmp_path / "zub", PORT, version="2"))

    assert [(each.name, each.version) for each in after.versions] == [("other", "1"), ("zub", "2")]
    assert [each.version for each in before.versions] == ["1", "1"]
    assert _hits(before)[0] == (0, "zub", Decision.ALERT)  # the old files stay open
    assert [each.name for each in after.without("zub").versions] == ["other"]


def test_two_lists_of_one_name_are_refused(tmp_path: Path) -> None:
    served(tmp_path / "here" / "zub", ORBAL)
    served(tmp_path / "there" / "zub", PORT)

    with pytest.raises(GazetteerError, match=r"list called zub.*wanted one of each name"):
        open_all([tmp_path / "here" / "zub", tmp_path / "there" / "zub"])


def test_a_directory_that_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GazetteerError, match="found no readable manifest"):
        open_all([tmp_path])
