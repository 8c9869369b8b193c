"""`python -m tests.faults.stalls`: lets a worker hang in each way, and records how soon it ended.

Each worker really hangs; its successor has to go on where it was, with every document once. The
record of the latest run is `stalls.json`, which docs/reliability.md shows.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onoma.stream.chaos.report import versions
from tests.kafka.broker import KafkaBroker
from tests.kafka.classpath import prepare
from tests.kafka.runtime import kafka_version
from tests.stream.hanging import DOCUMENTS, KINDS, WATCHDOG, Hanging, Kind
from tests.stream.worker import Worker

RECORD = Path(__file__).with_name("stalls.json")


def main() -> int:
    """Let all kinds hang, one after the other, and write the record."""
    prepare()
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    with (
        tempfile.TemporaryDirectory() as directory,
        KafkaBroker(Path(directory) / "kafka") as kafka,
    ):
        kinds = [_played(kind, kafka, Path(directory)) for kind in KINDS]
    record = {
        "started_at": started_at,
        "command": "python -m tests.faults.stalls",
        "documents": DOCUMENTS,
        "kinds": kinds,
        "versions": versions(kafka=kafka_version()),
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return 0


def _played(kind: Kind, kafka: KafkaBroker, directory: Path) -> dict[str, Any]:
    """Return the record of one hang; an AssertionError if a promise was broken."""
    numbers = itertools.count()
    workers: list[Worker] = []

    def new_worker(*args: Any, **options: Any) -> Worker:
        worker = Worker(directory / f"{kind.at}-{len(workers)}", *args, **options)
        workers.append(worker)
        return worker

    try:
        hanging = Hanging(kind, kafka, lambda word: f"{word}-{kind.at}-{next(numbers)}", new_worker)
        hanging.hang()
        seconds = hanging.wait_for_end()
        hanging.go_on()
    finally:
        for worker in workers:
            worker.kill()
    deadline = WATCHDOG[kind.knob]
    print(f"{kind.at}: ended after {seconds:.1f} s, deadline {deadline} s", flush=True)
    return {
        "at": kind.at,
        "what": kind.what,
        "stage": kind.stage,
        "knob": f"watchdog.{kind.knob}",
        "deadline_seconds": deadline,
        "seconds": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
