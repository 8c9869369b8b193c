"""policy.v1: a file that the schema allows is a policy, one that it refuses is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.policy import (
    DEFAULT_POLICY,
    Budgets,
    EntityRules,
    Limits,
    ListRules,
    MatchThresholds,
    PinnedPolicy,
    Policy,
    Rules,
    ScanRules,
)
from onoma.gazetteer.entries import EntryType
from tests.contract.instances import instances
from tests.contract.schemas import examples, reader, schema

thresholds = st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=3)
match_thresholds = st.builds(MatchThresholds, review=st.floats(75, 85), alert=st.floats(85, 100))
types = st.lists(st.sampled_from([each.value for each in EntryType]), max_size=3).map(tuple)
list_rules = st.builds(
    ListRules,
    thresholds=match_thresholds,
    type_thresholds=st.dictionaries(
        st.sampled_from([each.value for each in EntryType]), match_thresholds, max_size=2
    ),
    labels=st.dictionaries(st.text(max_size=5), types, max_size=3),
    single_tokens=st.sampled_from(["never", "exact", "near"]),
    single_token_alerts=types,
    weak_alias_alerts=st.booleans(),
    screens=st.just(msgspec.UNSET) | st.booleans(),
    entities=st.just(msgspec.UNSET)
    | st.builds(
        EntityRules,
        labels=st.dictionaries(
            st.sampled_from([each.value for each in EntryType]),
            st.text(min_size=1, max_size=5),
            max_size=3,
        ),
        adds=st.booleans(),
        corrects=st.booleans(),
        score=st.floats(0, 1),
    ),
    scan=st.just(msgspec.UNSET)
    | st.builds(
        ScanRules, names=st.sampled_from(["exact", "near"]), candidates=st.integers(1, 2**53)
    ),
)
rules = st.builds(
    Rules,
    thresholds=thresholds,
    language_thresholds=st.dictionaries(st.text(max_size=5), thresholds, max_size=2),
    budgets=st.builds(
        Budgets,
        units=st.integers(1, 2**53),
        alerts=st.integers(1, 2**53),
        names=st.just(msgspec.UNSET) | st.integers(1, 2**53),
    ),
    lists=st.dictionaries(st.text(max_size=5), list_rules, max_size=2),
)
sizes = st.integers(1, 2**53)
policies = st.builds(
    Policy,
    name=st.text(min_size=1),
    version=st.text(min_size=1),
    limits=st.builds(
        Limits,
        document_bytes=sizes,
        event_bytes=sizes,
        header_bytes=sizes,
        nesting_depth=st.integers(1, 500),
    ),
    default=rules,
    tenants=st.dictionaries(st.text(max_size=5), rules, max_size=2),
    canaries=st.frozensets(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(instances(schema("policy")))
def test_what_the_schema_allows_is_a_policy(instance: dict[str, Any]) -> None:
    reader("policy").validate(instance)

    policy = msgspec.json.decode(json.dumps(instance), type=Policy)

    assert policy.name == instance["name"]
    assert set(policy.tenants) == set(instance.get("tenants", {}))
    assert policy.canaries == set(instance.get("canaries", []))


@settings(max_examples=100, deadline=None)
@given(policies)
def test_every_policy_that_the_record_holds_is_one_of_the_schema(policy: Policy) -> None:
    reader("policy").validate(json.loads(msgspec.json.encode(policy)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"version": ""},
        {"version": 3},
        {"threshold": {}},
        {"limits": {"document_bytes": 0}},
        {"limits": {"nesting_depth": 501}},
        {"limits": {"document_kilobytes": 1}},
        {"limits": None},
        {"default": {"thresholds": {"PER": 1.01}}},
        {"default": {"thresholds": {"PER": -0.01}}},
        {"default": {"thresholds": {"PER": "0.5"}}},
        {"default": {"language_thresholds": {"ha": 0.5}}},
        {"default": {"budgets": {"units": 0}}},
        {"default": {"budgets": {"seconds": 5}}},
        {"default": {"budgets": {"alerts": 0}}},
        {"default": {"budgets": {"names": 0}}},
        {"default": {"lists": {"zub": {"thresholds": {"review": 74.9}}}}},
        {"default": {"lists": {"zub": {"thresholds": {"alert": 100.1}}}}},
        {"default": {"lists": {"zub": {"labels": {"PER": ["people"]}}}}},
        {"default": {"lists": {"zub": {"type_thresholds": {"people": {}}}}}},
        {"default": {"lists": {"zub": {"single_tokens": "always"}}}},
        {"default": {"lists": {"zub": {"single_token_alert": []}}}},
        {"default": {"lists": {"zub": {"screens": 0}}}},
        {"default": {"lists": {"zub": {"entities": {}}}}},
        {"default": {"lists": {"zub": {"entities": {"labels": {"town": "LOC"}}}}}},
        {"default": {"lists": {"zub": {"entities": {"labels": {"place": ""}}}}}},
        {"default": {"lists": {"zub": {"entities": {"labels": {}, "score": 1.1}}}}},
        {"default": {"lists": {"zub": {"scan": {"names": "all"}}}}},
        {"default": {"lists": {"zub": {"scan": {"candidates": 0}}}}},
        {"default": {"lists": {"zub": {"scan": {"seconds": 1}}}}},
        {"tenants": {"north": {"limits": {}}}},
        {"canaries": ["A" * 64]},
        {"canaries": ["a" * 63]},
        {"canaries": "a" * 64},
    ],
    ids=str,
)
def test_what_the_schema_refuses_the_record_refuses(wrong: dict[str, Any]) -> None:
    instance = {"name": "n", "version": "1"} | wrong

    assert not reader("policy").is_valid(instance)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(instance), type=Policy)


@pytest.mark.parametrize("path", examples("policy"), ids=lambda path: path.name)
def test_every_example_is_a_policy(path: Path) -> None:
    assert msgspec.json.decode(path.read_bytes(), type=Policy).name


def test_the_default_policy_is_one_of_the_schema() -> None:
    reader("policy").validate(json.loads(msgspec.json.encode(DEFAULT_POLICY)))


def test_a_policy_of_the_first_release_keeps_its_hash() -> None:
    """Events name it: a knob that came later must not rename what decided about them."""
    assert PinnedPolicy(DEFAULT_POLICY).version.sha256 == (
        "78868b86aea3acee3dc1b502b052e6bc4ab6fbf321e9f9e16a29baad01f20671"
    )
