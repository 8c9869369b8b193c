"""Whatever its bytes, a record gives a document or one reason from the closed set."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.contracts.decoders import DECODERS, decode
from onoma.contracts.document import Document
from onoma.contracts.policy import Limits
from onoma.contracts.records import Headers, Record
from onoma.errors import RejectedDocument, RejectionReason
from tests.fakes import record, text_record
from tests.texts import documents, mixed_texts

LIMITS = Limits()
STRUCTURED = "application/cloudevents+json"
SECRET = "Zaria"


def _document(**fields: object) -> bytes:
    return json.dumps({"document_id": "d", "text": SECRET} | fields).encode()


def _structured(data: str, **attributes: str) -> bytes:
    event = {"specversion": "1.0", "id": "e", "source": "/s", "type": "t"} | attributes
    return json.dumps(event)[:-1].encode() + f",{data}}}".encode()


def _rejected(source: Record, limits: Limits = LIMITS) -> RejectedDocument:
    with pytest.raises(RejectedDocument) as caught:
        decode(source, limits)
    return caught.value


BAD_JSON = [
    ("empty value", b"", "invalid_json"),
    ("plain words", b"Zaria and Jos", "invalid_json"),
    ("cut off", b'{"document_id":"d","text":"Zaria', "invalid_json"),
    ("two values", b'{"document_id":"d","text":"Zaria"} {}', "invalid_json"),
    ("not a number", b'{"document_id":"d","text":"Zaria","x":NaN}', "invalid_json"),
    ("control character", b'{"document_id":"d","text":"Zaria\n"}', "invalid_json"),
    ("byte order mark", b'\xef\xbb\xbf{"document_id":"d","text":"Zaria"}', "invalid_json"),
    ("surrogate, then broken", b'{"document_id":"\\ud800","text":"Zaria"', "invalid_json"),
    ("latin-1", '{"document_id":"d","text":"Zaria é"}'.encode("latin-1"), "invalid_utf8"),
    ("raw surrogate", b'{"document_id":"d","text":"Zaria \xed\xa0\x80"}', "invalid_utf8"),
    ("utf-16", '{"document_id":"d","text":"Zaria"}'.encode("utf-16"), "invalid_utf8"),
    ("array", b'["Zaria"]', "wrong_type"),
    ("string", b'"Zaria"', "wrong_type"),
    ("null", b"null", "wrong_type"),
    ("text is a number", b'{"document_id":"d","text":7}', "wrong_type"),
    ("text is null", b'{"document_id":"d","text":null}', "wrong_type"),
    ("id is a number", _document(document_id=7), "wrong_type"),
    ("metadata holds a number", _document(metadata={"Zaria": 7}), "wrong_type"),
    ("no id", b'{"text":"Zaria"}', "missing_field"),
    ("no text", b'{"document_id":"Zaria"}', "missing_field"),
    ("empty id", _document(document_id=""), "invalid_field"),
    ("long id", _document(document_id="x" * 1025), "invalid_field"),
    ("empty tenant", _document(tenant=""), "invalid_field"),
    ("long tenant", _document(tenant="Zaria" * 60), "invalid_field"),
    ("time without offset", _document(created_at="2026-03-01T09:30:00"), "invalid_field"),
    ("no time", _document(created_at="Zaria"), "invalid_field"),
    ("no language", _document(language="Zaria, Jos"), "invalid_field"),
    ("empty language", _document(language=""), "invalid_field"),
    ("empty text", _document(text=""), "empty_text"),
    ("blank text", _document(text=" \r\n\t\u00a0\u3000\u2028"), "empty_text"),
    ("high surrogate", b'{"document_id":"d","text":"Zaria \\ud83d"}', "lone_surrogate"),
    ("low surrogate", b'{"document_id":"d","text":"Zaria \\uDE00"}', "lone_surrogate"),
    ("surrogate in the id", b'{"document_id":"\\ud83d","text":"Zaria"}', "lone_surrogate"),
    ("in a strange field", b'{"document_id":"d","text":"Zaria","x":"\\ud83d"}', "lone_surrogate"),
    ("in a strange name", b'{"document_id":"d","text":"Zaria","\\ud83d":1}', "lone_surrogate"),
    ("text twice", b'{"text":"Zaria","document_id":"d","text":"Jos"}', "duplicate_field"),
    ("id twice", b'{"document_id":"d","text":"Zaria","document_id":"d"}', "duplicate_field"),
    ("escaped", b'{"document_id":"d","text":"Zaria","te\\u0078t":"Jos"}', "duplicate_field"),
    (
        "both escaped",
        b'{"document_id":"d","\\u0074ext":"Zaria","te\\u0078t":"Jos"}',
        "duplicate_field",
    ),
    (
        "language twice",
        b'{"document_id":"d","text":"Zaria","language":"ha","language":"ha"}',
        "duplicate_field",
    ),
]


@pytest.mark.parametrize(
    ("value", "reason"),
    [(value, reason) for _, value, reason in BAD_JSON],
    ids=[name for name, _, _ in BAD_JSON],
)
def test_a_bad_json_value_is_rejected_with_its_reason_and_without_its_text(
    value: bytes, reason: str
) -> None:
    rejected = _rejected(record(value))

    assert rejected.reason == reason
    assert SECRET not in rejected.detail
    assert SECRET not in str(rejected)


BAD_STRUCTURED = [
    ("no specversion", b'{"id":"e","source":"/s","type":"t","data":"Zaria"}', "missing_field"),
    ("old version", _structured('"data":{}', specversion="0.3"), "invalid_field"),
    ("no data", _structured('"x":1'), "missing_field"),
    ("data is null", _structured('"data":null'), "wrong_type"),
    ("data is a string", _structured('"data":"Zaria"'), "wrong_type"),
    (
        "plain text is an object",
        _structured('"data":{}', datacontenttype="text/plain"),
        "wrong_type",
    ),
    (
        "plain text is a number beyond every number",
        _structured('"data":1000000000000000001e9990', datacontenttype="text/plain"),
        "wrong_type",
    ),
    ("not base64", _structured('"data_base64":"Zaria!"'), "invalid_field"),
    ("not ascii", _structured('"data_base64":"Zaria é"'), "invalid_field"),
    ("base64 of no json", _structured('"data_base64":"WmFyaWE="'), "invalid_json"),
    ("base64 of no utf-8", _structured('"data_base64":"//8="'), "invalid_utf8"),
    (
        "in one another",
        _structured('"data":{}', datacontenttype=STRUCTURED),
        "unknown_content_type",
    ),
    ("a picture", _structured('"data":{}', datacontenttype="image/png"), "unknown_content_type"),
    ("data without text", _structured('"data":{"document_id":"d"}'), "missing_field"),
    (
        "text twice",
        _structured('"data":{"document_id":"d","text":"Zaria","text":"Jos"}'),
        "duplicate_field",
    ),
    (
        "data twice",
        _structured('"data":{},"data":{"document_id":"d","text":"Zaria"}'),
        "duplicate_field",
    ),
    (
        "surrogate",
        _structured('"data":"Zaria \\ud800"', datacontenttype="text/plain"),
        "lone_surrogate",
    ),
    (
        "surrogate in data",
        _structured('"data":{"document_id":"d","text":"Zaria \\ud800"}'),
        "lone_surrogate",
    ),
    ("blank", _structured('"data":" "', datacontenttype="text/plain"), "empty_text"),
    ("no json", b"Zaria", "invalid_json"),
]


@pytest.mark.parametrize(
    ("value", "reason"),
    [(value, reason) for _, value, reason in BAD_STRUCTURED],
    ids=[name for name, _, _ in BAD_STRUCTURED],
)
def test_a_bad_structured_event_is_rejected_with_its_reason_and_without_its_text(
    value: bytes, reason: str
) -> None:
    rejected = _rejected(record(value, content_type=STRUCTURED))

    assert rejected.reason == reason
    assert SECRET not in rejected.detail


BAD_PLAIN = [
    ("no key", b"Zaria", None, "missing_field"),
    ("empty key", b"Zaria", b"", "missing_field"),
    ("key not utf-8", b"Zaria", b"\xff", "invalid_field"),
    ("long key", b"Zaria", b"x" * 1025, "invalid_field"),
    ("not utf-8", b"Zaria \xff", b"k", "invalid_utf8"),
    ("raw surrogate", b"Zaria \xed\xa0\x80", b"k", "invalid_utf8"),
    ("empty", b"", b"k", "empty_text"),
    ("blank", b"\r\n \t", b"k", "empty_text"),
]


@pytest.mark.parametrize(
    ("value", "key", "reason"),
    [(value, key, reason) for _, value, key, reason in BAD_PLAIN],
    ids=[name for name, *_ in BAD_PLAIN],
)
def test_a_bad_plain_text_is_rejected_with_its_reason_and_without_its_text(
    value: bytes, key: bytes | None, reason: str
) -> None:
    rejected = _rejected(record(value, key=key, content_type="text/plain"))

    assert rejected.reason == reason
    assert SECRET not in rejected.detail


@pytest.mark.parametrize("content_type", [None, *DECODERS])
def test_a_null_value_is_rejected_whatever_its_type(content_type: str | None) -> None:
    assert _rejected(record(None, content_type=content_type)).reason == "no_value"


@pytest.mark.parametrize(
    "content_type",
    [
        "image/png",
        "text/html",
        "json",
        "application/json; charset=latin-1",
        "text/plain; charset=utf-16",
        'text/plain; charset="ISO-8859-1"',
        "application/cloudevents",
        "\u0000",
    ],
)
def test_an_unknown_content_type_is_rejected_without_being_quoted(content_type: str) -> None:
    rejected = _rejected(record(_document(), content_type=content_type))

    assert rejected.reason == RejectionReason.UNKNOWN_CONTENT_TYPE
    assert "found a content type that is not one of application/json, text/plain" in rejected.detail


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        " application/json ",
    ],
)
def test_json_is_read_whatever_the_spelling_of_its_type(content_type: str | None) -> None:
    document = decode(record(_document(), content_type=content_type), LIMITS)

    assert document == Document(document_id="d", text=SECRET)


def test_a_header_is_found_whatever_its_case() -> None:
    source = record(b"Zaria", headers=(("Content-Type", b"text/plain"),))

    assert decode(source, LIMITS) == Document(document_id="key", text="Zaria")


@pytest.mark.parametrize(
    ("size", "rejected"), [(99, False), (100, False), (101, True), (4000, True)]
)
@pytest.mark.parametrize("content_type", [None, "text/plain", "image/png"])
def test_a_value_over_the_limit_is_too_large_before_anything_else_is_asked(
    size: int, rejected: bool, content_type: str | None
) -> None:
    source = record(b"x" * size, content_type=content_type)

    reason = _reason(source, Limits(document_bytes=100))

    assert (reason == RejectionReason.DOCUMENT_TOO_LARGE) is rejected


def _reason(source: Record, limits: Limits = LIMITS) -> RejectionReason | None:
    try:
        decode(source, limits)
    except RejectedDocument as rejected:
        return rejected.reason
    return None


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((("n" * 100, b"v" * (65_536 - 100)),), None),
        ((("n" * 100, b"v" * (65_537 - 100)),), RejectionReason.HEADERS_TOO_LARGE),
        ((("é" * 50, b"v" * (65_537 - 100)),), RejectionReason.HEADERS_TOO_LARGE),
        ((("n", b"v" * 1023),) * 65, RejectionReason.HEADERS_TOO_LARGE),
    ],
    ids=["at the limit", "one over", "counted in bytes", "all together"],
)
def test_headers_over_64_kibibytes_in_all_are_rejected(
    headers: Headers, reason: RejectionReason | None
) -> None:
    assert _reason(record(_document(), headers=headers)) == reason


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000,
        b'{"document_id":"d","text":"t","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"document_id":"d","text":"t","x":"\\\\",' + b'"y":' + b'[{"z":' * 5_000,
    ],
    ids=["open", "closed", "objects", "in a strange field", "after an escape"],
)
def test_json_ten_thousand_levels_deep_is_rejected_before_it_is_read(value: bytes) -> None:
    rejected = _rejected(record(value))

    assert rejected.reason == RejectionReason.TOO_DEEPLY_NESTED


@pytest.mark.parametrize(("depth", "deep"), [(63, False), (64, True)])
def test_the_depth_that_is_allowed_counts_the_document_itself(depth: int, deep: bool) -> None:
    value = b'{"document_id":"d","text":"t","x":' + b"[" * depth + b"]" * depth + b"}"

    assert (_reason(record(value)) == RejectionReason.TOO_DEEPLY_NESTED) is deep


@pytest.mark.parametrize("text", ["[" * 500, '"[' * 500, "\\[" * 500, '\\"{' * 500, "{]" * 500])
def test_brackets_inside_a_text_are_no_nesting(text: str) -> None:
    assert decode(record(_document(text=text)), LIMITS).text == text


@pytest.mark.parametrize(
    "tail",
    [b'\\"' * 1_000_000, b"\\n" * 1_000_000 + b'"}', b"a" * 2_000_000, b'"' * 1_000_000],
    ids=["escaped quotes", "escapes", "one long string", "quotes"],
)
def test_no_value_takes_longer_than_its_length_allows(tail: bytes) -> None:
    value = b'{"document_id":"d","x":"' + b"[" * 100 + b'","text":"' + tail
    started = time.process_time()

    reason = _reason(record(value))

    assert reason in {RejectionReason.INVALID_JSON, RejectionReason.EMPTY_TEXT}
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "value",
    [
        b'{"document_id":"d","text":"t","x":{"text":1,"text":2},"text_":1}',
        b'{"document_id":"d","text":"t","x":1,"x":2}',
        b'{"document_id":"text","text":"t","x":"text"}',
        b'{"document_id":"d","text":"t","metadata":{"text":"a"}}',
        b'{"document_id":"d","text":"t","\\u0078":1}',
    ],
    ids=["inside another", "not ours", "as a value", "in the metadata", "escaped, once"],
)
def test_a_name_that_is_not_one_of_our_fields_twice_is_no_duplicate(value: bytes) -> None:
    assert decode(record(value), LIMITS).text == "t"


@pytest.mark.parametrize("text", [b'"t"', b'"t","t\\u0065xt":"t"'])
def test_a_number_of_any_length_is_no_reason_to_fail(text: bytes) -> None:
    value = b'{"document_id":"d","x":' + b"9" * 5000 + b',"text":' + text + b"}"

    assert _reason(record(value)) in {None, RejectionReason.DUPLICATE_FIELD}


def test_a_lone_surrogate_beside_a_long_number_is_named() -> None:
    value = b'{"document_id":"d","x":' + b"9" * 5000 + b',"text":"\\ud800"}'

    assert _reason(record(value)) == RejectionReason.LONE_SURROGATE


@pytest.mark.parametrize(
    "source",
    [
        record(b'{"document_id":"d","text":"a\\u0000\\u0000b"}'),
        record(b"a\x00\x00b", key=b"d", content_type="text/plain"),
    ],
    ids=["json", "plain text"],
)
def test_u_0000_is_text(source: Record) -> None:
    assert decode(source, LIMITS) == Document(document_id="d", text="a\0\0b")


def test_a_language_is_written_back_in_its_canonical_form() -> None:
    assert decode(record(_document(language="HAU-latn-ng")), LIMITS).language == "ha-Latn-NG"


@settings(max_examples=100, deadline=None)
@given(documents)
def test_a_text_is_taken_exactly_as_received(text: str) -> None:
    as_json = record(json.dumps({"document_id": "d", "text": text}).encode())
    unescaped = record(json.dumps({"document_id": "d", "text": text}, ensure_ascii=False).encode())
    plain = text_record(text, key=b"d")

    taken = {decode(source, LIMITS).text for source in (as_json, unescaped, plain)}

    assert taken == {text}


def test_a_decomposed_text_stays_decomposed() -> None:
    text = unicodedata.normalize("NFD", "Ćosić")

    assert decode(text_record(text), LIMITS).text == text


@settings(max_examples=300, deadline=None)
@given(
    value=st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            ['{"document_id":"d"', ',"text":', '"', "\\", "\\ud800", "\\u00", "{", "}", "[", "]",
             ":", ",", "1e999", "9", "null", "text", "é", "\x00", '"data":', "\\\\"]
        ),
        max_size=12,
    ).map(lambda parts: "".join(parts).encode())
    | mixed_texts.map(str.encode),
    content_type=st.sampled_from([None, *DECODERS]),
    key=st.none() | st.binary(max_size=5),
)  # fmt: skip
def test_any_bytes_give_a_document_or_a_reason(
    value: bytes, content_type: str | None, key: bytes | None
) -> None:
    source = record(value, key=key, content_type=content_type)

    reason = _reason(source, Limits(nesting_depth=3))

    assert reason is None or reason in RejectionReason
