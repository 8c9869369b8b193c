"""A trace's context is passed on as W3C Trace Context says; what is malformed is left out."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.records import Headers, Record
from onoma.contracts.tracing import MAX_STATE_BYTES, passed_on
from onoma.pipeline import Annotated, process
from tests.fakes import record, versions
from tests.texts import characters

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
STATE = b"rojo=00f067aa0ba902b7,tenant9@congo=t61rcWkgMzE"
VALUE = b'{"document_id":"d","text":"From Zaria."}'
VERSIONS = versions(names={"Zaria": "B-LOC"})


def _passed(*headers: tuple[str, bytes | None]) -> dict[str, bytes | None]:
    names = [name for name, _ in passed_on(record(VALUE, headers=headers))]
    assert len(names) == len(set(names))
    return dict(passed_on(record(VALUE, headers=headers)))


def _structured(**attributes: object) -> Record:
    event = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t"} | attributes
    value = json.dumps(event | {"data": json.loads(VALUE)}).encode()
    return record(value, content_type="Application/CloudEvents+JSON; charset=utf-8")


def test_a_record_without_a_trace_gives_no_headers() -> None:
    assert _passed(("traces", PARENT), ("content-type", b"application/json")) == {}


@pytest.mark.parametrize("prefix", ["", "ce_"])
def test_the_context_of_either_carrier_goes_on_in_both(prefix: str) -> None:
    passed = _passed((f"{prefix}traceparent", PARENT), (f"{prefix}tracestate", STATE))

    assert passed == {
        "traceparent": PARENT,
        "tracestate": STATE,
        "ce_traceparent": PARENT,
        "ce_tracestate": STATE,
    }


def test_the_contexts_of_the_hop_and_of_the_event_stay_apart() -> None:
    passed = _passed(("ce_traceparent", OTHER), ("tracestate", STATE), ("TraceParent", PARENT))

    assert passed == {"traceparent": PARENT, "tracestate": STATE, "ce_traceparent": OTHER}


def test_a_structured_event_carries_its_context_in_its_attributes() -> None:
    passed = passed_on(_structured(traceparent=PARENT.decode(), tracestate=STATE.decode()))

    assert dict(passed)["ce_traceparent"] == dict(passed)["traceparent"] == PARENT
    assert dict(passed)["ce_tracestate"] == STATE


@pytest.mark.parametrize("wrong", [7, None, ["x"], {"a": {}}, "", "😀"])
def test_attributes_of_another_type_are_left_out(wrong: object) -> None:
    assert passed_on(_structured(traceparent=wrong, tracestate=wrong)) == ()
    assert dict(passed_on(_structured(traceparent=PARENT.decode(), tracestate=wrong))) == {
        "traceparent": PARENT,
        "ce_traceparent": PARENT,
    }


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b" " + PARENT,
        PARENT + b"\n",
        PARENT + b"-more",
        PARENT.upper(),
        PARENT[:-1],
        b"ff" + PARENT[2:],
        b"0x" + PARENT[2:],
        PARENT.replace(b"-", b"_"),
        b"00-" + b"0" * 32 + PARENT[35:],
        PARENT[:36] + b"0" * 16 + b"-01",
        b"01" + PARENT[2:] + b"more",
        PARENT.replace(b"4bf9", "４ｂｆ９".encode()),
    ],
)
def test_a_malformed_parent_takes_its_state_with_it(malformed: bytes) -> None:
    assert _passed(("traceparent", malformed), ("tracestate", STATE)) == {}


def test_two_parents_or_one_without_a_value_are_none() -> None:
    assert _passed(("traceparent", PARENT), ("traceparent", OTHER)) == {}
    assert _passed(("traceparent", None), ("tracestate", None)) == {}


@pytest.mark.parametrize(
    ("newer", "known"),
    [
        (b"01" + PARENT[2:], PARENT),
        (b"cc" + PARENT[2:] + b"-what-is-to-come", PARENT),
        (b"01" + PARENT[2:-2] + b"fe", PARENT[:-2] + b"00"),
    ],
)
def test_a_parent_of_a_newer_version_goes_on_in_the_version_that_is_known(
    newer: bytes, known: bytes
) -> None:
    assert _passed(("traceparent", newer))["traceparent"] == known


@pytest.mark.parametrize(
    "malformed",
    [
        b"no value",
        b"Upper=1",
        b"a=1,a=2",
        b"a=b=c",
        b"a=\xc3\xa9",
        b"a=",
        b"a@=1",
        b"a=" + b"x" * 257,
        b",".join(b"k%d=1" % number for number in range(33)),
    ],
)
def test_a_malformed_state_is_left_out_and_its_parent_stays(malformed: bytes) -> None:
    assert "tracestate" not in _passed(("traceparent", PARENT), ("tracestate", malformed))
    assert _passed(("traceparent", PARENT), ("tracestate", malformed))["traceparent"] == PARENT


def test_states_of_several_headers_are_one_without_blanks_and_empty_members() -> None:
    passed = _passed(
        ("traceparent", PARENT),
        ("tracestate", b"a=1 ,\t b=2,,"),
        ("tracestate", b" c=x y"),
    )

    assert passed["tracestate"] == b"a=1,b=2,c=x y"


def test_of_a_long_state_the_newest_members_stay() -> None:
    members = [b"k%d=" % number + b"x" * 200 for number in range(4)]

    state = _passed(("traceparent", PARENT), ("tracestate", b",".join(members)))["tracestate"]

    assert state == b",".join(members[:2])


_texts = st.text(characters, max_size=60).map(str.encode)
_parents = st.one_of(
    st.binary(max_size=60),
    _texts,
    st.just(PARENT),
    st.from_regex(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True),
    st.builds(lambda cut, put: PARENT[:cut] + put + PARENT[cut:], st.integers(0, 55), _texts),
)
_states = st.one_of(
    st.binary(max_size=60),
    _texts,
    st.lists(st.from_regex(rb"[a-z0-9@_*/-]{0,20}=?[ -~]{0,300}", fullmatch=True), max_size=40).map(
        b",".join
    ),
)
_headers = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["traceparent", "ce_traceparent"]), st.none() | _parents),
        st.tuples(st.sampled_from(["tracestate", "ce_tracestate"]), st.none() | _states),
    ),
    max_size=6,
).map(tuple)


@settings(max_examples=300, deadline=None)
@given(_headers)
def test_whatever_the_headers_only_well_formed_contexts_go_on(headers: Headers) -> None:
    for name, value in _passed(*headers).items():
        assert value is not None
        if name.endswith("parent"):
            assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", value)
            assert any(value[2:52] in (given or b"") for _, given in headers)
        else:
            assert len(value) <= MAX_STATE_BYTES
            assert value.isascii()
            assert all(b"=" in member for member in value.split(b","))


@settings(max_examples=50, deadline=None)
@given(_headers)
def test_no_context_changes_key_or_value_of_an_event(headers: Headers) -> None:
    plain, traced = (
        process(record(VALUE), VERSIONS),
        process(record(VALUE, headers=headers), VERSIONS),
    )

    assert isinstance(plain, Annotated)
    assert isinstance(traced, Annotated)
    assert (traced.output.key, traced.output.value) == (plain.output.key, plain.output.value)
    assert traced.output.headers[: len(plain.output.headers)] == plain.output.headers


def test_the_event_of_a_document_carries_its_trace() -> None:
    outcome = process(record(VALUE, headers=(("traceparent", PARENT),)), VERSIONS)

    assert dict(outcome.output.headers)["traceparent"] == PARENT
    assert dict(outcome.output.headers)["ce_traceparent"] == PARENT


def test_a_dead_letter_keeps_the_context_as_it_came() -> None:
    carried = (("traceparent", PARENT), ("tracestate", b"Not Well Formed"))

    outcome = process(record(b"no document", headers=carried), VERSIONS)

    assert outcome.output.headers[:2] == carried
