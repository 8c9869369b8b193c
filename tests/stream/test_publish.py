"""`onoma publish` puts documents on the topic, and says of each file what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord

from onoma import settings
from onoma.contracts.policy import Limits
from onoma.stream import publishing
from onoma.stream.client import partitions_of, reading
from onoma.stream.demo_broker import DemoBroker
from onoma.stream.publishing import IN_FLIGHT, Message, Place
from tests.kafka.broker import KafkaBroker
from tests.stream.demo import new_broker, onoma, write_config

JSON_HEADERS = (("content-type", b"application/json"),)


@pytest.fixture
def broker() -> Iterator[DemoBroker]:
    with new_broker() as broker:
        yield broker


@pytest.fixture
def config(broker: DemoBroker, tmp_path: Path) -> Path:
    return write_config(tmp_path / "onoma.yaml", broker.bootstrap)


def documents(config: Path, count: int) -> list[ConsumerRecord]:
    """Return the first `count` records of the documents' topic, in the order of their keys."""
    loaded, limits = settings.load(config), Limits()

    async def read() -> list[ConsumerRecord]:
        records: list[ConsumerRecord] = []
        partitions = await partitions_of(loaded, limits, loaded.topics.documents)
        async with asyncio.timeout(20), reading(loaded, limits, partitions) as consumer:
            while len(records) < count:
                for fetched in (await consumer.getmany(timeout_ms=200)).values():
                    records += fetched
        return records

    return sorted(asyncio.run(read()), key=lambda record: record.key)


