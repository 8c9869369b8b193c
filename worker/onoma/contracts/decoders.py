"""Reads a record into a document: one table from content type to decoder.

First stage of the pipeline. Its rule: a record gives a `Document` or a `RejectedDocument` with a
reason from the closed set, whatever its bytes; the details never quote the text. A record without a
content type is taken as JSON, and the answer depends on the bytes alone, not on how deep the
interpreter's stack happens to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from onoma.contracts.cloudevents import STRUCTURED, StructuredEvent, structured_data
from onoma.contracts.document import MAX_ID_CHARACTERS, Document
from onoma.contracts.language import canonical
from onoma.contracts.policy import Limits
from onoma.contracts.records import Record, header, headers_size
from onoma.errors import RejectedDocument, RejectionReason

JSON = "application/json"
PLAIN = "text/plain"

Decoder = Callable[[bytes, bytes | None, Limits], Document]
Struct = TypeVar("Struct", bound=msgspec.Struct)

# Two plain passes, because one pattern for both takes a stack of every character it has seen, and
# time in the square of the length where a string has no end.
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"?')


def decode(record: Record, limits: Limits) -> Document:
    """Return the document of `record`, its language tag canonical. Raises RejectedDocument."""
    if record.value is None:
        raise RejectedDocument(RejectionReason.NO_VALUE, "the record has a null value")
    _check_sizes(record, record.value, limits)
    decoder = _decoder_for(header(record.headers, "content-type"))
    return _checked(decoder(record.value, record.key, limits))


def decode_json(value: bytes, key: bytes | None, limits: Limits) -> Document:
    """Return the document of a JSON object."""
    return _struct(value, Document, limits)


def decode_plain(value: bytes, key: bytes | None, limits: Limits) -> Document:
    """Return the document whose text is the whole value; the record's key is its id."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error
    if not key:
        raise RejectedDocument(
            RejectionReason.MISSING_FIELD,
            "a text/plain record needs a key: it is the document's id",
        )
    try:
        document_id = key.decode()
    except UnicodeDecodeError as error:
        raise RejectedDocument(RejectionReason.INVALID_FIELD, "the key is not UTF-8") from error
    if len(document_id) > MAX_ID_CHARACTERS:
        raise RejectedDocument(
            RejectionReason.INVALID_FIELD,
            f"the key has {len(document_id)} characters, at most {MAX_ID_CHARACTERS} may be an id",
        )
    return Document(document_id=document_id, text=text)


def decode_structured(value: bytes, key: bytes | None, limits: Limits) -> Document:
    """Return the document inside a structured-mode CloudEvent; of plain text the event's id may be
    the key.
    """
    event = _struct(value, StructuredEvent, limits)
    if event.specversion != "1.0":
        raise RejectedDocument(RejectionReason.INVALID_FIELD, "CloudEvents specversion is not 1.0")
    inner = _decoder_for(event.datacontenttype.encode())
    if inner is decode_structured:
        raise RejectedDocument(
            RejectionReason.UNKNOWN_CONTENT_TYPE, "a CloudEvent inside a CloudEvent"
        )
    return inner(structured_data(event), key or event.id.encode(), limits)


DECODERS: dict[str, Decoder] = {
    JSON: decode_json,
    PLAIN: decode_plain,
    STRUCTURED: decode_structured,
}


def _decoder_for(content_type: bytes | None) -> Decoder:
    media_type, _, parameters = (content_type or JSON.encode()).decode("latin-1").partition(";")
    decoder = DECODERS.get(media_type.strip().lower())
    charset = re.search(r'charset\s*=\s*"?([\w-]+)', parameters, re.IGNORECASE)
    if decoder is None or (charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}):
        raise RejectedDocument(
            RejectionReason.UNKNOWN_CONTENT_TYPE,
            f"found a content type that is not one of {', '.join(DECODERS)} in UTF-8",
        )
    return decoder


