"""What the pipeline costs beside the bare model: words per CPU-second, both on the same windows.

Run with `make bench`. Rounds are interleaved and medians are quoted, because machines are noisy;
one thread. The texts are the samples of the demo. The result is kept in
benchmarks/results/pipeline.json.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence, Sized
from pathlib import Path

from onoma.contracts.records import Record
from onoma.pipeline import Job, Reading, Versions, admit, conclude_all
from onoma.settings import Settings
from onoma.stream.app import load_model, pinned_versions
from onoma.stream.samples import load

DOCUMENTS = 2_000
ROUNDS = 7
UNITS_PER_CALL = 1024
RESULT = Path(__file__).parent / "results" / "pipeline.json"


def main() -> None:
    """Measure, print a table, keep the JSON."""
    settings = Settings()
    versions = pinned_versions(settings, load_model(settings))
    records = [
        Record("documents.v1", 0, offset, sample.key, sample.value, sample.headers)
        for offset, sample in enumerate(load(DOCUMENTS))
    ]
    jobs = _admitted(records, versions)
    calls = _calls([rows for job in jobs for rows in job.features])
    units = sum(len(job.units) for job in jobs)
    subjects: dict[str, Callable[[], object]] = {
        "bare model": lambda: [versions.recogniser.emissions(call) for call in calls],
        "pipeline": lambda: _whole(records, versions),
    }
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(ROUNDS):
        for name, run in subjects.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    _report(
        units, {name: units / statistics.median(times) for name, times in seconds.items()}, versions
    )


def _admitted(records: Sequence[Record], versions: Versions) -> list[Job]:
    admitted = (admit(record, versions) for record in records)
    return [job for job in admitted if isinstance(job, Job)]


def _calls(windows: Sequence[Sized]) -> list[list[Sized]]:
    """Pack windows in order under the budget of a call, as the scheduler does for one lane."""
    calls: list[list[Sized]] = [[]]
    left = UNITS_PER_CALL
    for rows in windows:
        if calls[-1] and len(rows) + 1 > left:
            calls.append([])
            left = UNITS_PER_CALL
        calls[-1].append(rows)
        left -= len(rows) + 1
    return calls


def _whole(records: Sequence[Record], versions: Versions) -> int:
    """Take the records from bytes to encoded events; return the number of events."""
    done = 0
    for start in range(0, len(records), 64):
        jobs = _admitted(records[start : start + 64], versions)
        windows = [(job, i) for job in jobs for i in range(len(job.windows))]
        emissions = [
            scores
            for call in _calls([job.features[i] for job, i in windows])
            for scores in versions.recogniser.emissions(call)
        ]
        readings: dict[int, list[Reading]] = {id(job): [] for job in jobs}
        for (job, i), scores in zip(windows, emissions, strict=True):
            readings[id(job)].append(Reading(job.windows[i], scores))
        done += len(conclude_all([(job, readings[id(job)]) for job in jobs]))
    return done


def _report(units: int, rates: dict[str, float], versions: Versions) -> None:
    ratio = rates["pipeline"] / rates["bare model"]
    result = {
        "documents": DOCUMENTS,
        "units": units,
        "rounds": ROUNDS,
        "units_per_cpu_second": {name: round(rate) for name, rate in rates.items()},
        "pipeline_over_bare_model": round(ratio, 3),
        "runtime": versions.worker.runtime,
        "model": {"name": versions.model.name, "sha256": versions.model.sha256},
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    for name, rate in rates.items():
        print(f"{name:12} {rate:10,.0f} units per CPU-second")
    print(f"pipeline / bare model: {ratio:.2f}")


if __name__ == "__main__":
    main()