def test_a_text_becomes_a_document_named_by_its_file(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_text("Bola Tinubu ya isa Abuja.\r\n", "utf-8", newline="")

    answer = onoma(
        "publish", str(file), "--language", "ha", "--tenant", "bank", "--config", str(config)
    )

    assert (answer.code, answer.output) == (0, "published 1 document to documents.v1\n")
    (record,) = documents(config, 1)
    assert record.key == b"report.txt"
    assert record.headers == JSON_HEADERS
    assert json.loads(record.value) == {
        "document_id": "report.txt",
        "text": "Bola Tinubu ya isa Abuja.\r\n",
        "language": "ha",
        "tenant": "bank",
    }


def test_lines_of_documents_are_sent_byte_for_byte_under_their_ids(
    config: Path, tmp_path: Path
) -> None:
    lines = [
        b'{"document_id": "a",  "text": "Kano"}',
        '{"text":"Àjàyí","document_id":"ẹ"}'.encode(),
    ]
    file = tmp_path / "archive.jsonl"
    file.write_bytes(b"\n".join([lines[0], b"", lines[1]]))

    answer = onoma("publish", str(file), "--config", str(config))

    assert (answer.code, answer.output) == (0, "published 2 documents to documents.v1\n")
    found = documents(config, 2)
    assert [(record.key, record.value) for record in found] == [
        (b"a", lines[0]),
        ("ẹ".encode(), lines[1]),
    ]


def test_standard_input_is_a_text_or_lines_of_documents(config: Path) -> None:
    text = onoma("publish", "-", "--id", "letter", "--config", str(config), given=b"to Kano")
    lines = onoma("publish", "-", "--config", str(config), given=b'{"document_id":"a","text":"b"}')

    assert (text.code, lines.code) == (0, 0)
    assert [record.key for record in documents(config, 2)] == [b"a", b"letter"]


def test_what_is_no_document_is_named_and_the_others_go_on(config: Path, tmp_path: Path) -> None:
    lines, empty, latin = (tmp_path / name for name in ("some.ndjson", "empty.txt", "latin.txt"))
    lines.write_bytes(b'{"document_id":"a","text":"b"}\n{"document_id":\n{"document_id":"c"}\n')
    empty.write_bytes(b"")
    latin.write_bytes(b"caf\xe9")
    absent = tmp_path / "absent.txt"

    answer = onoma(
        *("publish", str(lines), str(empty), str(absent), str(latin), str(tmp_path)),
        *("--config", str(config)),
    )

    assert (answer.code, answer.output) == (1, "published 1 document to documents.v1\n")
    found = answer.errors.splitlines()
    assert found[0].startswith(f"{lines}:2: invalid_json: ")
    assert found[1].startswith(f"{lines}:3: missing_field: ")
    assert found[2].startswith(f"{empty}: empty_text: ")
    assert found[3] == f"{absent}: can't be read: No such file or directory"
    assert found[4] == f"{latin}: invalid_utf8: at byte 3"
    assert found[5] == f"{tmp_path}: can't be read: Is a directory"
    assert len(found) == 6


def test_a_document_over_the_limit_is_refused_before_it_is_sent(
    broker: DemoBroker, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"name": "small", "version": "1", "limits": {"document_bytes": 100}}')
    config = write_config(tmp_path / "onoma.yaml", broker.bootstrap, policy={"path": str(policy)})
    text, lines = tmp_path / "long.txt", tmp_path / "long.jsonl"
    text.write_text("x" * 101)
    lines.write_text(json.dumps({"document_id": "a", "text": "x" * 100}))

    answer = onoma("publish", str(text), str(lines), "--config", str(config))

    assert (answer.code, answer.output) == (1, "published 0 documents to documents.v1\n")
    first, second = answer.errors.splitlines()
    assert first == f"{text}: document_too_large: over 100 bytes"
    assert second.startswith(f"{lines}:1: document_too_large: the value has 132 bytes")


def test_the_option_goes_before_the_settings_broker(broker: DemoBroker, tmp_path: Path) -> None:
    config = write_config(tmp_path / "onoma.yaml", "127.0.0.1:1")

    answer = onoma(
        *("publish", "-", "--id", "a", "--config", str(config)),
        *("--bootstrap", broker.bootstrap),
        given=b"text",
    )

    assert answer.code == 0, answer.errors


def test_a_broker_that_is_away_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{unused.getsockname()[1]}"

        answer = onoma("publish", "-", "--bootstrap", nowhere, given=b"text")

    assert answer.code == 1
    assert answer.output == ""
    (line,) = answer.errors.splitlines()
    assert line.startswith(f"onoma: kafka.bootstrap_servers: {nowhere}: can't be reached")


def test_one_id_for_two_files_is_wrong_use(tmp_path: Path) -> None:
    answer = onoma("publish", "a.txt", "b.txt", "--id", "c")

    assert answer.code == 2
    assert "give one file with it" in answer.errors


def test_progress_without_a_terminal_is_a_line_now_and_then(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    line = '{"document_id":"%d","text":"b"}\n'
    file.write_text("".join(line % number for number in range(10_001)))

    answer = onoma("publish", str(file), "--config", str(config))

    assert answer.output == "published 10001 documents to documents.v1\n"
    assert answer.errors == "10,000 documents published so far\n"


def test_more_messages_than_may_wait_are_all_acknowledged_in_order(config: Path) -> None:
    messages = [Message(b"key", b"%d" % number, ()) for number in range(2 * IN_FLIGHT + 1)]
    acknowledged: list[tuple[Message, Place]] = []

    count = asyncio.run(
        publishing.publish(
            messages, settings.load(config), Limits(), lambda *each: acknowledged.append(each)
        )
    )

    assert count == len(messages)
    assert [message for message, _ in acknowledged] == messages
    assert [place.offset for _, place in acknowledged] == list(range(count))


@pytest.mark.kafka
def test_a_missing_topic_is_named(kafka: KafkaBroker, unique: object, tmp_path: Path) -> None:
    config = write_config(
        tmp_path / "onoma.yaml", kafka.bootstrap, topics={"documents": "nobody-made-this"}
    )

    answer = onoma("publish", "-", "--config", str(config), given=b"text")

    assert answer.code == 1
    (line,) = answer.errors.splitlines()
    assert line.startswith("onoma: topics.documents: found no topic nobody-made-this at ")


@pytest.mark.kafka
def test_the_broker_that_wants_smaller_records_is_named(
    kafka: KafkaBroker, unique: object, tmp_path: Path
) -> None:
    kafka.create_topic("small-documents", 1, {"max.message.bytes": "1000"})
    config = write_config(
        tmp_path / "onoma.yaml", kafka.bootstrap, topics={"documents": "small-documents"}
    )
    text = "".join(chr(0x4E00 + number) for number in range(2000))

    answer = onoma("publish", "-", "--config", str(config), given=text.encode())

    assert answer.code == 1
    (line,) = answer.errors.splitlines()
    assert "refuses a record for its size" in line
