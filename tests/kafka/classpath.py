"""`python -m tests.kafka.classpath`: makes ready what the tests' real Kafka needs.

That happens once; later runs need no network. The class archive (Java's AppCDS) halves the start of
a broker: a short run on a throw-away directory writes it.
"""

from __future__ import annotations

import fcntl
import sys
import tempfile
from pathlib import Path

from tests.kafka.broker import BrokerFailed, KafkaBroker
from tests.kafka.runtime import (
    CACHE,
    KafkaUnavailable,
    Runtime,
    archive_path,
    class_path,
    find_java,
    find_runtime,
)


def prepare() -> Runtime:
    """Resolve the class path and make the class archive where they are missing."""
    java = find_java()
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars = class_path()
        archive = archive_path(java, jars)
        if not archive.exists():
            _make_archive(Runtime(java, jars, archive=None), archive)
    return find_runtime()


def _make_archive(runtime: Runtime, archive: Path) -> None:
    unfinished = archive.with_suffix(".part")
    with tempfile.TemporaryDirectory(prefix="onoma-kafka-") as directory:
        broker = KafkaBroker(Path(directory) / "broker", runtime=runtime)
        try:
            broker.start(java_options=(f"-XX:ArchiveClassesAtExit={unfinished}",))
            broker.create_topic("archive", 1)
            broker.read("archive")
        finally:
            broker.stop()
    if unfinished.exists():
        unfinished.replace(archive)


def main() -> int:
    """Say what was found, and what to do when something is missing."""
    try:
        runtime = prepare()
    except (KafkaUnavailable, BrokerFailed) as error:
        print(f"Apache Kafka can't run here: {error}", file=sys.stderr)
        return 1
    print(f"java           {runtime.java.program}: {runtime.java.version.splitlines()[0]}")
    print(f"class path     {len(runtime.class_path.split(':'))} jars")
    print(f"class archive  {runtime.archive or 'not written; brokers start in 2 s instead of 1 s'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
