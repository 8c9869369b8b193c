"""The records of runs, one file each: `results/KIND-SEED.json`. They add up over days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from onoma.stream.chaos.report import Report

RESULTS = Path(__file__).parent / "results"
Record = dict[str, Any]


def write(report: Report, directory: Path = RESULTS) -> Path:
    """Keep a record; a run that is repeated takes the place of the one before."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{report.kind}-{report.seed}.json"
    path.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return path


def read(directory: Path = RESULTS) -> list[Record]:
    """Return all records by kind and seed."""
    records = [json.loads(path.read_text("utf-8")) for path in directory.glob("*.json")]
    return sorted(records, key=lambda record: (record["kind"], record["seed"]))


def next_seed(kind: str, directory: Path = RESULTS) -> int:
    """Return the first seed that this kind was not yet played with."""
    seeds = {record["seed"] for record in read(directory) if record["kind"] == kind}
    return next(seed for seed in range(1, len(seeds) + 2) if seed not in seeds)
