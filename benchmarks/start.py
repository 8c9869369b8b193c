"""How long a worker takes to start, and which imports cost the most.

    python -m benchmarks.start

From the start of the process to ready: the model verified, loaded and warm, the partitions of a
real Kafka taken. The imports are those of `python -X importtime`, each package with what it alone
brings in.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click

from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import broker, measured_core, new_topics, pinned, settings_of
from tests.kafka.broker import KafkaBroker
from tests.stream.worker import Worker

ROUNDS = 7
HEAVIEST = 15
QUESTION = "How long does a worker take to start?"
LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|\s*(\S+)")


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    rounds = run.rounds(ROUNDS)
    with broker() as running:
        starts = [_start(running, work / "start" / str(number)) for number in range(rounds)]
    imports = [_imports() for _ in range(rounds)]
    packages = {
        name: median(each[name] for each in imports) for name in list(imports[0])[:HEAVIEST]
    }
    run.keep(
        "start",
        QUESTION,
        [
            Figure("start to loaded and warm", median(s[0] for s in starts), unit="s"),
            Figure("start to ready, partitions taken", median(s[1] for s in starts), unit="s"),
            Figure("all imports", median(sum(each.values()) for each in imports), unit="s"),
        ],
        {"seconds_of_import_by_package": packages},
    )


def _start(running: KafkaBroker, directory: Path) -> tuple[float, float]:
    """Return the seconds to loaded and to ready."""
    worker = Worker(directory, settings_of(new_topics(running), {}))
    try:
        with pinned({measured_core()}):
            started = time.perf_counter()
            worker.start()
        worker.wait_until(lambda: worker.probe("/startupz") == 200, "it has started")
        loaded = time.perf_counter() - started
        worker.wait_ready()
        return loaded, time.perf_counter() - started
    finally:
        worker.kill()


def _imports() -> dict[str, float]:
    """Return the seconds that each package's own modules take, of all that a worker imports."""
    command = [sys.executable, "-X", "importtime", "-c", "import onoma.cli.run, onoma.stream.app"]
    with pinned({measured_core()}):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    microseconds: Counter[str] = Counter()
    for own, _, module in LINE.findall(done.stderr):
        microseconds[module.partition(".")[0]] += int(own)
    return {package: own / 1e6 for package, own in microseconds.most_common()}


if __name__ == "__main__":
    main()
