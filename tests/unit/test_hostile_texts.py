"""Texts made to cost much or to break something end in an event that is whole, or in a reason."""

from __future__ import annotations

import json

import pytest

from onoma.contracts.policy import Limits, Policy
from onoma.contracts.records import Record
from onoma.errors import RejectionReason
from onoma.ner.decoding import UNITS_BOTH_WAYS
from onoma.pipeline import Annotated, DeadLettered, process
from tests.contract.schemas import producer
from tests.fakes import record, text_record, versions

Reason = RejectionReason
MEBIBYTE = 1024**2
VERSIONS = versions()

TEXTS = {
    "a letter with 100,000 marks": "a" + "\u0301" * 100_000,
    "marks alone": "\u0301" * 100_000,
    "one word of 4 MiB": "a" * 4 * MEBIBYTE,
    "a mebibyte without a blank": "กขฃค" * (MEBIBYTE // 12),
    "joiners of no width": "\u200d" * 100_000,
    "apostrophes between letters": "a'" * 100_000,
    "letters that become eighteen": "\ufdfa" * 50_000,
    "syllables in parts": "\u1100\u1161\u11a8" * 30_000,
    "overrides of direction": "\u202e\u202d" * 20_000,
    "blanks of all kinds": "a" + " \u2003\u3000\x85\u2028\r\n\t" * 50_000 + "b",
    "one mark again and again": '"' * (UNITS_BOTH_WAYS + 4_000),
    "tags and variation selectors": "\U000e0041\ufe0f" * 20_000,
    "nul": "\x00" * 20_000,
    "code points of no character": "\ufffe\U0010ffff" * 20_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_that_was_made_to_break_us_gets_an_event_of_all_of_it(text: str) -> None:
    outcome = process(text_record(text), VERSIONS)

    assert isinstance(outcome, Annotated)
    event = outcome.event
    assert event.text_length == len(text)
    assert (event.coverage.characters_read, event.coverage.ratio) == (len(text), 1.0)
    assert all(text[each.start : each.end] == each.text for each in event.entities)
    producer("entities").validate(json.loads(outcome.output.value or b""))


def limited(**limits: int) -> DeadLettered:
    """Return the rejection of a text of six units under these limits."""
    policy = Policy(name="tight", version="1", limits=Limits(**limits))
    outcome = process(text_record("Amina went to Abuja, alone"), versions(policy=policy))
    assert isinstance(outcome, DeadLettered)
    return outcome


def test_more_words_than_the_limit_are_a_reason_of_their_own() -> None:
    rejected = limited(units=5).rejected

    assert rejected.reason is Reason.TOO_MANY_UNITS
    assert rejected.detail == "the text has 6 words and punctuation marks, the limit is 5"


def test_more_work_than_the_limit_is_a_reason_of_its_own() -> None:
    rejected = limited(units=6, rows=6).rejected

    assert rejected.reason is Reason.TOO_MUCH_WORK
    assert rejected.detail == "the model would compute 7 rows for it, the limit is 6"


def test_four_mebibytes_of_quotation_marks_are_rejected_before_any_of_it_is_read() -> None:
    outcome = process(text_record('"' * 4 * MEBIBYTE), VERSIONS)

    assert isinstance(outcome, DeadLettered)
    assert outcome.rejected.reason is Reason.TOO_MANY_UNITS


def structured(data: str, **attributes: str) -> Record:
    """Return a CloudEvent in JSON; `data` is JSON already."""
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", **attributes}
    head = json.dumps({"datacontenttype": "text/plain", **event})[:-1]
    return record(f'{head},"data":{data}}}'.encode(), content_type="application/cloudevents+json")


HALF = '"\\ud83d"'
LONG = MEBIBYTE


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (structured(HALF), Reason.LONE_SURROGATE),
        (structured(f'{{"text":{HALF}}}'), Reason.LONE_SURROGATE),
        (structured('"text"', id="\ud83d"), Reason.LONE_SURROGATE),
        (structured(HALF, datacontenttype="application/json"), Reason.LONE_SURROGATE),
        (record(f'{{"document_id":{HALF},"text":"a"}}'.encode()), Reason.LONE_SURROGATE),
        (record(b'{"document_id":"1","text":' + b"1" * LONG + b"}"), Reason.INVALID_FIELD),
        (record(b'{"document_id":"1","text":-1e' + b"9" * LONG + b"}"), Reason.INVALID_FIELD),
        (
            record(b'{"document_id":"1","text":"a","language":"' + b"a-" * LONG + b'"}'),
            Reason.INVALID_FIELD,
        ),
        (
            record(b'{"document_id":"1","text":"a","created_at":"' + b"9" * LONG + b'"}'),
            Reason.INVALID_FIELD,
        ),
        (record(b'"' * LONG), Reason.WRONG_TYPE),
        (record(b"[" * LONG), Reason.TOO_DEEPLY_NESTED),
        (record(b'{"a":' * (LONG // 2)), Reason.TOO_DEEPLY_NESTED),
        (record(b'{"a":"\\' * (LONG // 8)), Reason.INVALID_JSON),
        (record(b"a", content_type="text/plain; charset=" + "x" * LONG), None),
    ],
    ids=lambda value: "" if isinstance(value, Record) else str(value),
)
def test_a_record_that_was_made_to_break_the_decoder_has_its_reason(
    source: Record, reason: RejectionReason | None
) -> None:
    outcome = process(source, VERSIONS)

    assert isinstance(outcome, DeadLettered)
    assert reason is None or outcome.rejected.reason is reason
    assert outcome.output.value == source.value
    assert len(outcome.rejected.detail) < 300
