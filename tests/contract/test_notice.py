"""notice.v1: what the schema allows is a notice; signed is all of it but the signature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.notice import KINDS, Announced, Notice, decode, encode
from tests.contract.instances import instances
from tests.contract.schemas import examples, producer, reader, schema

names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._+-]{0,127}\Z")
hashes = st.from_regex(r"\A[0-9a-f]{64}\Z")
versions = st.builds(Announced, name=names, version=names, sha256=hashes)
notices = st.builds(
    Notice,
    kind=st.sampled_from(KINDS),
    name=names,
    version=names,
    sha256=hashes,
    base=st.none() | versions,
    path=st.text(min_size=1, max_size=50),
    signature=st.none() | st.text(max_size=50),
)
GOOD = {"kind": "model", "name": "n", "version": "1", "sha256": "a" * 64, "path": "models/n"}


@settings(max_examples=100, deadline=None)
@given(instances(schema("notice")))
def test_what_the_schema_allows_is_a_notice(instance: dict[str, Any]) -> None:
    reader("notice").validate(instance)

    notice = decode(json.dumps(instance).encode())

    assert (notice.name, notice.path) == (instance["name"], instance["path"])


@settings(max_examples=100, deadline=None)
@given(notices)
def test_every_notice_that_is_written_is_one_of_the_schema(notice: Notice) -> None:
    producer("notice").validate(json.loads(encode(notice)))

    assert decode(encode(notice)) == notice


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "policy"},
        {"name": ""},
        {"name": ".hidden"},
        {"name": "a/b"},
        {"version": ".."},
        {"version": "1\n"},
        {"version": 3},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"base": {"version": "1"}},
        {"base": "1"},
        {"path": ""},
        {"path": "p" * 1025},
        {"signature": 7},
    ],
    ids=str,
)
def test_what_the_schema_refuses_the_record_refuses(wrong: dict[str, Any]) -> None:
    instance = GOOD | wrong

    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(instance).encode())
    if wrong != {"version": "1\n"}:  # `$` of a schema is the very end, Python's is not
        assert not reader("notice").is_valid(instance)


@pytest.mark.parametrize("path", examples("notice"), ids=lambda path: path.name)
def test_every_example_is_a_notice(path: Path) -> None:
    assert decode(path.read_bytes()).name


@settings(max_examples=100, deadline=None)
@given(notices, notices)
def test_what_is_signed_tells_notices_apart_by_all_but_their_signatures(
    one: Notice, other: Notice
) -> None:
    bare = [msgspec.structs.replace(each, signature=None) for each in (one, other)]

    assert (one.signed_bytes() == other.signed_bytes()) == (bare[0] == bare[1])


@pytest.mark.parametrize("field", ["kind", "name", "version", "sha256", "base", "path"])
def test_a_change_of_any_field_changes_what_is_signed(field: str) -> None:
    notice = msgspec.convert(GOOD, Notice)
    changed = {
        "kind": "gazetteer",
        "base": Announced("n", "0", "b" * 64),
        "sha256": "c" * 64,
    }
    other = msgspec.structs.replace(notice, **{field: changed.get(field, "other")})

    assert other.signed_bytes() != notice.signed_bytes()
