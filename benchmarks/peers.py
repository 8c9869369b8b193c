"""Onoma beside its peers, on the same documents in the same run, by CPU-seconds of one thread.

    python -m benchmarks.peers --python build/bench/.venv/bin/python --size S --size M

The peers have an environment of their own (requirements/bench.txt), each is a process, and all take
turns on one core, ours too. A peer that can't be run is listed with the reason. What is measured
runs from text to names; Onoma's part makes whole events.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from benchmarks.documents import Document, mix_of_words, words_of
from benchmarks.peer_subjects import SUBJECTS
from benchmarks.raw import outcomes_of
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import measured_core, pinned
from benchmarks.worker import directory_of
from onoma.registry import bundle

WORDS = {"S": 20_000, "M": 8_000, "L": 4_000}
QUICK_WORDS = 400
ROUNDS = {"S": 5, "M": 5, "L": 3}
OURS, DEFAULT = "Onoma", "Onoma, default model"
FULL_PRECISION, SAME_FILE = "Hugging Face fp32", "optimum int8, our file and windows"
FULL_PRECISION_GOAL, DEFAULT_GOAL = 6.0, 20.0
SAME_FILE_GOALS = {"S": 1.5, "M": 1.5, "L": 1.25}
ONE_THREAD = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "MKL_NUM_THREADS")
REPOSITORY = Path(__file__).parents[1]
QUESTION = "How many words does a CPU-second read, beside the peers?"

Round = Callable[[], float]
"""Read all documents once; return the CPU-seconds."""


class PeerFailedError(Exception):
    """A peer did not start; the message is the last line that it wrote."""


def peer_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that measures peers: their environment, and which sizes."""
    command = click.option("--size", "sizes", multiple=True, type=click.Choice(list(WORDS)))(
        command
    )
    told = "Of the peers' environment."
    return click.option("--python", "interpreter", default="python3", help=told)(command)


@click.command()
@options
@peer_options
def main(data: Path, work: Path, quick: bool, interpreter: str, sizes: tuple[str, ...]) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for size in sizes or WORDS:
        documents = mix_of_words(run.size(WORDS[size], QUICK_WORDS), data)
        speeds, absent = measure(size, documents, run, interpreter)
        figures += figures_of(size, speeds)
        details[size] = {
            "documents": len(documents),
            "words": words_of(documents),
            "words_per_cpu_second": speeds,
            "not_run": absent,
        }
    run.keep("peers", QUESTION, figures, details)


def measure(
    size: str, documents: Sequence[Document], run: Run, interpreter: str
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the words per CPU-second of each subject, and why others could not run."""
    file = run.work / f"documents-{size}.jsonl"
    file.write_bytes(b"\n".join(document.value() for document in documents))
    subjects: dict[str, Round] = {}
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        for name, model in ((OURS, size), (DEFAULT, "default")):
            loaded = bundle.load(directory_of(model, run), allow_ungated=True)
            subjects[name] = partial(_ours, loaded, documents)
        for name in SUBJECTS:
            try:
                peer = _peer(interpreter, name, run.work / size, file)
                subjects[name] = stack.enter_context(peer)
            except PeerFailedError as error:
                absent[name] = str(error)
        spent: dict[str, list[float]] = {name: [] for name in subjects}
        for _ in range(run.rounds(ROUNDS[size])):
            for name, read_all in subjects.items():
                spent[name].append(read_all())
    words = words_of(documents)
    return {name: median(words / each for each in times) for name, times in spent.items()}, absent


def figures_of(size: str, speeds: dict[str, float]) -> list[Figure]:
    """Return the ratios that are asked for, of the peers that ran."""
    figures = []
    if SAME_FILE in speeds:
        ratio = round(speeds[OURS] / speeds[SAME_FILE], 3)
        name = f"{size}: Onoma / optimum int8, batch 1, same file and windows"
        figures.append(Figure(name, ratio, SAME_FILE_GOALS[size]))
    if full := speeds.get(FULL_PRECISION):
        ratio = round(speeds[OURS] / full, 3)
        figures.append(
            Figure(f"{size}: Onoma / Hugging Face fp32, batch 1", ratio, FULL_PRECISION_GOAL)
        )
        if size == "S":
            ratio = round(speeds[DEFAULT] / full, 3)
            name = "default model / Hugging Face fp32 of S, in words"
            figures.append(Figure(name, ratio, DEFAULT_GOAL))
    return figures


def _ours(model: bundle.Model, documents: Sequence[Document]) -> float:
    with pinned({measured_core()}):
        before = time.process_time()
        outcomes_of(model, documents)
        return time.process_time() - before


@contextmanager
def _peer(interpreter: str, name: str, model: Path, file: Path) -> Iterator[Round]:
    command = [interpreter, "-m", "benchmarks.peer_subjects", name]
    command += ["--model", str(model.resolve()), "--documents", str(file.resolve())]
    with pinned({measured_core()}):
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=peer_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        answer = _answer(process)
        if answer != "ready":
            raise PeerFailedError(f"found {answer!r}, wanted 'ready'")
        yield partial(_round, process)
    finally:
        process.kill()
        process.communicate()


def _round(process: subprocess.Popen[str]) -> float:
    if process.stdin is None:
        raise PeerFailedError("it has no standard input")
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(json.loads(_answer(process))["cpu_seconds"])


def _answer(process: subprocess.Popen[str]) -> str:
    """Return the next line that says something of ours; libraries write there too."""
    for line in process.stdout or ():
        if line.startswith(("ready", "{")):
            return line.strip()
    _, errors = process.communicate()
    raise PeerFailedError(next(reversed(errors.strip().splitlines()), "it ended without a word"))


def peer_environment() -> dict[str, str]:
    """Return the environment of a peer: one thread, and no network."""
    return (
        os.environ
        | dict.fromkeys(ONE_THREAD, "1")
        | {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    )


if __name__ == "__main__":
    main()
