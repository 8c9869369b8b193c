"""Documents that are looked through for names that the model missed, up to a budget of work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.entities import ListScan, ListScreening
from onoma.contracts.policy import Budgets, ListRules, Policy, Rules, ScanRules
from onoma.gazetteer.entries import EntryType, Name, Quality, fingerprint
from onoma.gazetteer.exclusions import Exclusion
from onoma.gazetteer.served import ServedLists
from onoma.pipeline import Annotated, Versions, process
from tests.contract.schemas import producer
from tests.fakes import text_record, versions
from tests.unit.gazetteer.lists import entry, judged, served

ORBAL = entry("z:1", "VANT, Orbal Tessim", "Orbal Vant")
FIRM = entry("z:2", "Mirel Quoro Limited Liability Company", type=EntryType.ORGANISATION)
SINGLE = entry("z:3", "Zubira", type=EntryType.ORGANISATION)
WEAK = entry("z:4", "Kandra", names=(Name("Kandra"), Name("Old Lion", Quality.WEAK)))
PORT = entry("z:5", "Port Zubo", type=EntryType.PLACE)
LISTED = (ORBAL, FIRM, SINGLE, WEAK, PORT)
FOUND = {"Orbal": "B-PER", "Vant": "I-PER"}


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> ServedLists:
    return ServedLists.of([served(tmp_path_factory.mktemp("lists") / "zub", *LISTED)])


def _versions(lists: ServedLists, *, found: dict[str, str] | None = None, **scan: Any) -> Versions:
    rules = Rules(lists={"zub": ListRules(scan=ScanRules(**scan))})
    policy = Policy(name="n", version="1", default=rules)
    return versions(names=found or {}, quiet=True, lists=lists, policy=policy)


def _annotated(by: Versions, text: str) -> Annotated:
    outcome = process(text_record(text), by)
    assert isinstance(outcome, Annotated)
    producer("entities").validate(json.loads(outcome.output.value or b""))
    return outcome


def _alerts(outcome: Annotated) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in outcome.alerts]


def _hits(outcome: Annotated) -> list[tuple[str, str]]:
    return [(each["entity"]["text"], each["entry"]["entry_id"]) for each in _alerts(outcome)]


def _scan(outcome: Annotated) -> ListScan:
    (found,) = outcome.event.coverage.scans or ()
    return found


def _screening(outcome: Annotated) -> ListScreening:
    (found,) = outcome.event.coverage.screening or ()
    return found


def test_an_exact_name_that_the_model_missed_is_an_alert_that_says_so(lists: ServedLists) -> None:
    text = "Then came orbal VANT, of Mirel Quoro LLC."

    outcome = _annotated(_versions(lists), text)

    person, firm = _alerts(outcome)
    for alert in (person, firm):
        producer("alert").validate(alert)
        span = slice(alert["entity"]["start"], alert["entity"]["end"])
        assert alert["entity"]["text"] == text[span]
        assert (alert["origin"], alert["entity"]["source"]) == ("scan", "gazetteer")
        assert alert["entity"]["score"] == alert["match"]["score"] / 100
    assert (person["entity"]["text"], person["entity"]["label"]) == ("orbal VANT", "PER")
    assert (firm["entity"]["text"], firm["entity"]["label"]) == ("Mirel Quoro LLC", "ORG")
    assert outcome.event.entities == ()
    assert _scan(outcome) == ListScan("zub", 2, len(text), None, False, 2)
    assert _screening(outcome) == ListScreening("zub", 0, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("Vant, Orbal Tessim", [("Vant, Orbal Tessim", "z:1")]),
        ("VANT\nOrbal", [("VANT\nOrbal", "z:1")]),
        ("Orbal. Vant", []),
        ("Orbal; Vant", []),
        ("Orbal\n\nVant", []),
        ("Zubira", []),
        ("The Old Lion", []),
        ("Port Zubo", []),
        ("Orbol Vant", []),
    ],
    ids=repr,
)
def test_exact_names_are_found_in_any_order_within_bounds(
    lists: ServedLists, text: str, hits: list[tuple[str, str]]
) -> None:
    assert _hits(_annotated(_versions(lists), text)) == hits


def test_near_names_are_found_among_capitalised_words(lists: ServedLists) -> None:
    text = "Then Orbol Tessim Vant left, and orbol vant too."

    outcome = _annotated(_versions(lists, names="near"), text)

    assert _hits(outcome) == [("Orbol Tessim Vant", "z:1")]
    assert _scan(outcome).near_until == len(text)
    assert _hits(_annotated(_versions(lists), text)) == []


def test_what_the_model_found_is_not_alerted_twice(lists: ServedLists) -> None:
    by = _versions(lists, found=FOUND)
    outcome = _annotated(by, "Then Orbal Vant left.")

    (alert,) = _alerts(outcome)
    assert "origin" not in alert
    assert alert["entity"]["source"] == "model"
    assert _scan(outcome).matches == 0


def test_a_mention_with_the_wrong_label_is_made_good(lists: ServedLists) -> None:
    by = _versions(lists, found={"Orbal": "B-LOC", "Vant": "I-LOC"})
    (alert,) = _alerts(_annotated(by, "Then Orbal Vant left."))

    assert (alert["origin"], alert["entity"]["label"]) == ("scan", "PER")


def test_names_beyond_the_budget_of_names_are_found_by_the_scan(lists: ServedLists) -> None:
    by = _versions(lists, found=FOUND)
    rules = msgspec.structs.replace(by.policy.policy.default, budgets=Budgets(names=1))
    policy = msgspec.structs.replace(by.policy.policy, default=rules)
    by = versions(names=FOUND, quiet=True, lists=lists, policy=policy)

    first, second = _alerts(_annotated(by, "Orbal Vant. And Orbal Vant."))

    assert ("origin" in first, second["origin"]) == (False, "scan")


def _a_baker(mention: str) -> Exclusion:
    """Return the judgement that `mention` is not the Orbal Vant of the list."""
    return Exclusion(
        mention=mention,
        gazetteer="zub",
        entry_id="z:1",
        fingerprint=fingerprint(ORBAL),
        reviewer="r.quoro",
        reason="a baker",
        reviewed_on="2031-01-02",
    )


def test_what_people_excluded_is_not_brought_up_by_a_wider_stretch(
    lists: ServedLists, tmp_path: Path
) -> None:
    more = lists.putting(judged(tmp_path / "judged", _a_baker("Orbol Vant")))
    by = _versions(more, found={"Orbol": "B-PER", "Vant": "I-PER"}, names="near")

    outcome = _annotated(by, "Tessim Orbol Vant left.")

    assert _hits(outcome) == []
    assert _screening(outcome).excluded == 1


def test_what_people_excluded_in_a_scan_stays_so(lists: ServedLists, tmp_path: Path) -> None:
    more = lists.putting(judged(tmp_path / "judged", _a_baker("Orbal Vant")))

    outcome = _annotated(_versions(more, names="near"), "Then Orbal Vant left.")

    assert _hits(outcome) == []
    assert (_screening(outcome).excluded, _scan(outcome).matches) == (1, 1)


def test_a_budget_ends_the_scan_at_a_place_that_the_event_tells(lists: ServedLists) -> None:
    text = "Orbal Vant and Orbal Vant, or Orbol Vant. Nobody Here."

    exact = _annotated(_versions(lists, candidates=1), text)
    near = _annotated(_versions(lists, names="near", candidates=2), text)

    assert len(exact.alerts) == 1
    assert _scan(exact) == ListScan("zub", 1, text.index("Orbal", 1), None, True, 1)
    assert _scan(near) == ListScan("zub", 2, len(text), 0, True, 2)


words = st.sampled_from(["Orbal", "Vant", "Tessim", "Orbol", "and", "the", "Mirel", "Quoro", "LLC"])
composed = st.lists(words | st.sampled_from([",", ".", "\n\n"]), min_size=1, max_size=20).map(
    lambda parts: " ".join(["So", *parts])
)


@settings(max_examples=60, deadline=None)
@given(composed, st.integers(1, 12), st.sampled_from(["exact", "near"]))
def test_a_scan_compares_what_its_budget_allows_and_alerts_no_span_and_entry_twice(
    lists: ServedLists, text: str, candidates: int, names: str
) -> None:
    outcome = _annotated(_versions(lists, found=FOUND, names=names, candidates=candidates), text)
    whole = _annotated(_versions(lists, found=FOUND, names=names, candidates=10_000), text)

    found, complete = _scan(outcome), _scan(whole)
    ids = [alert["alert_id"] for alert in _alerts(outcome)]
    assert len(ids) == len(set(ids))
    assert found.candidates == min(candidates, complete.candidates)
    assert found.truncated == (complete.candidates > candidates)
    assert not complete.truncated
    if not found.truncated:
        assert _hits(outcome) == _hits(whole)


def test_a_policy_without_a_scan_says_nothing_of_it(lists: ServedLists) -> None:
    outcome = _annotated(versions(quiet=True, lists=lists), "Orbal Vant")

    assert outcome.alerts == ()
    assert b"scan" not in (outcome.output.value or b"")
