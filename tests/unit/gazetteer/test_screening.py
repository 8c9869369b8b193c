"""A document's mentions meet every list, and what people excluded is marked and not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.entries import Entry, fingerprint
from onoma.gazetteer.exclusions import Exclusion, Exclusions
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.matching import Decision, ListMatcher, Mention
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.screening import ScreeningList, screen
from onoma.gazetteer.segment import write_segment
from tests.unit.gazetteer.lists import entry, identity

AMINA, SEFU = entry("p:1", "Amina Kandraba"), entry("p:2", "Sefu Jabari")
NAMESAKE = entry("p:3", "Kandraba Amina")
MENTIONS = [Mention("Sefu Jabari", "PER"), Mention("Nobody", "PER"), Mention("AMINA KANDRABA")]


def _exclusion(judged: Entry, **changes: str) -> Exclusion:
    known = {
        "mention": "Amina Kandraba",
        "gazetteer": "invented",
        "entry_id": judged.entry_id,
        "fingerprint": fingerprint(judged),
        "reviewer": "R. Orlova",
        "reason": "another date of birth",
        "reviewed_on": "2031-01-01",
    }
    return Exclusion(**{**known, **changes})


@pytest.fixture
def matcher(tmp_path: Path) -> ListMatcher:
    """Return a list of three people."""
    write_segment(tmp_path / "1", [AMINA, SEFU, NAMESAKE], identity("1"), INDEX)
    return ListMatcher(open_chain(tmp_path / "1"))


def _list(matcher: ListMatcher, *exclusions: Exclusion, name: str = "invented") -> ScreeningList:
    return ScreeningList(name, matcher, ListPolicy(), Exclusions(exclusions, normalise))


def test_hits_come_in_the_order_of_mentions_lists_and_scores(matcher: ListMatcher) -> None:
    hits = screen(MENTIONS, [_list(matcher), _list(matcher, name="other")])

    assert [(hit.mention, hit.gazetteer, hit.match.entry.entry_id) for hit in hits] == [
        (0, "invented", "p:2"),
        (0, "other", "p:2"),
        (2, "invented", "p:1"),
        (2, "invented", "p:3"),
        (2, "other", "p:1"),
        (2, "other", "p:3"),
    ]
    assert {hit.decision for hit in hits} == {Decision.ALERT}


def test_an_excluded_hit_is_marked_and_its_neighbour_stays(matcher: ListMatcher) -> None:
    hits = screen(MENTIONS[2:], [_list(matcher, _exclusion(AMINA))])

    assert [(hit.match.entry.entry_id, hit.excluded, hit.decision) for hit in hits] == [
        ("p:1", True, Decision.NONE),
        ("p:3", False, Decision.ALERT),
    ]
    assert hits[0].considered[0].exclusion.reason == "another date of birth"


def test_a_changed_entry_opens_the_hit_again(matcher: ListMatcher) -> None:
    before = entry("p:1", "Amina Kandraba", remarks="as it was judged")
    hit = screen(MENTIONS[2:], [_list(matcher, _exclusion(before))])[0]

    assert (hit.excluded, hit.decision) == (False, Decision.ALERT)
    assert [one.ruling for one in hit.considered] == ["reopened"]


@pytest.mark.parametrize(("tenant", "excluded"), [("bank", True), ("other", False), (None, False)])
def test_an_exclusion_of_a_tenant_is_its_own(
    matcher: ListMatcher, tenant: str | None, excluded: bool
) -> None:
    hits = screen(MENTIONS[2:], [_list(matcher, _exclusion(AMINA, tenant="bank"))], tenant)

    assert hits[0].excluded is excluded


def test_no_mentions_and_no_lists_are_no_hits(matcher: ListMatcher) -> None:
    assert screen([], [_list(matcher)]) == screen(MENTIONS, []) == ()
