"""CloudEvents 1.0 over Kafka: headers of what we write, both modes of what we read.

Output is binary mode: attributes in `ce_*` headers, the value is the payload (Kafka protocol
binding 3.2). Input is either mode or no CloudEvent at all. `ce_time` is not set here: times are the
writer's to add.
"""

from __future__ import annotations

import base64

import msgspec

from onoma.contracts.records import Headers, header
from onoma.errors import RejectedDocument, RejectionReason

STRUCTURED = "application/cloudevents+json"
TIME = "ce_time"


class StructuredEvent(msgspec.Struct, frozen=True):
    """A structured-mode event: the attributes we need, and its data not yet decoded."""

    specversion: str
    id: str
    source: str
    type: str
    datacontenttype: str = "application/json"
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


def output_headers(*, event_id: str, event_type: str, source: str, subject: str) -> Headers:
    """Return the binary-mode headers of an event with a JSON value."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": event_type,
        "ce_subject": subject,
        "content-type": "application/json",
    }
    return tuple((name, value.encode()) for name, value in attributes.items())


def is_structured(headers: Headers) -> bool:
    """Return whether the value is a structured-mode event, by its content type."""
    content_type = (header(headers, "content-type") or b"").decode("latin-1")
    return content_type.partition(";")[0].strip().lower() == STRUCTURED


def structured_data(event: StructuredEvent) -> bytes:
    """Return the bytes of the event's data, as the value would be in binary mode."""
    if event.data_base64 is not None:
        try:
            return base64.b64decode(event.data_base64, validate=True)
        except ValueError as error:  # binascii.Error is one; characters beyond ASCII raise it plain
            raise RejectedDocument(
                RejectionReason.INVALID_FIELD, f"data_base64 is not base64: {error}"
            ) from error
    data = bytes(event.data)
    if not data:
        raise RejectedDocument(RejectionReason.MISSING_FIELD, "the CloudEvent has no data")
    if event.datacontenttype.strip().lower().startswith("text/"):
        return _text_of(data)
    return data


def _text_of(data: bytes) -> bytes:
    try:
        return msgspec.json.decode(data, type=str).encode()
    except msgspec.ValidationError as error:  # another type, or a number beyond every number
        raise RejectedDocument(
            RejectionReason.WRONG_TYPE, "data of a text/plain CloudEvent must be a JSON string"
        ) from error
