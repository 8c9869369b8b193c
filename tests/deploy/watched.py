"""A worker and a canary on a real Kafka, watched by a real Prometheus with the committed rules.

It is played once: documents, poison, lists that come, change and go, a model call that never
returns, a broker that ends. What Prometheus and the webhook of Alertmanager saw is kept for tests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.monitoring.dashboards.generate import RULES
from prometheus_client.parser import text_string_to_metric_families

from onoma.gazetteer.entries import Entry
from onoma.stream.canaries import load
from tests.deploy import promql
from tests.deploy.monitors import Alertmanager, Listener, Prometheus, scaled
from tests.kafka.broker import KafkaBroker
from tests.stream.topics import Message, Topics, document, publish, short_documents
from tests.stream.worker import Worker, wait_until
from tests.unit.gazetteer.lists import entry, served

LIST = "onoma-canary"
PARTITIONS = 2
POISON = 60
LANGUAGES, TENANTS = 50, 200
ALERT_SECONDS = 90.0
PLANTED = (
    entry("quistrel", "Orvane Quistrel", "Орван Квистрелов"),
    entry("tolvarkar", "रविकेश तोलवरकर"),
)
RULES_OF_POLICY = {
    "budgets": {"units": 400, "names": 20},
    "lists": {LIST: {"scan": {"names": "near", "candidates": 100}}},
}
"""Canaries are far below these bounds; the long document is beyond each."""
LONG = "Governor Zubo Kadram met traders in Lagos on Monday. " * 60
BEYOND_BOUNDS = ("OnomaCoverageBelowOne", "OnomaNamesUnscreened", "OnomaScanTruncated")
STUCK = ("tests.stream.stuck_worker",)
JOB = "screening"
Series = frozenset[tuple[str, frozenset[tuple[str, str]]]]


@dataclass(slots=True)
class Watched:
    """Everything that runs, and what is to be looked at."""

    prometheus: Prometheus
    webhook: Listener
    started: float
    before: Series = frozenset()
    after: Series = frozenset()
    waited: dict[str, float] = field(default_factory=dict)
    """Seconds from each fault to the webhook's call, by alert and status."""
    ended: float = 0.0

    def wait_for(self, alert: str, status: str = "firing") -> None:
        """Wait until the webhook hears of an alert, and not before its fault."""
        begun = time.monotonic()
        wait_until(
            lambda: bool(self.webhook.heard(alert, status)), f"{alert} is {status}", ALERT_SECONDS
        )
        self.waited[f"{alert} {status}"] = time.monotonic() - begun


def alertmanager_config(webhook: str) -> dict[str, Any]:
    """Return the example, with the test's webhook and shorter waits."""
    config = promql.of_file(RULES.parent / "alertmanager.example.yaml")
    for receiver in config["receivers"]:
        for hook in receiver["webhook_configs"]:
            hook["url"] = f"http://{webhook}/{receiver['name']}"
    config["route"] |= {"group_wait": "1s", "group_interval": "2s"}
    return config


@contextmanager
def watched(directory: Path) -> Iterator[Watched]:
    """Play it; nothing of it outlives this."""
    with ExitStack() as stack:
        broker = KafkaBroker(directory / "kafka")
        stack.callback(broker.kill)
        broker.start()
        topics = Topics.named(broker, lambda word: f"onoma-{word}")
        worker, canary = _started(directory, topics, stack)
        stuck_topics = Topics.create(broker, lambda word: f"onoma-stuck-{word}", partitions=2)
        stuck = _stuck(directory, stuck_topics, stack)
        webhook, exporter = (stack.enter_context(Listener()) for _ in range(2))
        alertmanager = stack.enter_context(
            Alertmanager(directory / "alertmanager", alertmanager_config(webhook.address))
        )
        targets = {JOB: worker.address, "canary": canary.address, "stuck": stuck.address}
        prometheus = stack.enter_context(
            Prometheus(
                directory / "prometheus",
                {
                    **{job: url.removeprefix("http://") for job, url in targets.items()},
                    "exporter": exporter.address,
                },
                [scaled(promql.of_file(path)) for path in promql.RULE_FILES],
                alertmanager,
            )
        )
        run = Watched(prometheus, webhook, time.time())
        _play(run, topics, worker, broker, lambda: _export(exporter, topics))
        run.ended = time.time()
        yield run


