"""A log line is one event; libraries repeat themselves once in a while, and bugs show where."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from onoma import logs
from onoma.errors import FatalError

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def events(capsys: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_json_object_with_its_fields(capsys: Capture) -> None:
    logs.configure(level="info", format_="json")

    structlog.get_logger("onoma.test").info("drained", documents_left=3, place="Ọ̀yọ́")
    structlog.get_logger("onoma.test").debug("not shown")

    (event,) = events(capsys)
    assert (event["event"], event["documents_left"], event["place"]) == ("drained", 3, "Ọ̀yọ́")
    assert (event["level"], event["logger"]) == ("info", "onoma.test")
    assert event["timestamp"].endswith("Z")


def test_the_level_holds(capsys: Capture) -> None:
    logs.configure(level="error", format_="json")

    structlog.get_logger("onoma.test").warning("not shown")
    logging.getLogger("aiokafka").warning("not shown")

    assert events(capsys) == []


def test_an_equal_message_of_a_library_comes_once_and_ours_always(capsys: Capture) -> None:
    logs.configure(level="info", format_="json")

    for number in range(500):
        logging.getLogger("aiokafka.conn").error("Unable connect to node %s", number)
        logging.getLogger("aiokafka.conn").error("Another message")
        structlog.get_logger("onoma.test").info("ours")

    told = [event["event"] for event in events(capsys)]
    assert told.count("Unable connect to node 0") == 1
    assert len(told) == 502


def test_libraries_are_silent_below_a_warning(capsys: Capture) -> None:
    logs.configure(level="debug", format_="json")

    logging.getLogger("aiokafka.conn").info("chatter")

    assert events(capsys) == []


def test_a_bug_shows_where_it_happened_and_an_expected_failure_does_not(
    capsys: Capture,
) -> None:
    logs.configure(level="info", format_="json")

    for error in (KeyError("bug"), FatalError("mend this")):
        try:
            raise error
        except Exception:
            logging.getLogger("onoma.test").exception("Crashed")

    bug, expected = events(capsys)
    assert "test_logs.py" in bug["exception"]
    assert "exception" not in expected


def test_what_a_publication_met_is_told_without_the_libraries_traceback(capsys: Capture) -> None:
    logs.configure(level="info", format_="json")

    try:
        raise KeyError("denied")
    except KeyError:
        logging.getLogger("aiokafka.producer.sender").exception("Unexpected error")

    (event,) = events(capsys)
    assert (event["level"], "exception" in event) == ("error", False)


def test_the_console_format_is_for_eyes(capsys: Capture) -> None:
    logs.configure(level="info", format_="console")

    structlog.get_logger("onoma.test").info("drained", documents_left=3)

    told = capsys.readouterr().err
    assert "drained" in told
    assert "documents_left=3" in told
