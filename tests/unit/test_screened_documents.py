"""A document's alerts: one for each span and entry, with all that decided, within the budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onoma.contracts.entities import ListScreening
from onoma.contracts.policy import (
    Budgets,
    Limits,
    ListRules,
    MatchThresholds,
    PinnedPolicy,
    Policy,
    Rules,
)
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.served import NO_LISTS, ServedLists
from onoma.pipeline import Annotated, Job, Versions, admit, conclude_all, process, read
from onoma.tenants import Screening, list_policy
from tests.contract.schemas import producer
from tests.fakes import record, text_record, versions
from tests.unit.gazetteer.lists import entry, served

NAMES = {"Orbal": "B-PER", "Vant": "I-PER", "Mirel": "B-PER", "Quoro": "I-PER"}
TEXT = "Then Orbal Vant met Mirel Quoro, and Orbal Vant left."


@pytest.fixture
def lists(tmp_path: Path) -> ServedLists:
    orbal = entry("z:1", "VANT, Orbal", "Orbal Vant", programmes=("AAA",), listed_on="2030-01-02")
    mirel = entry("z:2", "Mirel Quoro")
    return ServedLists.of(
        [served(tmp_path / "zub", orbal, mirel), served(tmp_path / "yar", entry("y:1", "X Y"))]
    )


def _versions(lists: ServedLists, policy: Policy | None = None, **changes: Any) -> Versions:
    named = policy or Policy(name="default", version="1")
    return versions(names=NAMES, quiet=True, lists=lists, policy=named, **changes)


def _annotated(by: Versions, text: str = TEXT) -> Annotated:
    outcome = process(text_record(text), by)
    assert isinstance(outcome, Annotated)
    return outcome


def _alerts(outcome: Annotated) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in outcome.alerts]


def _screening(outcome: Annotated, name: str = "zub") -> ListScreening:
    (found,) = [each for each in outcome.event.coverage.screening or () if each.gazetteer == name]
    return found


def test_every_span_that_may_mean_an_entry_is_an_alert_of_the_schema(lists: ServedLists) -> None:
    outcome = _annotated(_versions(lists))

    alerts = _alerts(outcome)
    for alert in alerts:
        producer("alert").validate(alert)
    assert [(a["entity"]["start"], a["entry"]["entry_id"]) for a in alerts] == [
        (5, "z:1"),
        (20, "z:2"),
        (37, "z:1"),
    ]
    assert all(
        TEXT[a["entity"]["start"] : a["entity"]["end"]] == a["entity"]["text"] for a in alerts
    )
    assert len({alert["alert_id"] for alert in alerts}) == 3


def test_an_alert_says_what_decided(lists: ServedLists) -> None:
    policy = Policy(
        name="strict",
        version="7",
        default=Rules(lists={"zub": ListRules(thresholds=MatchThresholds(90, 95))}),
    )
    outcome = _annotated(_versions(lists, policy))

    alert = _alerts(outcome)[0]
    event = json.loads(outcome.output.value or b"")
    zub = lists.versions[1]
    assert alert["gazetteer"] == {"name": "zub", "version": "1", "sha256": zub.sha256}
    assert alert["entry"]["name"] == "VANT, Orbal"
    assert (alert["match"]["path"], alert["match"]["score"]) == ("exact", 100.0)
    assert alert["thresholds"] == {"review": 90.0, "alert": 95.0}
    assert alert["evidence"] == event["evidence"]
    assert [each["name"] for each in event["evidence"]["gazetteers"]] == ["yar", "zub"]
    assert event["evidence"]["policy"]["sha256"] == PinnedPolicy(policy).version.sha256
    assert (alert["event_id"], alert["text_sha256"]) == (event["event_id"], event["text_sha256"])


def test_an_alert_travels_as_its_event_does(lists: ServedLists) -> None:
    outcome = _annotated(_versions(lists))

    alert = outcome.alerts[0]
    headers = dict(alert.headers)
    assert outcome.outputs == (outcome.output, *outcome.alerts)
    assert (alert.destination, alert.key) == ("alerts", outcome.output.key)
    assert headers["ce_type"] == b"onoma.alert.v1"
    assert headers["ce_id"] == _alerts(outcome)[0]["alert_id"].encode()


def test_an_event_says_what_came_of_each_list_and_nothing_without_lists(
    lists: ServedLists,
) -> None:
    outcome, unscreened = _annotated(_versions(lists)), _annotated(_versions(NO_LISTS))

    producer("entities").validate(json.loads(outcome.output.value or b""))
    assert _screening(outcome) == ListScreening("zub", 3, 3, 0, 0, 0)
    assert _screening(outcome, "yar") == ListScreening("yar", 3, 0, 0, 0, 0)
    assert b"screening" not in (unscreened.output.value or b"")
    assert unscreened.alerts == ()


def test_a_budget_keeps_the_best_alerts_and_the_event_counts_the_others(
    lists: ServedLists,
) -> None:
    text = "Mirel Vant Quoro, Orbal Vant"
    policy = Policy(
        name="n",
        version="1",
        default=Rules(
            budgets=Budgets(alerts=1),
            lists={"zub": ListRules(thresholds=MatchThresholds(75, 75))},
        ),
    )

    whole = _annotated(
        _versions(
            lists, msgspec.structs.replace(policy, default=Rules(lists=policy.default.lists))
        ),
        text,
    )
    outcome = _annotated(_versions(lists, policy), text)

    assert [alert["entry"]["entry_id"] for alert in _alerts(whole)][-1] == "z:1"
    assert [alert["match"]["score"] for alert in _alerts(outcome)] == [100.0]
    screening = _screening(outcome)
    assert (screening.alerts, screening.omitted) == (1, len(whole.alerts) - 1)
    assert screening.omitted > 0


def test_alerts_together_have_no_more_bytes_than_an_event_may(lists: ServedLists) -> None:
    whole = _annotated(_versions(lists))
    size = len(whole.alerts[0].value or b"")
    limits = Limits(event_bytes=2 * size + size // 2)
    outcome = _annotated(_versions(lists, Policy(name="default", version="1", limits=limits)))

    assert len(outcome.alerts) == 2
    assert _screening(outcome).omitted == 1


def test_names_beyond_the_budget_are_not_compared_and_the_event_counts_them(
    lists: ServedLists,
) -> None:
    budgets = Budgets(names=2)
    rules = Rules(budgets=budgets, lists={"yar": ListRules(labels={"PER": ()})})
    outcome = _annotated(_versions(lists, Policy(name="n", version="1", default=rules)))

    producer("entities").validate(json.loads(outcome.output.value or b""))
    assert [alert["entity"]["start"] for alert in _alerts(outcome)] == [5, 20]
    assert _screening(outcome) == ListScreening("zub", 2, 2, 0, 0, 0, unscreened=1)
    assert _screening(outcome, "yar") == ListScreening("yar", 0, 0, 0, 0, 0)


def test_a_tenants_lists_are_made_once_and_strangers_share_the_default(lists: ServedLists) -> None:
    policy = Policy(name="n", version="1", tenants={"north": Rules()})
    screening = Screening(lists, PinnedPolicy(policy))

    assert screening.lists("north") is screening.lists("north")
    assert screening.lists("south") is screening.lists(None)
    assert screening.lists("north") is not screening.lists(None)


def test_the_rules_of_a_tenant_decide_about_its_documents(lists: ServedLists) -> None:
    policy = Policy(
        name="n",
        version="1",
        tenants={"north": Rules(lists={"zub": ListRules(labels={"PER": ()})})},
    )
    by = _versions(lists, policy)

    def alerts_of(tenant: str) -> int:
        value = {"document_id": "d", "text": TEXT, "tenant": tenant}
        outcome = process(record(json.dumps(value).encode()), by)
        assert isinstance(outcome, Annotated)
        return len(outcome.alerts)

    assert (alerts_of("north"), alerts_of("south")) == (0, 3)


def test_alerts_do_not_depend_on_the_documents_that_are_concluded_together(
    lists: ServedLists,
) -> None:
    by = _versions(lists)
    texts = [TEXT, "Nobody.", "Mirel Quoro", TEXT + " Again Orbal Vant."]
    jobs = [job for text in texts if isinstance(job := admit(text_record(text), by), Job)]

    together = conclude_all([(job, read(job)) for job in jobs])

    assert together == [_annotated(by, text) for text in texts]


def test_the_policys_default_rules_are_those_of_the_matcher() -> None:
    assert list_policy(ListRules()) == ListPolicy()