def _started(directory: Path, topics: Topics, stack: ExitStack) -> tuple[Worker, Worker]:
    (directory / "store").mkdir()
    policy = directory / "policy.json"
    hashes = sorted({each.text_sha256 for each in load(None).canaries})
    decides = {"name": "p", "version": "1", "canaries": hashes, "default": RULES_OF_POLICY}
    policy.write_text(json.dumps(decides))
    config = topics.config(
        policy={"path": str(policy)},
        store={"path": str(directory / "store")},
        canary={"interval_seconds": 1, "lists": [LIST]},
    )
    worker = Worker(directory / "worker", config)
    canary = Worker(directory / "canary", config, program=("onoma", "canary"))
    created = worker.command("topics", "create", "--partitions", str(PARTITIONS))
    assert created.returncode == 0, created.stderr
    for each in (worker, canary):
        stack.callback(each.kill)
    worker.start()
    worker.wait_ready()
    # Before the canary flies: it would miss the list, and say so.
    _promote(worker, "1", *PLANTED)
    worker.wait_until(
        lambda: worker.samples("onoma_gazetteer_entries") == [len(PLANTED)], "the list is served"
    )
    canary.start()
    canary.wait_until(lambda: canary.probe("/readyz") is not None, "the canary answers")
    return worker, canary


def _stuck(directory: Path, topics: Topics, stack: ExitStack) -> Worker:
    """Start a worker whose model calls never return, from the third on."""
    worker = Worker(
        directory / "stuck",
        topics.config(watchdog={"call_seconds": 0}),
        program=STUCK,
        environment={"STUCK_AT": "call", "STUCK_AFTER": "2"},
    )
    stack.callback(worker.kill)
    worker.start()
    worker.wait_ready()
    return worker


def _play(
    run: Watched,
    topics: Topics,
    worker: Worker,
    broker: KafkaBroker,
    export: Callable[[], None],
) -> None:
    publish(broker, "onoma-stuck-documents", short_documents(400, partitions=2, seed=3))
    wait_until(
        lambda: bool(run.prometheus.query("onoma_gazetteer_info", run.started, time.time())),
        "the first version of the list was scraped",
    )
    _promote(worker, "2", *PLANTED, entry("z:1", "Zubo Kadram"))
    export()
    run.before = _series(worker)
    _publish_mixed(topics)
    worker.wait_until(topics.done, "mixed documents are committed")
    run.after = _series(worker)
    export()

    for alert in BEYOND_BOUNDS:
        run.wait_for(alert)
    run.wait_for("OnomaNothingConsumed")
    poison = [Message(b"{", partition=n % PARTITIONS) for n in range(POISON)]
    publish(broker, topics.documents, poison)
    run.wait_for("OnomaDeadLetterRatio")
    assert not run.webhook.heard("OnomaCanaryListMissed")
    publish(broker, topics.gazetteers, [Message(None, key=LIST.encode())])
    run.wait_for("OnomaListGone")
    run.wait_for("OnomaCanaryListMissed")
    run.wait_for("OnomaDeadLetterRatio", "resolved")
    broker.kill()
    run.wait_for("OnomaBrokerAway")


def _promote(worker: Worker, version: str, *entries: Entry) -> None:
    directory = worker.config_file.parent / version / LIST
    served(directory, *entries, name=LIST, version=version)
    done = worker.command("gazetteer", "promote", str(directory))
    assert done.returncode == 0, done.stderr


def _publish_mixed(topics: Topics) -> None:
    """Publish documents of more languages and tenants than anybody has."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    codes = [f"{a}{b}" for a in letters for b in letters][:LANGUAGES]
    messages = [
        Message(
            document(
                f"mixed-{number}",
                "Governor Zubo Kadram met traders in Lagos on Monday.",
                language=codes[number % LANGUAGES],
                tenant=f"tenant-{number % TENANTS}",
            ),
            partition=number % PARTITIONS,
        )
        for number in range(2 * TENANTS)
    ]
    messages.append(Message(document("long", LONG, language="en"), partition=0))
    publish(topics.broker, topics.documents, messages)


def _series(worker: Worker) -> Series:
    return frozenset(
        (sample.name, frozenset(sample.labels.items()))
        for family in text_string_to_metric_families(worker.exposition())
        for sample in family.samples
    )


def _export(exporter: Listener, topics: Topics) -> None:
    """Say what an exporter of Kafka would."""
    broker = topics.broker
    committed = broker.committed(topics.group, topics.documents)
    lines = []
    for partition, end in broker.end_offsets(topics.documents).items():
        labels = (
            f'{{consumergroup="{topics.group}",topic="{topics.documents}",partition="{partition}"}}'
        )
        offset = committed.get(partition, 0)
        lines.append(f"kafka_consumergroup_lag{labels} {end - offset}")
        lines.append(f"kafka_consumergroup_current_offset{labels} {offset}")
    exporter.page = "\n".join(lines) + "\n"
