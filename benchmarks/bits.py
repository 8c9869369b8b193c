"""Whether a document's event is the same, byte for byte, whatever happens around it.

    python -m benchmarks.bits [--model default --model S]

Each document's event from calls of its own is compared with that from another order, from beside
neighbours made to disturb, from one thread and two, and from a process started anew. No difference
is wanted.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import click

from benchmarks.documents import Document, mix
from benchmarks.raw import outcomes_of
from benchmarks.results import Figure, Run, options
from benchmarks.worker import WORDS, directory_of
from onoma.pipeline import process
from onoma.registry import bundle
from onoma.settings import Settings
from onoma.stream.app import pinned_versions

DOCUMENTS = {"default": 5_000, "S": 200, "M": 60, "L": 20}
QUICK_DOCUMENTS = {"default": 40, "S": 4, "M": 2, "L": 1}
QUESTION = "Does a document's event depend on anything but the document?"


@click.command()
@options
@click.option("--model", "names", multiple=True, type=click.Choice(list(WORDS)))
def main(data: Path, work: Path, quick: bool, names: tuple[str, ...]) -> None:
    """Compare, print, keep the JSON."""
    run = Run(data, work, quick)
    figures, details = [], {}
    for name in names or ("default", "S"):
        count = (QUICK_DOCUMENTS if quick else DOCUMENTS)[name]
        differing = differences(directory_of(name, run), mix(count, data), data)
        details[name] = {"documents": count, "differing_events": differing}
        figures.append(
            Figure(f"{name}: differing events", sum(differing.values()), 0, "at most", "events")
        )
    run.keep("bits", QUESTION, figures, details)


def differences(directory: Path, documents: Sequence[Document], data: Path) -> dict[str, int]:
    """Return how many events differ from those of documents read alone, by what was changed."""
    model = bundle.load(directory, allow_ungated=True)
    versions = pinned_versions(Settings(), model)
    alone = [
        process(document.record(number, number % 4), versions).output.value
        for number, document in enumerate(documents)
    ]
    return {
        "in calls with others, one thread": _differing(alone, _events(model, documents)),
        "in calls with others, two threads": _differing(alone, _events(model, documents, 2)),
        "shuffled": _differing(alone, _shuffled(model, documents)),
        "beside adversarial neighbours": _differing(alone, _disturbed(model, documents)),
        "in a process started anew": _differing(alone, _anew(directory, len(documents), data)),
    }


def _differing(events: Sequence[bytes | None], others: Sequence[bytes | None]) -> int:
    return sum(event != other for event, other in zip(events, others, strict=True))


def _events(
    model: bundle.Model, documents: Sequence[Document], threads: int = 1
) -> list[bytes | None]:
    return [each.output.value for each in outcomes_of(model, documents, threads=threads)]


def _shuffled(model: bundle.Model, documents: Sequence[Document]) -> list[bytes | None]:
    order = list(range(len(documents)))
    Random(1).shuffle(order)
    found = outcomes_of(model, [documents[n] for n in order], numbers=order)
    by_number = dict(zip(order, found, strict=True))
    return [by_number[n].output.value for n in range(len(documents))]


def _disturbed(model: bundle.Model, documents: Sequence[Document]) -> list[bytes | None]:
    """Give each document a neighbour of words that no text has; return the documents' events."""
    pairs = zip(documents, _adversaries(len(documents)), strict=True)
    beside = [document for pair in pairs for document in pair]
    numbers = [number for n in range(len(documents)) for number in (n, len(documents) + n)]
    return [each.output.value for each in outcomes_of(model, beside, numbers=numbers)[::2]]


def _adversaries(count: int) -> list[Document]:
    """Return texts with the longest words, capitals, mixed scripts, repeated marks, digits."""
    forms = ("ŻÓŁĆ" * 40, "Ωмега٣२" * 3, "ÀÈÌ" * 5, "9" * 16, "ə̣̀" * 6, "a", "中文字" * 5, "🙂‍↔️")
    chance = Random(2)
    return [
        Document(
            f"adversary-{n}", "und", " ".join(chance.choices(forms, k=chance.randint(1, 300))), 1
        )
        for n in range(count)
    ]


def _anew(directory: Path, count: int, data: Path) -> list[bytes]:
    command = [sys.executable, "-m", "benchmarks.events", "--model", str(directory)]
    command += ["--documents", str(count), "--data", str(data)]
    return subprocess.run(command, capture_output=True, check=True).stdout.splitlines()


if __name__ == "__main__":
    main()
