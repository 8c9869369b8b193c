"""Documents are screened where they are read: each alert stands beside its event, in one step."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from onoma.contracts.notice import Announced, encode
from onoma.contracts.records import Record
from onoma.gazetteer.served import NO_LISTS, ServedList, ServedLists, open_all, open_served
from onoma.pipeline import Versions, process
from onoma.registry.store import Store
from onoma.settings import load
from onoma.stream.app import load_model, pinned_versions
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.kafka.broker import Record as Read
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish
from tests.stream.worker import Worker
from tests.unit.gazetteer.lists import entry, served

DOCUMENTS = 200
PART = 60
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
    return pinned_versions(settings, load_model(settings), open_all(settings.gazetteers.lists))


def _announced(served_list: ServedList) -> Announced:
    version = served_list.version
    return Announced(version.name, version.version, version.sha256)


def _notices(worker: Worker, outcome: str) -> float:
    return worker.metric("onoma_notices_total", kind="gazetteer", outcome=outcome)


def _spoilt(directory: Path) -> bytes:
    """Alter a list in place, as nothing of ours does; return what its entries were."""
    path = directory / "entries.jsonl"
    lines = path.read_bytes()
    spoilt = directory / "spoilt"
    spoilt.write_bytes(lines.replace(b"Amina", b"Anima"))
    spoilt.replace(path)  # who has the old one open keeps it
    return lines


def _check_outputs(
    topics: Topics, by: Versions, known: Mapping[tuple[str, ...], ServedLists]
) -> dict[tuple[int, int], tuple[str, ...]]:
    """Compare events and alerts with what the lists that each names make of its document alone;
    return the lists of each.
    """
    alerts: dict[tuple[int, int], list[bytes | None]] = {}
    for read in topics.broker.read(topics.alerts):
        alerts.setdefault(_source(read), []).append(read.value)
    documents = {
        (each.partition, each.offset): each for each in topics.broker.read(topics.documents)
    }
    named = {}
    for event in topics.broker.read(topics.entities):
        place = _source(event)
        read = documents.pop(place)
        lists = json.loads(event.value or b"")["evidence"]["gazetteers"]
        named[place] = tuple(each["sha256"] for each in lists)
        record = Record(topics.documents, *place, read.key, read.value, ())
        outcome = process(record, replace(by, lists=known[named[place]]))
        expected = [output.value for output in outcome.outputs]
        assert [event.value, *alerts.pop(place, [])] == expected
    assert not documents
    assert not alerts
    return named


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

    by = _versions(worker)
    known = {tuple(each.sha256 for each in by.lists.versions): by.lists}
    _check_outputs(topics, by, known)
    keys = {_source(read): read.key for read in kafka.read(topics.entities)}
    alerts = kafka.read(topics.alerts)
    assert all(alert.key == keys[_source(alert)] for alert in alerts)
    count = len(alerts)
    assert count >= DOCUMENTS / len(TEXTS)
    assert worker.metric("onoma_alerts_total") == count
    assert worker.metric("onoma_gazetteer_entries", gazetteer="yar") == 2
    assert worker.stop() == 0


def test_lists_are_swapped_by_notice_under_load_and_each_alert_is_its_versions(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    zubo, amina = entry("z:1", "Zubo Kadram"), entry("z:2", "Amina Bello")
    whole = served(tmp_path / "zub", zubo, version="whole")
    change = served(tmp_path / "change", amina, name="zub", version="change", base=tmp_path / "zub")
    topics = Topics.named(kafka, unique)
    store = Store(tmp_path / "store")
    store.root.mkdir()
    worker = new_worker(topics.config(store={"path": str(store.root)}))
    assert worker.command("topics", "create", "--partitions", "2").returncode == 0
    worker.start()
    worker.wait_ready()

    def announced(outcome: str, count: int, *arguments: str) -> None:
        publish(kafka, topics.documents, _messages(PART))
        done = worker.command("gazetteer", *arguments)
        assert done.returncode == 0, done.stderr
        worker.wait_until(lambda: _notices(worker, outcome) == count, f"{count} {outcome}")
        publish(kafka, topics.documents, _messages(PART))

    announced("served", 1, "promote", str(tmp_path / "zub"))
    announced("served", 2, "promote", str(tmp_path / "change"))
    bad = store.notice_of("gazetteer", _announced(change))
    lines = _spoilt(store.root / bad.path)
    publish(kafka, topics.gazetteers, [Message(encode(bad), key=b"zub")])
    worker.wait_until(lambda: _notices(worker, "unfit") == 1, "the altered list is refused")
    assert "was altered" in worker.log
    topics.wait_done()
    (store.root / bad.path / "entries.jsonl").write_bytes(lines)
    announced("served", 3, "rollback", "zub")
    announced("served", 4, "rollback", "zub")  # to what served before the first: nothing
    topics.wait_done()

    first = store.notice_of("gazetteer", _announced(whole)).base
    assert first is not None
    nothing = open_served(store.directory_of("gazetteer", first))
    known = {
        (): NO_LISTS,
        (nothing.version.sha256,): ServedLists.of([nothing]),
        (whole.version.sha256,): ServedLists.of([whole]),
        (change.version.sha256,): ServedLists.of([change]),
    }
    by_version = Counter(_check_outputs(topics, _versions(worker), known).values())
    assert by_version[(change.version.sha256,)] >= PART
    assert by_version[(whole.version.sha256,)] >= PART
    assert by_version[(nothing.version.sha256,)] >= PART
    assert by_version.total() == 8 * PART
    assert kafka.read(topics.dead_letters) == []
    assert worker.stop() == 0
    _check_only_what_nobody_needs_can_be_removed(worker)
    alerts = kafka.read(topics.alerts)
    replayed = worker.command("replay", "--json")
    assert replayed.returncode == 0, replayed.stdout
    assert json.loads(replayed.stdout)["alerts"] == len(alerts)
    _check_alerts_are_compared(topics, worker, alerts[0])


def _check_only_what_nobody_needs_can_be_removed(worker: Worker) -> None:
    listed = worker.command("store", "list", "--json").stdout.splitlines()
    needed = {each["path"]: each["needed"] for each in map(json.loads, listed)}
    by_version = {path.split("/")[2]: reason for path, reason in needed.items()}
    assert by_version == {
        "nothing": "announced",
        "whole": "zub change stands on it",
        "change": None,
    }
    for path, reason in needed.items():
        if reason:
            refused = worker.command("store", "remove", path, "--yes")
            assert (refused.returncode, reason in refused.stderr) == (2, True)


def _check_alerts_are_compared(topics: Topics, worker: Worker, alert: Read) -> None:
    """Publish `alert` once more with another score, and once about an event that nobody wrote."""
    more = json.loads(alert.value or b"")
    more["match"]["score"] += 1
    other = more | {"event_id": "00000000-0000-5000-8000-000000000000"}
    messages = [
        Message(json.dumps(value).encode(), partition=alert.partition, key=alert.key)
        for value in (more, other)
    ]
    publish(topics.broker, topics.alerts, messages)
    replayed = worker.command("replay", "--json")
    found = json.loads(replayed.stdout)
    assert replayed.returncode == 1
    assert [each["fields"] for each in found["different"]] == [["alerts"]]
    assert found["not_compared"] == {"alerts of an event that is not there": 1}


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
