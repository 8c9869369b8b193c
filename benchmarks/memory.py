"""How much memory a worker holds, and whether it grows: over 200,000 documents of random lengths.

    python -m benchmarks.memory [--documents 20000]

The documents come as fast as the worker takes them. Resident memory is looked at every 500
documents; the slope is that of a straight line through what follows the first tenth.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click
import numpy as np

from benchmarks.documents import endless_mix
from benchmarks.results import Figure, Run, options
from benchmarks.rig import Subject, broker, workers

DOCUMENTS, QUICK_DOCUMENTS = 200_000, 600
CHUNK, QUICK_CHUNK = 500, 50
AHEAD_CHUNKS = 2
WARM_UP_SHARE = 0.1
RESIDENT_GOAL, SLOPE_GOAL = 300.0, 1.0
MEGABYTE = 1e6
QUESTION = "How much memory does a worker hold, and does it grow?"


@click.command()
@options
@click.option("--documents", type=int, help="How many, instead of 200,000.")
def main(data: Path, work: Path, quick: bool, documents: int | None) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    count = documents or run.size(DOCUMENTS, QUICK_DOCUMENTS)
    chunk = run.size(CHUNK, QUICK_CHUNK)
    with broker() as running, workers(running) as (subject, _):
        curve = _watched(subject, count, chunk, run)
    steady = [point for point in curve if point[0] > WARM_UP_SHARE * count]
    done, megabytes = zip(*steady, strict=True)
    slope = float(np.polyfit(np.array(done) / 10_000, np.array(megabytes), 1)[0])
    run.keep(
        "memory",
        QUESTION,
        [
            Figure("resident memory, largest", max(megabytes), RESIDENT_GOAL, "at most", "MB"),
            Figure("growth after warm-up", round(slope, 3), SLOPE_GOAL, "at most", "MB per 10,000"),
        ],
        {"documents": count, "documents_and_megabytes": curve},
    )


def _watched(subject: Subject, count: int, chunk: int, run: Run) -> list[tuple[int, float]]:
    """Return resident megabytes by the number of documents that are done."""
    stream = endless_mix(run.data)
    curve: list[tuple[int, float]] = []
    for _ in range(AHEAD_CHUNKS):
        subject.publish(list(islice(stream, chunk)))
    for done in range(chunk, count + 1, chunk):
        subject.publish(list(islice(stream, chunk)))
        subject.wait_for(chunk)
        curve.append((done, round(subject.resident_bytes() / MEGABYTE, 1)))
    return curve


if __name__ == "__main__":
    main()
