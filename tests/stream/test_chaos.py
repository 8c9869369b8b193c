"""`onoma chaos` on a real Kafka: it hurts its own workers, accounts for every document, and leaves
nothing behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from confluent_kafka.admin import AdminClient

from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.stream.topics import Topics, publish, short_documents
from tests.stream.worker import REPOSITORY

PREFIX = "onoma-chaos-"
GROUP = "ONOMA_KAFKA__GROUP_ID"


@pytest.mark.slow
def test_a_plan_is_played_and_reported_and_nothing_else_is_touched(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path
) -> None:
    topics = Topics.create(kafka, unique, partitions=2)
    publish(kafka, topics.documents, short_documents(10, partitions=2, seed=1))
    config, report_file = tmp_path / "onoma.yaml", tmp_path / "report.json"
    config.write_text(yaml.safe_dump(topics.config()), "utf-8")
    plan = ("--seed", "3", "--faults", "2", "--partitions", "4", "--session-seconds", "6")
    files = ("--config", str(config), "--out", str(report_file))

    finished = subprocess.run(
        [sys.executable, "-m", "onoma", "chaos", *plan, *files],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads(report_file.read_text("utf-8"))
    assert report["faultless"]
    assert sum(report["tried"].values()) == 2
    assert report["account"]["events"] == report["account"]["documents"] > 100
    assert report["notes"]["workers_failed"] == {}
    known = AdminClient(dict(kafka.librdkafka_settings())).list_topics(timeout=10).topics
    assert not [name for name in known if name.startswith(PREFIX)]
    assert topics.committed() == 0
    assert topics.events() == []
    assert not _workers_left()


def _workers_left() -> list[psutil.Process]:
    """Return the workers of any plan that still run."""
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(GROUP, "").startswith(PREFIX)
    ]
