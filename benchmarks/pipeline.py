"""What the pipeline costs beside the bare session: units per CPU-second, both on the same windows.

    python -m benchmarks.pipeline

One thread, no Kafka. Batches of documents take turns: each goes through the pipeline, then the
calls that were made for it go through the session alone. The documents are the mix, once with the
features of its words known and once with every word new, and the short samples of the demo.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence, Sized
from pathlib import Path

import click
import numpy as np

from benchmarks.documents import mix
from benchmarks.raw import every_unit
from benchmarks.results import Figure, Run, median, options
from onoma.contracts.records import Record
from onoma.ner.features import FeatureTable
from onoma.ner.recogniser import Emissions
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.pipeline import Job, Reading, Versions, admit, conclude_all
from onoma.settings import Settings
from onoma.stream.app import load_model, pinned_versions
from onoma.stream.samples import load

DOCUMENTS, QUICK_DOCUMENTS = 300, 60
ROUNDS = 5
BATCH_DOCUMENTS = 32
GOAL = 0.9
QUESTION = "What does everything around the model cost, without Kafka?"

Seconds = dict[str, float]
"""CPU seconds by stage; `session` is the bare one on every unit, `session as called` on each
distinct word of a call once, as the pipeline calls it.
"""


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    settings = Settings()
    versions = pinned_versions(settings, load_model(settings))
    budget = settings.processing.units_per_call
    count = run.size(DOCUMENTS, QUICK_DOCUMENTS)
    mixed = [document.record(offset) for offset, document in enumerate(mix(count, data))]
    short = [
        Record("documents.v1", 0, offset, sample.key, sample.value, sample.headers)
        for offset, sample in enumerate(load(count))
    ]
    subjects = {"mix": (mixed, False), "mix, new words": (mixed, True), "short": (short, False)}
    rounds: dict[str, list[Seconds]] = {name: [] for name in subjects}
    units = {name: _units(records, versions) for name, (records, _) in subjects.items()}
    for _ in range(run.rounds(ROUNDS)):
        for name, (records, new_words) in subjects.items():
            rounds[name].append(_round(records, versions, budget, new_words=new_words))
    run.keep(
        "pipeline",
        QUESTION,
        [
            Figure(f"pipeline / bare session, {name}", _ratio(taken), _goal_of(name))
            for name, taken in rounds.items()
        ],
        {
            name: {
                "documents": len(subjects[name][0]),
                "units": units[name],
                "microseconds_per_unit": {
                    stage: median(seconds[stage] / units[name] * 1e6 for seconds in taken)
                    for stage in taken[0]
                },
            }
            for name, taken in rounds.items()
        },
    )


def _goal_of(name: str) -> float | None:
    return GOAL if name == "mix" else None


def _ratio(taken: Sequence[Seconds]) -> float:
    return median(
        seconds["session"] / (seconds["admit"] + seconds["read"] + seconds["conclude"])
        for seconds in taken
    )


def _units(records: Sequence[Record], versions: Versions) -> int:
    jobs = (admit(record, versions) for record in records)
    return sum(len(job.units) for job in jobs if isinstance(job, Job))


def _round(
    records: Sequence[Record], versions: Versions, budget: int, *, new_words: bool
) -> Seconds:
    """Take the records from bytes to encoded events, and repeat the calls that this took."""
    recogniser = versions.recogniser
    if not isinstance(recogniser, WordHashRecogniser):
        raise TypeError(f"the default model is a {type(recogniser).__name__}")
    if new_words:
        recogniser._table = FeatureTable()
    seconds: Seconds = defaultdict(float)
    graph = recogniser._graph
    for start in range(0, len(records), BATCH_DOCUMENTS):
        calls: list[Inputs] = []

        def noting(inputs: Inputs, calls: list[Inputs] = calls) -> Emissions:
            calls.append(inputs)
            return np.asarray(graph(inputs))

        recogniser._graph = noting
        _batch(records[start : start + BATCH_DOCUMENTS], versions, budget, seconds)
        recogniser._graph = graph
        began = time.thread_time()
        for inputs in calls:
            graph(inputs)
        seconds["session as called"] += time.thread_time() - began
        whole = [every_unit(inputs) for inputs in calls]
        began = time.thread_time()
        for inputs in whole:
            graph(inputs)
        seconds["session"] += time.thread_time() - began
    return seconds


def _batch(records: Sequence[Record], versions: Versions, budget: int, seconds: Seconds) -> None:
    began = time.thread_time()
    admitted = (admit(record, versions) for record in records)
    jobs = [job for job in admitted if isinstance(job, Job)]
    read_from = time.thread_time()
    emissions = [
        scores
        for call in _calls([rows for job in jobs for rows in job.features], budget)
        for scores in versions.recogniser.emissions(call)
    ]
    concluded_from = time.thread_time()
    left = iter(emissions)
    conclude_all([(job, [Reading(w, next(left)) for w in job.windows]) for job in jobs])
    seconds["admit"] += read_from - began
    seconds["read"] += concluded_from - read_from
    seconds["conclude"] += time.thread_time() - concluded_from


def _calls(windows: Sequence[Sized], budget: int) -> list[list[Sized]]:
    """Pack windows in order under the budget of a call, as the scheduler does for one lane."""
    calls: list[list[Sized]] = [[]]
    left = budget
    for rows in windows:
        if calls[-1] and len(rows) + 1 > left:
            calls.append([])
            left = budget
        calls[-1].append(rows)
        left -= len(rows) + 1
    return calls


if __name__ == "__main__":
    main()
