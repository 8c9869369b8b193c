"""`onoma deadletters` shows what was rejected and sends it back as upstream wrote it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from onoma import settings
from onoma.contracts.deadletter import FIRST_FAILURE_TIME, dead_letter
from onoma.contracts.records import Record
from onoma.errors import FatalError, RejectedDocument, RejectionReason
from onoma.stream.client import producing
from onoma.stream.deadletters import Letter, restored
from onoma.stream.demo_broker import DemoBroker
from onoma.stream.publishing import Message, send_all
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.demo import new_broker, onoma, tiny_bundle, write_config
from tests.stream.topics import Message as Sent
from tests.stream.topics import Topics, publish

SECRET = "the text that nobody asked for"
FAILED_AT = "2026-01-02T03:04:05.678Z"


def letter(
    reason: RejectionReason,
    *,
    value: bytes | None = SECRET.encode(),
    key: bytes | None = b"key",
    topic: str = "documents.v1",
    partition: int = 2,
) -> Message:
    """Return a dead letter as a worker writes it, in the partition of its source's number."""
    headers = (("content-type", b"application/json"), ("trace", b"\xff\x1b[2J"))
    record = Record(topic, partition, 17, key, value, headers)
    output = dead_letter(record, RejectedDocument(reason, "why"), worker_version="1.2.3")
    with_time = (*output.headers, (FIRST_FAILURE_TIME, FAILED_AT.encode()))
    return Message(output.key, output.value, with_time, partition)


