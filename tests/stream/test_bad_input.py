"""Whatever comes in is answered: an event, or a dead letter with its reason and all its bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from onoma.contracts.policy import Limits
from onoma.contracts.records import header
from onoma.errors import RejectionReason
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker, Record
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish, publish_with_header, value_of
from tests.stream.worker import Worker

Reason = RejectionReason
PLAIN = (("content-type", b"text/plain"),)
TEXT = "Amina went to Abuja."
NUL_TEXT = "\x00Amina\x00 went\x00to Abuja\x00."

BAD: tuple[tuple[str, RejectionReason, Message], ...] = (
    ("not JSON", Reason.INVALID_JSON, Message(b'{"document_id": "1", "text": "Amina')),
    ("not UTF-8", Reason.INVALID_UTF8, Message(b'{"document_id": "1", "text": "\xff\xfe"}')),
    ("plain and not UTF-8", Reason.INVALID_UTF8, Message(b"\xc3(", headers=PLAIN)),
    ("wrong type", Reason.WRONG_TYPE, Message(b'{"document_id": "1", "text": 5}')),
    ("no object", Reason.WRONG_TYPE, Message(b"[]")),
    ("missing id", Reason.MISSING_FIELD, Message(b'{"text": "Amina"}')),
    ("empty text", Reason.EMPTY_TEXT, Message(document("1", ""))),
    ("blank text", Reason.EMPTY_TEXT, Message(document("1", " \n\t\u2003"))),
    (
        "too large",
        Reason.DOCUMENT_TOO_LARGE,
        Message(document("1", "Abuja " * (Limits().document_bytes // 6 + 1))),
    ),
    ("lone surrogate", Reason.LONE_SURROGATE, Message(b'{"document_id": "1", "text": "\\ud83d!"}')),
    (
        "deep",
        Reason.TOO_DEEPLY_NESTED,
        Message(
            b'{"document_id":"1","text":"Amina","metadata":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
        ),
    ),
    (
        "duplicate field",
        Reason.DUPLICATE_FIELD,
        Message(b'{"document_id": "1", "text": "Amina", "text": "Farouk"}'),
    ),
    (
        "unknown content type",
        Reason.UNKNOWN_CONTENT_TYPE,
        Message(b"<p>Amina</p>", headers=(("content-type", b"text/html"),)),
    ),
    ("null value", Reason.NO_VALUE, Message(None)),
    (
        "large headers",
        Reason.HEADERS_TOO_LARGE,
        Message(
            document("1", TEXT),
            headers=tuple((f"x-{number}", b"\xff" * 1024) for number in range(64)),
        ),
    ),
)

NO_UTF8 = b"x\xff\xfe"
"""A header's name that no client of Python could read."""
NAMED_SO = (
    Message(document("odd name", TEXT), 0, b"good odd name"),
    Message(b"{", 1, b"bad odd name", (("trace", b"\xff"),)),
)

