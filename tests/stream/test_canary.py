"""A canary flies through real topics: a list that stops, and a policy that forgets it, show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from onoma.stream.canaries import load
from tests.conftest import StartKafka, Unique
from tests.kafka.broker import PLAINTEXT, KafkaBroker
from tests.stream.conftest import NewWorker
from tests.stream.topics import Message, Topics, document, publish, value_of
from tests.stream.worker import Worker
from tests.unit.gazetteer.lists import entry, served

LIST = "onoma-canary"
PARTITIONS = 2
TEXTS = load(None).canaries
HASHES = frozenset(each.text_sha256 for each in TEXTS)


def _policy(path: Path, canaries: frozenset[str]) -> Mapping[str, object]:
    path.write_text(json.dumps({"name": "p", "version": "1", "canaries": sorted(canaries)}))
    return {"path": str(path)}


def _value(canary: Worker, name: str, **labels: str) -> float:
    return canary.metric(f"onoma_canary_{name}", **labels)


def test_a_stopped_list_and_a_policy_without_the_canary_show_in_its_metrics(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    served(
        tmp_path / LIST,
        entry("quistrel", "Orvane Quistrel", "Орван Квистрелов"),
        entry("tolvarkar", "रविकेश तोलवरकर"),
    )
    known = _policy(tmp_path / "known.json", HASHES)
    topics = Topics.named(kafka, unique)
    lists = {"lists": [str(tmp_path / LIST)]}
    worker = new_worker(topics.config(policy=known, gazetteers=lists))
    canary = new_worker(
        topics.config(
            policy=known, gazetteers=lists, canary={"interval_seconds": 1, "lists": [LIST]}
        ),
        program=("onoma", "canary"),
    )
    created = worker.command("topics", "create", "--partitions", str(PARTITIONS))
    assert created.returncode == 0
    # Somebody tries to escape: the mark of a canary, and a text that is none.
    forged = document("forged", TEXTS[0].text + " ", metadata={"onoma-synthetic": "true"})
    publish(kafka, topics.documents, [Message(forged)])

    worker.start()
    worker.wait_ready()
    canary.start()
    canary.wait_until(
        lambda: (
            canary.probe("/readyz") == 200
            and _value(canary, "entries_total", gazetteer=LIST, outcome="hit") >= 3 * PARTITIONS
        ),
        "planted entries are hit",
    )

    assert _value(canary, "names_total", outcome="missed") == 0
    assert _value(canary, "entries_total", gazetteer=LIST, outcome="missed") == 0
    assert _value(canary, "lists_total", gazetteer=LIST, outcome="missed") == 0
    assert _value(canary, "documents_total", outcome="taken_for_real") == 0
    assert _value(canary, "latency_seconds_count") >= 3 * PARTITIONS
    assert len(canary.samples("onoma_canary_last_answer_timestamp_seconds")) == PARTITIONS
    assert worker.metric("onoma_marked_synthetic_documents_total", mark="ignored") == 1

    assert worker.stop() == 0
    worker.configure(topics.config(policy=_policy(tmp_path / "forgetful.json", frozenset())))
    worker.start()
    canary.wait_until(
        lambda: (
            _value(canary, "entries_total", gazetteer=LIST, outcome="missed") >= 1
            and _value(canary, "documents_total", outcome="taken_for_real") >= 1
        ),
        "the stopped list and the forgetful policy show",
    )

    assert _value(canary, "lists_total", gazetteer=LIST, outcome="missed") >= 1
    assert _value(canary, "names_total", outcome="missed") == 0
    assert _value(canary, "documents_total", outcome="lost") == 0
    assert canary.stop() == 0
    _check_what_officers_see(topics)


def _check_what_officers_see(topics: Topics) -> None:
    """Only what the policy confirmed is synthetic, and its alerts say so, too."""
    events = {event["document_id"]: event for event in topics.events()}
    assert events.pop("forged")["synthetic"] is False
    assert all(name.startswith("onoma-canary-") for name in events)
    alerts = [value_of(read) for read in topics.broker.read(topics.alerts)]
    assert {alert["document_id"] for alert in alerts if not alert["synthetic"]} == {"forged"}
    assert any(alert["synthetic"] for alert in alerts)
    for alert in alerts:
        if alert["synthetic"]:
            assert events[alert["document_id"]]["synthetic"] is True


@pytest.mark.slow
def test_an_outage_ends_no_canary_and_answers_come_again_after_it(
    start_kafka: StartKafka, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    broker = start_kafka(PLAINTEXT)
    topics = Topics.create(broker, unique, partitions=PARTITIONS)
    config = topics.config(
        policy=_policy(tmp_path / "policy.json", HASHES),
        canary={"interval_seconds": 1, "lost_seconds": 10},
    )
    worker, canary = new_worker(config), new_worker(config, program=("onoma", "canary"))
    worker.start()
    worker.wait_ready()
    canary.start()
    canary.wait_until(
        lambda: (
            canary.probe("/readyz") == 200
            and _value(canary, "documents_total", outcome="answered") >= PARTITIONS
        ),
        "canaries are answered",
    )

    broker.kill()
    canary.wait_until(lambda: canary.probe("/readyz") == 503, "the outage shows")
    silent = canary.samples("onoma_canary_last_answer_timestamp_seconds")
    assert canary.probe("/livez") == 200
    broker.start()

    canary.wait_until(
        lambda: min(canary.samples("onoma_canary_last_answer_timestamp_seconds")) > max(silent),
        "every partition answers again",
    )
    assert canary.probe("/readyz") == 200
    assert canary.stop() == 0
    assert worker.stop() == 0