LETTERS = (
    letter(RejectionReason.INVALID_JSON, key=b"first"),
    letter(RejectionReason.MISSING_FIELD, key="ẹ\x1b[31m".encode(), partition=0),
    letter(RejectionReason.NO_VALUE, value=None, key=b"null", partition=3),
    letter(RejectionReason.INVALID_UTF8, value=b"caf\xe9", key=None),
)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the settings of a demo broker that holds `LETTERS`."""
    with new_broker() as broker:
        path = write_config(tmp_path_factory.mktemp("letters") / "onoma.yaml", broker.bootstrap)
        write_letters(path, LETTERS)
        yield path


@pytest.fixture
def broker() -> Iterator[DemoBroker]:
    with new_broker() as broker:
        yield broker


@pytest.fixture
def topics(kafka: KafkaBroker, unique: Unique) -> Topics:
    return Topics.create(kafka, unique)


def write_letters(config: Path, letters: Sequence[Message]) -> None:
    loaded = settings.load(config)

    async def send() -> None:
        async with producing(loaded) as producer:
            for each in letters:  # one by one, so that their times are in their order
                await send_all(producer, loaded.topics.dead_letters, [each], loaded)

    asyncio.run(send())


def listed(config: Path, *options: str) -> list[dict[str, object]]:
    answer = onoma("deadletters", "list", "--json", "--config", str(config), *options)
    assert (answer.code, answer.errors) == (0, "")
    return [json.loads(line) for line in answer.output.splitlines()]


def test_the_list_says_where_why_and_when_and_never_what(config: Path) -> None:
    answer = onoma("deadletters", "list", "--config", str(config))

    assert answer.code == 0
    row = next(line for line in answer.output.splitlines() if "invalid_json" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["2", "0", "invalid_json", "documents.v1 2 17", FAILED_AT, "30", "first"]
    assert SECRET not in answer.output
    assert "\x1b" not in answer.output


def test_the_list_for_programs_is_an_object_a_line(config: Path) -> None:
    first, *others = listed(config)

    assert first.pop("written_time")
    assert first == {
        "partition": 2,
        "offset": 0,
        "reason": "invalid_json",
        "detail": "why",
        "source_topic": "documents.v1",
        "source_partition": 2,
        "source_offset": 17,
        "first_failure_time": FAILED_AT,
        "worker_version": "1.2.3",
        "requeued_from": None,
        "size": 30,
        "key": "first",
    }
    assert [each["key"] for each in others] == ["ẹ\x1b[31m", "null", None]
    assert [each["size"] for each in others] == [30, 0, 4]


def test_the_list_can_be_of_one_reason_or_the_newest(config: Path) -> None:
    assert [each["key"] for each in listed(config, "--reason", "missing_field")] == ["ẹ\x1b[31m"]
    assert [each["key"] for each in listed(config, "--limit", "2")] == ["null", None]
    assert listed(config, "--reason", "empty_text") == []


def test_show_prints_headers_and_the_value_only_when_asked(config: Path) -> None:
    without = onoma("deadletters", "show", "2", "0", "--config", str(config))
    with_value = onoma("deadletters", "show", "2", "0", "--value", "--config", str(config))

    assert (without.code, with_value.code) == (0, 0)
    assert "  onoma-detail: why\n" in without.output
    assert "  trace: \\xff\\x1b[2J\n" in without.output
    assert SECRET not in without.output
    assert with_value.output.endswith(f"value:\n{SECRET}\n")


def test_show_gives_the_bytes_as_they_are(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "value"

    answer = onoma(
        *("deadletters", "show", "2", "1", "--value", "--json"),
        *("--out", str(out), "--config", str(config)),
    )

    shown = json.loads(answer.output)
    assert out.read_bytes() == b"caf\xe9"
    assert shown["value_base64"] == "Y2Fm6Q=="
    assert shown["headers"][0] == ["content-type", "application/json"]


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        (("2", "9"), "dead-letters.v1: partition 2 holds offsets 0 to 1, not offset 9"),
        (("1", "0"), "dead-letters.v1: partition 1 holds nothing, not offset 0"),
        (("4", "0"), "dead-letters.v1: found partitions 0 to 3, not 4"),
    ],
)
def test_a_letter_that_is_not_there_is_named(
    config: Path, place: tuple[str, str], problem: str
) -> None:
    answer = onoma("deadletters", "show", *place, "--config", str(config))

    assert (answer.code, answer.errors) == (1, f"onoma: {problem}\n")


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("1",),
        ("1", "0", "--all"),
        ("1", "0", "--reason", "no_value"),
        ("--all",),
        ("--all", "--reason", "no_value", "--value-file", __file__),
    ],
)
def test_requeue_takes_one_letter_or_all_of_one_reason(options: tuple[str, ...]) -> None:
    assert onoma("deadletters", "requeue", *options).code == 2


def test_a_record_that_is_no_letter_is_not_sent_anywhere(
    broker: DemoBroker, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "onoma.yaml", broker.bootstrap)
    write_letters(config, [Message(b"key", b"value", (), 1)])

    answer = onoma("deadletters", "requeue", "1", "0", "--config", str(config))

    assert answer.code == 1
    assert "1:0: found no onoma-source-topic and onoma-source-partition" in answer.errors


def test_a_partition_that_is_gone_is_named(broker: DemoBroker, tmp_path: Path) -> None:
    config = write_config(tmp_path / "onoma.yaml", broker.bootstrap)
    gone = replace(letter(RejectionReason.NO_VALUE, partition=7), partition=1)
    write_letters(config, [gone])

    answer = onoma("deadletters", "requeue", "1", "0", "--config", str(config))

    assert answer.code == 1
    assert "came from partition 7 of documents.v1, which is not there now" in answer.errors


def test_a_letter_without_key_and_value_wants_a_value() -> None:
    headers = letter(RejectionReason.NO_VALUE).headers

    with pytest.raises(FatalError, match=r"1:0: .* give a value with --value-file"):
        restored(Letter(1, 0, 0, None, None, headers, 0))


async def write_in_transactions(topics: Topics, letters: Sequence[Message]) -> None:
    """Commit `letters` one by one, each after an aborted one: markers end the partitions."""
    producer = AIOKafkaProducer(
        **topics.broker.aiokafka_settings(), transactional_id=topics.group, acks="all"
    )
    await producer.start()
    try:
        for each in letters:
            for end in (producer.abort_transaction, producer.commit_transaction):
                await producer.begin_transaction()
                await producer.send_and_wait(
                    topics.dead_letters,
                    each.value,
                    key=each.key,
                    partition=each.partition,
                    headers=list(each.headers),
                )
                await end()
    finally:
        await producer.stop()


@pytest.mark.kafka
def test_only_committed_letters_are_listed(topics: Topics, tmp_path: Path) -> None:
    config = write_config(tmp_path / "onoma.yaml", topics.broker.bootstrap, **topics.config())
    asyncio.run(write_in_transactions(topics, LETTERS))

    found = listed(config)

    assert [each["reason"] for each in found] == [
        "invalid_json",
        "missing_field",
        "no_value",
        "invalid_utf8",
    ]
    # The aborted letter and its marker come before it.
    assert found[0]["offset"] == 2
    marker = onoma("deadletters", "show", "2", "3", "--config", str(config))
    assert marker.code == 1
    assert "found no letter at offset 3 of partition 2" in marker.errors


@pytest.mark.kafka
def test_requeue_restores_the_record_where_it_came_from(topics: Topics, tmp_path: Path) -> None:
    config = write_config(tmp_path / "onoma.yaml", topics.broker.bootstrap, **topics.config())
    asyncio.run(
        write_in_transactions(
            topics, [letter(RejectionReason.INVALID_JSON, topic=topics.documents)]
        )
    )

    answer = onoma("deadletters", "requeue", "2", "2", "--config", str(config))

    assert answer.output == f"2:2 -> {topics.documents} partition 2 offset 0\n"
    (record,) = topics.broker.read(topics.documents)
    assert (record.partition, record.key, record.value) == (2, b"key", SECRET.encode())
    assert record.headers == (
        ("content-type", b"application/json"),
        ("trace", b"\xff\x1b[2J"),
        ("onoma-requeued-from", b"2:2"),
        ("onoma-first-failure-time", FAILED_AT.encode()),
    )


@pytest.mark.kafka
def test_all_letters_of_a_reason_are_requeued_once(topics: Topics, tmp_path: Path) -> None:
    config = write_config(tmp_path / "onoma.yaml", topics.broker.bootstrap, **topics.config())
    reasons = [RejectionReason.PROCESSING_FAILED, RejectionReason.EMPTY_TEXT] * 50
    letters = [
        letter(reason, key=b"%d" % number, topic=topics.documents, partition=number % 4)
        for number, reason in enumerate(reasons)
    ]
    write_letters(config, letters)

    answer = onoma(
        *("deadletters", "requeue", "--all", "--reason", "processing_failed"),
        *("--config", str(config)),
    )

    assert answer.output.endswith("\nrequeued 50 letters\n")
    records = topics.broker.read(topics.documents)
    assert sorted(int(record.key or b"") for record in records) == list(range(0, 100, 2))
    assert all(int(record.key or b"") % 4 == record.partition for record in records)


@pytest.mark.kafka
def test_a_document_is_processed_after_its_repair(
    topics: Topics, new_worker: NewWorker, tmp_path: Path
) -> None:
    model = tiny_bundle(tmp_path / "model")
    worker = new_worker(topics.config(model={"path": str(model)}))
    worker.start()
    broken = Sent(b'{"document_id": "a", "text": ', partition=1, key=b"a")
    publish(topics.broker, topics.documents, [broken])
    topics.wait_done()
    config = str(worker.config_file)
    (found,) = listed(worker.config_file)
    place = (str(found["partition"]), str(found["offset"]))
    file = tmp_path / "repaired.json"
    onoma("deadletters", "show", *place, "--out", str(file), "--config", config)
    file.write_bytes(file.read_bytes() + b'"Ada in Kano"}')

    again = onoma("deadletters", "requeue", *place, "--config", config)
    repaired = onoma(
        "deadletters", "requeue", *place, "--value-file", str(file), "--config", config
    )
    topics.wait_done()

    assert (again.code, repaired.code) == (0, 0)
    (event,) = topics.events(until=1)
    assert event["document_id"] == "a"
    # The one that was sent back without repair failed again, and keeps its first failure's time.
    first, second = listed(worker.config_file)
    assert second["requeued_from"] == f"{place[0]}:{place[1]}"
    assert second["first_failure_time"] == first["first_failure_time"]
    assert second["source_offset"] == 1
