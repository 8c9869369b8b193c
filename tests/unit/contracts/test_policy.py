"""A policy is named by what it says, and a tenant's rules stand in place of the default ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.policy import DEFAULT_POLICY, Budgets, PinnedPolicy, Policy, Rules

FILE: dict[str, Any] = {
    "name": "compliance",
    "version": "3",
    "limits": {"document_bytes": 1000, "nesting_depth": 8},
    "default": {"thresholds": {"PER": 0.5, "LOC": 0.25}, "budgets": {"units": 100}},
    "tenants": {
        "north": {"thresholds": {"PER": 0.9}},
        "south": {"language_thresholds": {"ha": {"PER": 0.1}}},
    },
    "canaries": ["b" * 64, "a" * 64],
}


def _pinned(file: object) -> PinnedPolicy:
    return PinnedPolicy(msgspec.json.decode(json.dumps(file), type=Policy))


def _shuffled(part: Any, draw: st.DataObject) -> Any:
    if not isinstance(part, dict):
        return part
    keys = draw.draw(st.permutations(list(part)))
    return {key: _shuffled(part[key], draw) for key in keys}


@settings(max_examples=30)
@given(st.data())
def test_the_hash_does_not_depend_on_the_order_of_keys(data: st.DataObject) -> None:
    assert _pinned(_shuffled(FILE, data)).version == _pinned(FILE).version


def test_the_hash_is_the_same_for_a_default_that_is_written_out() -> None:
    short = {"name": "n", "version": "1"}
    written_out = json.loads(
        msgspec.json.encode(msgspec.json.decode(json.dumps(short), type=Policy))
    )

    assert written_out != short
    assert _pinned(written_out).version == _pinned(short).version


def test_the_hash_does_not_depend_on_the_order_of_canaries() -> None:
    turned = FILE | {"canaries": FILE["canaries"][::-1]}

    assert _pinned(turned).version == _pinned(FILE).version


@pytest.mark.parametrize(
    "change",
    [
        {"version": "4"},
        {"limits": {"document_bytes": 1001, "nesting_depth": 8}},
        {"default": {"thresholds": {"PER": 0.5}, "budgets": {"units": 100}}},
        {"tenants": {}},
        {"canaries": ["a" * 64]},
    ],
    ids=str,
)
def test_the_hash_changes_with_what_the_policy_says(change: dict[str, Any]) -> None:
    assert _pinned(FILE | change).version.sha256 != _pinned(FILE).version.sha256


def test_the_policy_is_named_in_the_evidence_as_in_its_file() -> None:
    version = _pinned(FILE).version

    assert (version.name, version.version, len(version.sha256)) == ("compliance", "3", 64)


@pytest.mark.parametrize(
    ("tenant", "label", "language", "threshold"),
    [
        (None, "PER", None, 0.5),
        (None, "PER", "ha", 0.5),
        (None, "ORG", None, 0.0),
        ("east", "LOC", None, 0.25),
        ("north", "PER", None, 0.9),
        ("north", "LOC", None, 0.0),
        ("south", "PER", "ha", 0.1),
        ("south", "PER", "ha-Latn-NG", 0.1),
        ("south", "PER", "yo", 0.0),
        ("south", "PER", None, 0.0),
        ("south", "LOC", "ha", 0.0),
    ],
)
def test_the_threshold_is_that_of_tenant_language_and_label(
    tenant: str | None, label: str, language: str | None, threshold: float
) -> None:
    assert _pinned(FILE).rules(tenant).threshold(label, language) == threshold


def test_a_language_that_names_only_some_labels_leaves_the_others_to_all_languages() -> None:
    rules = Rules(thresholds={"PER": 0.5, "LOC": 0.5}, language_thresholds={"ha": {"PER": 0.1}})

    assert (rules.threshold("PER", "ha"), rules.threshold("LOC", "ha")) == (0.1, 0.5)


def test_the_rules_of_a_tenant_stand_in_place_of_the_default_ones_whole() -> None:
    policy = _pinned(FILE)

    assert policy.rules("north").budgets == Budgets()
    assert policy.rules(None).budgets == Budgets(units=100)


@pytest.mark.parametrize(
    ("tenant", "known"), [(None, True), ("north", True), ("east", False), ("", False)]
)
def test_a_tenant_without_rules_of_its_own_is_not_known(tenant: str | None, known: bool) -> None:
    assert _pinned(FILE).knows(tenant) is known


def test_the_limits_of_the_default_policy_are_those_of_the_design() -> None:
    limits = DEFAULT_POLICY.limits

    assert limits.document_bytes == 4 * 1024**2
    assert limits.event_bytes == 16 * 1024**2
    assert limits.header_bytes == 64 * 1024


def test_a_knob_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `treshold`"):
        _pinned({"name": "n", "version": "1", "treshold": 1})


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"tenants": {"": {}}}, "found an empty name"),
        ({"default": {"language_thresholds": {"hau": {}}}}, "found hau, wanted ha"),
        ({"tenants": {"t": {"language_thresholds": {"sr-Latn": {}}}}}, "found sr-Latn, wanted sr"),
        ({"default": {"language_thresholds": {"h!": {}}}}, "not the form of a BCP 47"),
    ],
)
def test_a_name_that_could_never_match_is_told(rules: dict[str, object], message: str) -> None:
    (line,) = _pinned({"name": "n", "version": "1"} | rules).policy.problems()

    assert message in line


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"thresholds": {"review": 90, "alert": 80}}, "found review 90 above alert 80"),
        ({"screens": False, "scan": {}}, "found screens: false and a scan"),
        ({"entities": {"labels": {}}}, "found no labels"),
        ({"entities": {"labels": {"place": "LOC"}, "adds": False}}, "found neither adds nor"),
    ],
)
def test_rules_of_a_list_that_contradict_each_other_are_told(
    rules: dict[str, object], message: str
) -> None:
    named = {"name": "n", "version": "1", "default": {"lists": {"zub": rules}}}
    (line,) = _pinned(named).policy.problems()

    assert line.startswith("lists: zub: ")
    assert message in line


def test_names_that_can_match_are_not_told() -> None:
    rules: dict[str, object] = {
        "tenants": {"north": {"language_thresholds": {"ha": {}, "qaf": {}}}}
    }

    assert _pinned({"name": "n", "version": "1"} | rules).policy.problems() == []
