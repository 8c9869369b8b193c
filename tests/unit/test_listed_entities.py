"""Events of documents for which lists give entities: added, confirmed, and never less screened."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.entities import Entity
from onoma.contracts.policy import EntityRules, ListRules, Policy, Rules
from onoma.gazetteer.entries import EntryType, Name, Quality
from onoma.gazetteer.served import ServedLists
from onoma.pipeline import Annotated, Versions, process
from tests.contract.schemas import producer
from tests.fakes import text_record, versions
from tests.unit.gazetteer.lists import entry, served

PLACES = (
    entry("p:1", "Zubo", type=EntryType.PLACE),
    entry("p:2", "Port Zubo", type=EntryType.PLACE),
    entry("p:3", "Vant", type=EntryType.PLACE),
    entry("p:4", "Old Kandra", names=(Name("Old Kandra", Quality.WEAK),), type=EntryType.PLACE),
    entry("p:5", "Mirel Bank", type=EntryType.ORGANISATION),
    entry("p:6", "Uz", type=EntryType.PLACE),
    entry("p:7", "Orbal Vant Airport", type=EntryType.PLACE),
    entry("p:8", "Sheikh Orbal Vant"),
)
WATCHED = entry("z:1", "Orbal Vant"), entry("z:2", "Zubo Mirel")
LABELS = {"place": "LOC", "organisation": "ORG"}
FOUND = {"Orbal": "B-PER", "Vant": "I-PER"}


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> ServedLists:
    root = tmp_path_factory.mktemp("lists")
    return ServedLists.of([served(root / "atlas", *PLACES), served(root / "zub", *WATCHED)])


def _versions(
    lists: ServedLists,
    found: dict[str, str] | None = None,
    *,
    rules: Rules | None = None,
    **of: Any,
) -> Versions:
    told: dict[str, Any] = {"labels": LABELS, "corrects": True} | of
    atlas = ListRules(screens=False, entities=EntityRules(**told))
    policy = Policy(name="n", version="1", default=rules or Rules(lists={"atlas": atlas}))
    return versions(names=found or {}, quiet=True, lists=lists, policy=policy)


def _annotated(by: Versions, text: str) -> Annotated:
    outcome = process(text_record(text), by)
    assert isinstance(outcome, Annotated)
    producer("entities").validate(json.loads(outcome.output.value or b""))
    return outcome


def _names(by: Versions, text: str) -> list[tuple[str, str, float, str]]:
    return [
        (each.text, each.label, each.score, each.source)
        for each in _annotated(by, text).event.entities
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("From Zubo to Port Zubo.", [("Zubo", "LOC"), ("Port Zubo", "LOC")]),
        ("the Mirel Bank", [("Mirel Bank", "ORG")]),
        ("the ZUBO of old", [("ZUBO", "LOC")]),
        ("a zubo", []),
        ("Zubo Port", [("Zubo", "LOC")]),
        ("Port, Zubo", [("Zubo", "LOC")]),
        ("Port\nZubo", [("Zubo", "LOC")]),
        ("Old Kandra", []),
        ("Uz", []),
        ("Zubot", []),
    ],
    ids=repr,
)
def test_a_list_gives_its_names_as_it_writes_them(
    lists: ServedLists, text: str, names: list[tuple[str, str]]
) -> None:
    found = _names(_versions(lists), text)

    assert found == [(name, label, 0.8, "gazetteer") for name, label in names]


def test_an_entity_of_a_list_says_which_list(lists: ServedLists) -> None:
    (entity,) = _annotated(_versions(lists), "In Zubo.").event.entities

    assert entity == Entity(3, 7, "LOC", 0.8, "Zubo", "gazetteer", "atlas")


def test_a_list_that_only_gives_entities_is_not_screened_against(lists: ServedLists) -> None:
    outcome = _annotated(_versions(lists, FOUND), "Orbal Vant in Zubo.")

    assert [each.gazetteer for each in outcome.event.coverage.screening or ()] == ["zub"]
    assert [each.name for each in outcome.event.evidence.gazetteers] == ["atlas", "zub"]
    assert len(outcome.alerts) == 1


def test_a_threshold_holds_for_names_of_lists_too(lists: ServedLists) -> None:
    by = _versions(lists)
    atlas = by.policy.policy.default.lists["atlas"]
    rules = Rules(lists={"atlas": atlas}, thresholds={"LOC": 0.81})

    assert _names(_versions(lists, rules=rules), "From Zubo to the Mirel Bank.") == [
        ("Mirel Bank", "ORG", 0.8, "gazetteer")
    ]


def test_a_name_that_a_list_corrects_is_screened_as_the_model_read_it_too(
    lists: ServedLists,
) -> None:
    by = _versions(lists, FOUND, labels={"place": "PER"})
    outcome = _annotated(by, "By Orbal Vant Airport.")

    (entity,) = outcome.event.entities
    assert (entity.text, entity.label, entity.source) == ("Orbal Vant Airport", "PER", "merged")
    (alert,) = [json.loads(output.value or b"") for output in outcome.alerts]
    producer("alert").validate(alert)
    assert (alert["origin"], alert["entity"]["text"]) == ("corrected", "Orbal Vant")
    (screening,) = outcome.event.coverage.screening or ()
    assert (screening.names, screening.alerts, screening.reviews) == (2, 1, 1)


def test_a_widened_name_that_says_as_much_is_alerted_once(lists: ServedLists) -> None:
    by = _versions(lists, FOUND, labels={"person": "PER"})
    outcome = _annotated(by, "By Sheikh Orbal Vant.")

    (alert,) = [json.loads(output.value or b"") for output in outcome.alerts]
    assert alert["entity"]["text"] == "Sheikh Orbal Vant"
    assert "origin" not in alert


def test_without_rules_for_entities_a_list_gives_none(lists: ServedLists) -> None:
    by = versions(quiet=True, lists=lists)

    assert _annotated(by, "Zubo and Port Zubo").event.entities == ()


words = st.sampled_from(["Orbal", "Vant", "Zubo", "Port", "Mirel", "Bank", "Airport", ",", "and"])


@settings(max_examples=60, deadline=None)
@given(st.lists(words, min_size=1, max_size=15).map(" ".join), st.sampled_from(["PER", "LOC"]))
def test_alerts_are_never_less_than_without_the_list_of_entities(
    lists: ServedLists, text: str, label: str
) -> None:
    given_names = FOUND | {"Port": "B-LOC", "Zubo": "I-LOC"}
    labels = {"place": label, "person": "PER"}
    with_atlas = _annotated(_versions(lists, given_names, labels=labels), text)
    without = _annotated(_versions(lists, given_names, rules=Rules()), text)

    entities = with_atlas.event.entities
    assert all(text[each.start : each.end] == each.text for each in entities)
    assert all(one.end <= two.start for one, two in pairwise(entities))
    told, before = (
        {
            (alert["entity"]["start"], alert["entity"]["end"], alert["entry"]["entry_id"])
            for output in outcome.alerts
            for alert in [json.loads(output.value or b"")]
            if alert["gazetteer"]["name"] == "zub"
        }
        for outcome in (with_atlas, without)
    )
    for start, end, entry_id in before:
        assert any(a < end and start < b and entry_id == known for a, b, known in told)
