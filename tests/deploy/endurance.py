"""`python -m tests.deploy.endurance`: 50,000 documents through the image, in the chart's limits.

The worker runs as in tests/deploy/test_image.py: with the security context, the limits and the
mounts that the chart renders, on a real Kafka. The record of the latest run is `endurance.json`;
docs/operating.md says what it says. Needs root, buildah, mmdebstrap, runc, JDK 17 and Maven.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onoma.stream.chaos.report import versions
from tests.deploy.image import Image, built, missing_tools
from tests.deploy.release import PARTITIONS, Release, RunningWorker
from tests.kafka.broker import KafkaBroker, Protocol, Security
from tests.kafka.classpath import prepare
from tests.kafka.runtime import kafka_version
from tests.stream.topics import Topics, publish, short_documents
from tests.stream.worker import wait_until

RECORD = Path(__file__).with_name("endurance.json")
DOCUMENTS = 50_000
LOT = 5_000
DONE_SECONDS = 1200.0
PYTHON_VERSION = "import platform; print(platform.python_version())"


def main() -> int:
    """Run it, and write the record; 1 if a limit was reached or a document is missing."""
    if reason := missing_tools():
        print(reason, file=sys.stderr)
        return 2
    prepare()
    with tempfile.TemporaryDirectory() as directory, built(Path(directory) / "image") as image:
        record = measured(image, Path(directory))
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(json.dumps(record, indent=1))
    kept = record["events"] == DOCUMENTS and not record["refusals_of_memory"]
    return 0 if kept else 1


def measured(image: Image, directory: Path) -> dict[str, Any]:
    """Return the record of a run."""
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    with KafkaBroker(directory / "kafka", security=Security(protocol=Protocol.SASL_SSL)) as kafka:
        topics = Topics.named(kafka, lambda word: f"{word}-endurance")
        release = Release(image, topics, directory / "release")
        code, told = release.run_topics_job()
        if code:
            raise AssertionError(told)
        with release.worker() as running:
            began = time.monotonic()
            _feed(running, topics)
            seconds = time.monotonic() - began
            memory, status = running.container.memory(), running.container.status()
            python = running.container.run("python3", "-c", PYTHON_VERSION).stdout.strip()
            exit_code = running.stop()
        events = sum(1 for _ in kafka.records(topics.entities, timeout_seconds=DONE_SECONDS))
    return {
        "started_at": started_at,
        "command": "python -m tests.deploy.endurance",
        "image_bytes": image.size_bytes,
        "limits": running.rendered["resources"]["limits"],
        "documents": DOCUMENTS,
        "events": events,
        "seconds": round(seconds, 1),
        "memory_limit_bytes": memory.limit_bytes,
        "memory_most_bytes": memory.most_bytes,
        "refusals_of_memory": memory.refusals,
        "resident_most_bytes": 1024 * int(status["VmHWM"].split()[0]),
        "exit_code": exit_code,
        "versions": {**versions(kafka=kafka_version()), "python": python},
    }


def _feed(running: RunningWorker, topics: Topics) -> None:
    """Publish in lots: one is always waiting, so that the worker never rests."""
    for start in range(0, DOCUMENTS, LOT):
        lot = short_documents(LOT, partitions=PARTITIONS, seed=start, start=start)
        publish(topics.broker, topics.documents, lot)
        _wait_for(running, start)
    topics.wait_done(DONE_SECONDS)


def _wait_for(running: RunningWorker, count: int) -> None:
    def done() -> bool:
        return running.metric("onoma_documents_total") >= count

    wait_until(done, f"{count} documents are done", DONE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
