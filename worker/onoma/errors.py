"""Failures by consequence: what the worker does next is the class of the error.

`RejectedDocument` sends one document to the dead letters, `TransientError` backs off and tries
again in place, `FatalError` stops the process with a message and an exit code. Anything else is a
bug and stops the process too.
"""

from __future__ import annotations

from enum import StrEnum


class RejectionReason(StrEnum):
    """Why a document went to the dead letters: a closed set, written into headers and metric
    labels.
    """

    NO_VALUE = "no_value"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    TOO_DEEPLY_NESTED = "too_deeply_nested"
    DUPLICATE_FIELD = "duplicate_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_FIELD = "invalid_field"
    EMPTY_TEXT = "empty_text"
    LONE_SURROGATE = "lone_surrogate"
    HEADERS_TOO_LARGE = "headers_too_large"
    DOCUMENT_TOO_LARGE = "document_too_large"
    TOO_MANY_UNITS = "too_many_units"
    TOO_MUCH_WORK = "too_much_work"
    EVENT_TOO_LARGE = "event_too_large"
    PROCESSING_FAILED = "processing_failed"
    KILLED_WORKER = "killed_worker"
    TOO_SLOW = "too_slow"


class RejectedDocument(Exception):  # noqa: N818 (named for its consequence)
    """One document can't be processed as it is; `detail` never quotes its text."""

    def __init__(self, reason: RejectionReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def processing_failed(error: BaseException) -> RejectedDocument:
    """Return the rejection of a document that a stage failed on. The error's own text may quote
    it: only its class and its place are told.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "unknown"
    if trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
    return RejectedDocument(RejectionReason.PROCESSING_FAILED, f"{type(error).__name__} at {place}")


class TransientError(Exception):
    """Something outside is away for now; the same step may succeed later."""


class FatalError(Exception):
    """The worker can't go on; the message says what was found, what was wanted and what to do."""

    exit_code = 1


class WrongUseError(FatalError):
    """A setting, an option or a file that the user gave can't be used as it is."""

    exit_code = 2


class BundleError(FatalError):
    """A model bundle that is altered, incomplete or of another kind; it is never served."""


class GazetteerError(FatalError):
    """A watch list that is altered, incomplete, broken or of another kind; it is never served."""