# And that of the record of neither key nor value, and of the one with an odd name.
REASONS = [*(reason for _, reason, _ in BAD), Reason.NO_VALUE, Reason.INVALID_JSON]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What one worker made of the bad records, each between two good ones."""

    topics: Topics
    sent: list[Message]
    letters: list[Record]
    events: list[Record]
    log: str
    exposition: str

    def letter(self, key: str) -> Record:
        (found,) = [each for each in self.letters if each.key == key.encode()]
        return found


def onoma(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onoma", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def mixed() -> list[Message]:
    """Return the bad records, all with a key and a header of their own, with good neighbours."""
    messages = []
    for number, (name, _, bad) in enumerate(BAD):
        marked = (*bad.headers, ("trace", b"\x00\xff"), ("null", None))
        messages.append(Message(document(f"before {name}", TEXT), number % 2))
        messages.append(Message(bad.value, number % 2, name.encode(), marked))
        messages.append(Message(document(f"after {name}", TEXT), number % 2))
    messages.append(Message(None, 0, None, (("of", b"nothing"),)))
    messages.append(Message(document("nul", NUL_TEXT), 0))
    messages.append(Message(NUL_TEXT.encode(), 1, b"plain nul", PLAIN))
    return messages


@pytest.fixture(scope="module")
def outcomes(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    topics = Topics.named(kafka, lambda word: f"{word}-bad-input")
    directory: Path = tmp_path_factory.mktemp("bad-input")
    limits = {"maximum_in_a_row": 0, "maximum_share": 1}
    worker = Worker(directory, topics.config(dead_letters=limits))
    created = onoma("topics", "create", "--partitions", "2", "--config", str(worker.config_file))
    assert created.returncode == 0, created.stderr
    sent = mixed()
    publish(kafka, topics.documents, sent[:40])
    for each in NAMED_SO:
        publish_with_header(kafka, topics.documents, each, NO_UTF8)
    publish(kafka, topics.documents, sent[40:])
    worker.start()
    try:
        topics.wait_done()
        exposition = worker.exposition()
        assert worker.stop() == 0
    finally:
        worker.kill()
    return Outcomes(
        topics,
        sent,
        kafka.read(topics.dead_letters),
        kafka.read(topics.entities),
        worker.log,
        exposition,
    )


@pytest.mark.kafka
def test_a_record_of_neither_key_nor_value_is_a_dead_letter_with_an_empty_key(
    outcomes: Outcomes,
) -> None:
    letter = outcomes.letter("")

    assert letter.value is None
    assert header(letter.headers, "of") == b"nothing"
    assert header(letter.headers, "onoma-reason") == b"no_value"


@pytest.mark.kafka
@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, reason, _ in BAD])
def test_a_bad_record_is_a_dead_letter_with_its_reason_and_all_its_bytes(
    outcomes: Outcomes, name: str, reason: RejectionReason
) -> None:
    (sent,) = [each for each in outcomes.sent if each.key == name.encode()]
    letter = outcomes.letter(name)

    kept = tuple(each for each in letter.headers if not each[0].startswith("onoma-"))
    told = {key: value or b"" for key, value in letter.headers if key.startswith("onoma-")}
    assert told["onoma-reason"] == reason.encode()
    assert letter.value == sent.value
    assert kept == sent.headers
    assert letter.partition == sent.partition
    assert told["onoma-source-topic"] == outcomes.topics.documents.encode()
    assert told["onoma-source-partition"] == str(sent.partition).encode()
    assert {
        "onoma-source-offset",
        "onoma-worker-version",
        "onoma-first-failure-time",
    } <= told.keys()


@pytest.mark.kafka
def test_the_neighbours_of_bad_records_are_processed_and_nothing_is_left(
    outcomes: Outcomes,
) -> None:
    found = {value_of(each)["document_id"] for each in outcomes.events}
    topics = outcomes.topics

    neighbours = {f"{side} {name}" for name, _, _ in BAD for side in ("before", "after")}
    assert found == neighbours | {"nul", "plain nul", "odd name"}
    assert len(outcomes.events) == len(found)
    assert len(outcomes.letters) == len(REASONS)
    committed = topics.broker.committed(topics.group, topics.documents)
    assert committed == topics.broker.end_offsets(topics.documents)


@pytest.mark.kafka
def test_a_header_whose_name_is_not_utf_8_stops_nobody_and_is_told_in_escapes(
    outcomes: Outcomes,
) -> None:
    letter = outcomes.letter("bad odd name")

    assert letter.headers[:2] == (("trace", b"\xff"), ("x\\xff\\xfe", b""))


@pytest.mark.kafka
def test_nul_is_text_and_moves_no_offset(outcomes: Outcomes) -> None:
    events = [value_of(each) for each in outcomes.events]
    (of_json, of_plain) = [e for e in events if e["document_id"] in ("nul", "plain nul")]

    for event in (of_json, of_plain):
        assert event["text_length"] == len(NUL_TEXT)
        assert event["coverage"]["ratio"] == 1.0
        assert all(NUL_TEXT[e["start"] : e["end"]] == e["text"] for e in event["entities"])
    assert of_json["entities"] == of_plain["entities"]


@pytest.mark.kafka
def test_dead_letters_are_counted_by_reason(outcomes: Outcomes) -> None:
    for reason in set(REASONS):
        line = f'onoma_dead_letters_total{{reason="{reason}"}} {REASONS.count(reason)}.0'

        assert line in outcomes.exposition


@pytest.mark.kafka
def test_no_text_stands_in_the_log_or_in_the_headers_of_dead_letters(outcomes: Outcomes) -> None:
    told = b"\n".join(
        value or b""
        for letter in outcomes.letters
        for name, value in letter.headers
        if name.startswith("onoma-")
    )

    for word in ("Amina", "Abuja", "Farouk"):
        assert word not in outcomes.log
        assert word.encode() not in told
    assert header(outcomes.letters[0].headers, "onoma-detail")


@pytest.mark.kafka
def test_too_many_rejections_in_a_row_stop_the_worker_before_it_publishes_them(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    good = [Message(document(f"good-{number}", TEXT)) for number in range(10)]
    bad = [Message(json.dumps({"body": number}).encode()) for number in range(200)]
    publish(kafka, topics.documents, [*good, *bad])
    worker = new_worker(topics.config(dead_letters={"maximum_share": 1}))
    worker.start()

    assert worker.wait_for_end() == 1

    (committed,) = kafka.committed(topics.group, topics.documents).values()
    letters = kafka.read(topics.dead_letters)
    assert "100 documents in a row were rejected (missing_field 100)" in worker.log
    assert "dead_letters.maximum_in_a_row" in worker.log
    assert "Traceback" not in worker.log.splitlines()[-1]
    assert len(kafka.read(topics.entities)) == 10
    assert len(letters) < 100
    assert committed == 10 + len(letters)


@pytest.mark.kafka
def test_more_rejections_than_events_stop_the_worker_and_the_documents_stay(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    messages = [
        Message(document(f"good-{number}", TEXT) if number % 3 == 0 else b"{")
        for number in range(600)
    ]
    publish(kafka, topics.documents, messages)
    worker = new_worker(topics.config())
    worker.start()

    assert worker.wait_for_end() == 1

    (committed,) = kafka.committed(topics.group, topics.documents).values()
    assert "rejected" in worker.log.splitlines()[-1]
    assert "dead_letters.maximum_share" in worker.log.splitlines()[-1]
    assert "Traceback" not in worker.log.splitlines()[-1]
    outcomes = len(kafka.read(topics.entities)) + len(kafka.read(topics.dead_letters))
    assert committed == outcomes < 100


def test_a_document_that_is_small_only_while_compressed_is_rejected_whole(
    kafka: KafkaBroker, unique: Unique, new_worker: NewWorker
) -> None:
    """A broker compares compressed sizes: such a record is larger than any that we would write."""
    topics = Topics.create(kafka, unique, partitions=1)
    huge = Message(b"Abuja " * (20 * 1024**2 // 6), key=b"huge", headers=PLAIN)
    good = Message(document("good", TEXT))
    publish(kafka, topics.documents, [good, huge, good], compression="gzip")
    worker = new_worker(topics.config())
    worker.start()
    worker.wait_until(topics.done, "every document is committed")

    (letter,) = kafka.read(topics.dead_letters)
    assert letter.value == huge.value
    assert header(letter.headers, "onoma-reason") == b"document_too_large"
    assert len(kafka.read(topics.entities)) == 2
    assert worker.stop() == 0
