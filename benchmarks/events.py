"""Writes the events of the mix of documents, one JSON object a line: what other runs compare with.

    python -m benchmarks.events --documents 500 > events.jsonl

A process of its own, so that it can be restarted, or run on an emulated processor.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.documents import DATA, mix
from benchmarks.raw import outcomes_of
from onoma.registry import bundle


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=DATA)
@click.option("--model", type=click.Path(exists=True, path_type=Path))
@click.option("--documents", default=500, show_default=True)
@click.option("--threads", default=1, show_default=True)
def main(data: Path, model: Path | None, documents: int, threads: int) -> None:
    """Write the events to standard output."""
    loaded = bundle.load(model or bundle.default_directory(), allow_ungated=True)
    for outcome in outcomes_of(loaded, mix(documents, data), threads=threads):
        sys.stdout.buffer.write((outcome.output.value or b"") + b"\n")


if __name__ == "__main__":
    main()