def _check_sizes(record: Record, value: bytes, limits: Limits) -> None:
    if len(value) > limits.document_bytes:
        raise RejectedDocument(
            RejectionReason.DOCUMENT_TOO_LARGE,
            f"the value has {len(value)} bytes, the limit is {limits.document_bytes}",
        )
    size = headers_size(record.headers)
    if size > limits.header_bytes:
        raise RejectedDocument(
            RejectionReason.HEADERS_TOO_LARGE,
            f"the headers have {size} bytes, the limit is {limits.header_bytes}",
        )


def _checked(document: Document) -> Document:
    if not document.text.strip():
        raise RejectedDocument(RejectionReason.EMPTY_TEXT, "the text is empty or all blank")
    if document.language is None:
        return document
    try:
        return msgspec.structs.replace(document, language=canonical(document.language))
    except ValueError as error:
        raise RejectedDocument(RejectionReason.INVALID_FIELD, f"language: {error}") from error


def _struct(value: bytes, kind: type[Struct], limits: Limits) -> Struct:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise _not_utf8(error) from error
    _refuse_deep_nesting(value, limits.nesting_depth)
    try:
        decoded = msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except msgspec.DecodeError as error:
        raise _malformed(value, error) from error
    _refuse_duplicates(value, kind.__struct_fields__)
    return decoded


def _not_utf8(error: UnicodeDecodeError) -> RejectedDocument:
    return RejectedDocument(
        RejectionReason.INVALID_UTF8, f"not UTF-8 at byte {error.start}: {error.reason}"
    )


def _invalid(error: msgspec.ValidationError) -> RejectedDocument:
    message = str(error)
    if "missing required field" in message:
        reason = RejectionReason.MISSING_FIELD
    elif message == "Expected `str` of length >= 1 - at `$.text`":
        reason = RejectionReason.EMPTY_TEXT
    elif ", got `" in message:
        reason = RejectionReason.WRONG_TYPE
    else:
        reason = RejectionReason.INVALID_FIELD
    return RejectedDocument(reason, message)


def _malformed(value: bytes, error: msgspec.DecodeError) -> RejectedDocument:
    """Tell a lone surrogate from broken JSON: msgspec takes both for the latter, the standard
    library reads the first.
    """
    try:
        json.dumps(_loads(value), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return RejectedDocument(
            RejectionReason.LONE_SURROGATE, "a string holds half of a UTF-16 surrogate pair"
        )
    except ValueError:
        pass
    return RejectedDocument(RejectionReason.INVALID_JSON, str(error))


def _refuse_deep_nesting(value: bytes, limit: int) -> None:
    """Refuse JSON nested deeper than `limit`, before any recursive reader sees it."""
    if value.count(b"[") + value.count(b"{") <= limit:
        return
    depth = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRING.sub(b"", _ESCAPE.sub(b"", value))):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            raise RejectedDocument(
                RejectionReason.TOO_DEEPLY_NESTED, f"nested deeper than {limit} levels"
            )


def _refuse_duplicates(value: bytes, fields: tuple[str, ...]) -> None:
    """Refuse an object that names one of our fields twice: msgspec would silently take the last."""
    # Almost no document gets past this line: each field name stands in it once, unescaped.
    if b"\\u00" not in value and all(value.count(b'"%s"' % name.encode()) <= 1 for name in fields):
        return
    outermost: list[tuple[str, Any]] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        outermost[:] = pairs  # called for inner objects first, so the last call is the outermost

    _loads(value, keep)
    names = [name for name, _ in outermost]
    for field in fields:
        if names.count(field) > 1:
            raise RejectedDocument(
                RejectionReason.DUPLICATE_FIELD,
                f"the field {field} stands {names.count(field)} times",
            )


def _loads(value: bytes, keep: Callable[[list[tuple[str, Any]]], None] | None = None) -> Any:
    # Numbers stay strings: int() refuses more than 4,300 digits, JSON does not.
    return json.loads(value, object_pairs_hook=keep, parse_int=str, parse_float=str)
