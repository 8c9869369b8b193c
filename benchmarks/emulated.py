"""Whether a processor without VNNI gives the same events: 500 documents, one run emulated.

    python -m benchmarks.emulated [--qemu /usr/bin/qemu-x86_64] [--model default --model S]

qemu's user mode shows the process a Haswell, whose int8 products go another way: pairs of products
are added in 16 bits, and saturate there unless the weights leave room. Needs qemu-user; where there
is none, the result says so. Emulation is some fifty times slower.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.results import Figure, Run, options
from benchmarks.worker import WORDS, directory_of

DOCUMENTS, QUICK_DOCUMENTS = 500, 2
PROCESSOR = "Haswell"
SPANS_GOAL, SCORES_GOAL = 0.999, 0.002
QUESTION = "Does a processor without VNNI give the same events?"
Span = tuple[int, int, str]


@click.command()
@options
@click.option("--qemu", default="qemu-x86_64", show_default=True)
@click.option("--model", "names", multiple=True, type=click.Choice(list(WORDS)))
def main(data: Path, work: Path, quick: bool, qemu: str, names: tuple[str, ...]) -> None:
    """Compare, print, keep the JSON."""
    run = Run(data, work, quick)
    emulator = shutil.which(qemu)
    if emulator is None:
        click.echo(f"found no {qemu}: install qemu-user")
        run.keep("emulated", QUESTION, [], {"not_run": {PROCESSOR: f"found no {qemu}"}})
        return
    figures, details = [], {}
    for name in names or ("default", "S"):
        here = _events([], name, run)
        there = _events([emulator, "-cpu", PROCESSOR], name, run)
        found, details[name] = compared(name, here, there)
        figures += found
    run.keep("emulated", QUESTION, figures, details)


def compared(
    name: str, here: Sequence[bytes], there: Sequence[bytes]
) -> tuple[list[Figure], dict[str, Any]]:
    """Return figures and details of two runs of a model over the same documents."""
    pairs = [(_spans(one), _spans(other)) for one, other in zip(here, there, strict=True)]
    every = sum(len(one.keys() | other.keys()) for one, other in pairs)
    shared = sum(len(one.keys() & other.keys()) for one, other in pairs)
    gaps = [abs(one[span] - other[span]) for one, other in pairs for span in one.keys() & other]
    equal = sum(one == other for one, other in zip(here, there, strict=True))
    return [
        Figure(
            f"{name}: spans found on both / on either", round(shared / max(1, every), 5), SPANS_GOAL
        ),
        Figure(
            f"{name}: largest difference of a score",
            round(max(gaps, default=0), 4),
            SCORES_GOAL,
            "at most",
        ),
        Figure(f"{name}: events equal byte for byte", round(equal / len(here), 4)),
    ], {"documents": len(here), "spans": every, "processor": PROCESSOR}


def _spans(event: bytes) -> dict[Span, float]:
    entities = json.loads(event)["entities"]
    return {(each["start"], each["end"], each["label"]): each["score"] for each in entities}


def _events(emulator: Sequence[str], name: str, run: Run) -> list[bytes]:
    command = [*emulator, sys.executable, "-m", "benchmarks.events"]
    command += ["--model", str(directory_of(name, run)), "--data", str(run.data)]
    command += ["--documents", str(run.size(DOCUMENTS, QUICK_DOCUMENTS))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return done.stdout.splitlines()


if __name__ == "__main__":
    main()
