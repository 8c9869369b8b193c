"""Documents are screened where they are read: each alert stands beside its event, in one step."""

from __future__ import annotations

import json
from pathlib import Path

from onoma.contracts.records import Output, Record
from onoma.pipeline import Versions, process
from onoma.settings import load
from onoma.stream.app import load_model, pinned_versions
from onoma.stream.serving import configured_lists
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.kafka.broker import Record as Read
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish
from tests.stream.worker import Worker
from tests.unit.gazetteer.lists import entry, served

DOCUMENTS = 200
TEXTS = (
    "Governor Zubo Kadram met traders in Lagos on Monday.",
    "Nothing happened yesterday, and nobody came.",
    "Zubo Kadram and Amina Bello flew to Nairobi. Mr Kadram came back.",
)


def _messages(count: int) -> list[Message]:
    return [
        Message(
            document(f"document-{number}", TEXTS[number % len(TEXTS)]),
            partition=number % 2,
            key=f"key-{number}".encode(),
        )
        for number in range(count)
    ]


def _versions(worker: Worker) -> Versions:
    settings = load(worker.config_file)
    return pinned_versions(settings, load_model(settings), configured_lists(settings))


def _expected(topics: Topics, by: Versions) -> dict[tuple[int, int], tuple[Output, ...]]:
    """Return what each document makes alone."""
    return {
        (read.partition, read.offset): process(
            Record(topics.documents, read.partition, read.offset, read.key, read.value, ()), by
        ).outputs
        for read in topics.broker.read(topics.documents)
    }


def _source(read: Read) -> tuple[int, int]:
    source = json.loads(read.value or b"")["evidence"]["source"]
    assert source["partition"] == read.partition  # the output's partition is its document's
    return source["partition"], source["offset"]


def test_each_alert_comes_once_with_its_event(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    zubo = entry("z:1", "KADRAM, Zubo", "Zubo Kadram")
    served(tmp_path / "zub", zubo)
    served(tmp_path / "yar", entry("y:1", "Amina Bello"), entry("y:2", "Kadram, Zubo"))
    topics = Topics.named(kafka, unique)
    lists = [str(tmp_path / "zub"), str(tmp_path / "yar")]
    worker = new_worker(topics.config(gazetteers={"lists": lists}))
    unmade = worker.command("check")
    assert f"found no topic {topics.alerts}" in unmade.stdout
    assert worker.command("topics", "create", "--partitions", "2").returncode == 0
    assert worker.command("check").returncode == 0
    publish(kafka, topics.documents, _messages(DOCUMENTS))

    worker.start()
    worker.wait_ready()
    topics.wait_done()

    expected = _expected(topics, _versions(worker))
    events = {_source(read): read for read in kafka.read(topics.entities)}
    found: dict[tuple[int, int], list[Read]] = {place: [] for place in expected}
    for read in kafka.read(topics.alerts):
        found[_source(read)].append(read)
    assert {
        place: [event.value, *(alert.value for alert in found[place])]
        for place, event in events.items()
    } == {place: [output.value for output in outputs] for place, outputs in expected.items()}
    assert all(alert.key == events[place].key for place in found for alert in found[place])
    count = sum(len(alerts) for alerts in found.values())
    assert count >= DOCUMENTS / len(TEXTS)
    assert worker.metric("onoma_alerts_total") == count
    assert worker.metric("onoma_gazetteer_entries", gazetteer="yar") == 2
    assert worker.stop() == 0


def test_a_list_that_was_altered_is_refused_at_start(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    served(tmp_path / "zub", entry("z:1", "Zubo Kadram"))
    lines = tmp_path / "zub" / "entries.jsonl"
    lines.write_bytes(lines.read_bytes().replace(b"Zubo", b"Zuba"))
    topics = Topics.named(kafka, unique)
    worker = new_worker(topics.config(gazetteers={"lists": [str(tmp_path / "zub")]}))

    checked = worker.command("check")
    worker.start()

    assert checked.returncode == 1
    assert "entries.jsonl: was altered" in checked.stdout
    assert worker.wait_for_end() == 1
    assert "entries.jsonl: was altered" in worker.log
