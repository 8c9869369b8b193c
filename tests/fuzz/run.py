"""Tries records by the million: `python -m tests.fuzz.run --seconds N --seed S`.

Batches of records go through the pipeline on the shipped model, many in a call as in a worker, and
what holds for every outcome is checked. Each run adds a piece to the record, a JSON file: inputs,
seconds, findings; SIGTERM ends a piece early, and it counts. A finding names seed, batch and place,
and is kept whole; make a test of it (test_fuzz.py) once it is small. A hang or a death leaves the
numbers of its batch in the file beside the record.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from onoma.contracts.records import Record
from onoma.pipeline import (
    DeadLettered,
    Job,
    Outcome,
    Reading,
    Versions,
    admit,
    conclude_all,
    process,
)
from onoma.registry.runtime import worker_version
from onoma.settings import Settings
from onoma.stream.app import load_model, pinned_versions
from tests.fuzz.inputs import records
from tests.fuzz.invariants import BrokenError, check

RECORD = Path(__file__).with_name("record.json")
BATCH = 64
HANG_SECONDS = 300
"""Of the clock, for one batch: long, because the machine may be busy."""
SECONDS_AT_MOST = 5.0
"""Of the processor, for one record and a hundredth of that for each of its kilobytes."""
BY_SCHEMA_ONE_IN = 8
ALONE_ONE_IN = 64


class HungError(Exception):
    """A batch did not end."""


@dataclass(slots=True)
class Piece:
    """What one run came to."""

    seed: int
    batches: int = 0
    inputs: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    worker: str = ""


def outcomes_of(batch: list[Record], versions: Versions) -> list[Outcome]:
    """Return the outcomes of records that share their model call."""
    admitted = [admit(record, versions) for record in batch]
    jobs = [each for each in admitted if isinstance(each, Job)]
    found: dict[int, Outcome] = {}
    if jobs:
        rows = [row for job in jobs for row in job.features]
        emissions = iter(versions.recogniser.emissions(rows))
        read = [(job, [Reading(w, next(emissions)) for w in job.windows]) for job in jobs]
        found = dict(zip(map(id, jobs), conclude_all(read), strict=True))
    return [each if isinstance(each, DeadLettered) else found[id(each)] for each in admitted]


def problem_of(batch: list[Record], number: int, versions: Versions) -> str | None:
    """Return what is wrong with a batch, None if nothing is; counted by the caller."""
    started = time.process_time()
    try:
        outcomes = outcomes_of(batch, versions)
        took = time.process_time() - started
        kilobytes = sum(len(each.value or b"") for each in batch) / 1024
        if took > SECONDS_AT_MOST * (1 + kilobytes / 100):
            return f"slow: {took:.1f} s for {kilobytes:.0f} KiB"
        for place, (record, outcome) in enumerate(zip(batch, outcomes, strict=True)):
            check(record, outcome, versions, by_schema=(number + place) % BY_SCHEMA_ONE_IN == 0)
            alone = (number + place) % ALONE_ONE_IN == 0
            if alone and process(record, versions).output != outcome.output:
                return "an outcome depends on its neighbours"
    except HungError:
        return "hung"
    except BrokenError as error:
        return f"broken: {error}"
    except Exception as error:
        return f"raised {type(error).__name__}"
    return None


def findings_of(
    batch: list[Record], seed: int, number: int, versions: Versions
) -> list[dict[str, Any]]:
    """Return what is wrong with the records of a batch, each alone; of the whole, if none is."""
    whole = problem_of(batch, number, versions)
    if whole is None:
        return []
    alone = [(place, problem_of([record], 0, versions)) for place, record in enumerate(batch)]
    places = [(place, problem) for place, problem in alone if problem] or [(-1, whole)]
    return [
        {
            "problem": problem,
            "seed": seed,
            "batch": number,
            "place": place,
            "record": _kept(batch[place]) if place >= 0 else None,
        }
        for place, problem in places
    ]


def _kept(record: Record) -> dict[str, Any]:
    def text(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode()

    headers = [[name, text(value)] for name, value in record.headers]
    return {"key": text(record.key), "value": text(record.value), "headers": headers}


def run(seconds: float, seed: int, running: Path, stopped: Callable[[], bool]) -> Piece:
    """Try batches for so many seconds of the processor, or until it is `stopped`."""
    settings = Settings()
    versions = pinned_versions(settings, load_model(settings))
    piece = Piece(seed, worker=worker_version().sha256)
    kinds: Counter[str] = Counter()
    started = time.process_time()
    while (now := time.process_time() - started) < seconds and not stopped():
        batch = records(seed, piece.batches, BATCH)
        running.write_text(json.dumps({"seed": seed, "batch": piece.batches}))
        signal.alarm(HANG_SECONDS)
        found = findings_of(batch, seed, piece.batches, versions)
        signal.alarm(0)
        piece.findings += found
        piece.batches += 1
        piece.inputs += len(batch)
        if piece.batches % 64 == 1:
            kinds.update(_kind(each) for each in outcomes_of(batch, versions))
        for each in found:
            print(json.dumps({k: each[k] for k in ("problem", "seed", "batch", "place")}))
        piece.seconds = now
    running.unlink()
    piece.outcomes = dict(kinds.most_common())
    piece.seconds = round(time.process_time() - started, 1)
    return piece


def _kind(outcome: Outcome) -> str:
    return str(outcome.rejected.reason) if isinstance(outcome, DeadLettered) else "annotated"


def add(piece: Piece, path: Path) -> dict[str, Any]:
    """Add the piece to the record; return the record."""
    pieces = json.loads(path.read_text())["pieces"] if path.exists() else []
    pieces.append(dataclasses.asdict(piece))
    whole = {
        "inputs": sum(each["inputs"] for each in pieces),
        "seconds": round(sum(each["seconds"] for each in pieces), 1),
        "findings": sum(len(each["findings"]) for each in pieces),
        "pieces": pieces,
    }
    path.write_text(json.dumps(whole, indent=1) + "\n")
    return whole


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise HungError


def main() -> int:
    """Run one piece; 1 if it found anything."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, required=True, help="seconds of the processor")
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--record", type=Path, default=RECORD)
    given = options.parse_args()
    signal.signal(signal.SIGALRM, _hung)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    running = given.record.with_suffix(".running")
    piece = run(given.seconds, given.seed, running, stopping.is_set)
    whole = add(piece, given.record)
    print(
        f"{piece.inputs} inputs in {piece.seconds} s, {len(piece.findings)} findings; in all ",
        end="",
    )
    print(f"{whole['inputs']} inputs in {whole['seconds']} s, {whole['findings']} findings")
    return int(bool(piece.findings))


if __name__ == "__main__":
    sys.exit(main())
