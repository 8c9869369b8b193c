"""The whole worker against a plain Faust agent, on the same Kafka and the same documents.

    python -m benchmarks.agents --python build/bench/.venv/bin/python --size S --size M

Both read a topic and write one event a document; they take turns on one core, and whoever waits is
stopped. The agent reads one document at a time, with optimum on our int8 graph or with Hugging
Face's pipeline in full precision. Words per CPU-second of the process, and by the clock; the lower
ratio counts.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from benchmarks.documents import Document, mix_of_words
from benchmarks.peers import QUICK_WORDS, REPOSITORY, WORDS, peer_environment, peer_options
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import Measured, Subject, broker, measured_core, new_topics, pinned, workers
from benchmarks.worker import directory_of
from tests.kafka.broker import KafkaBroker

GOALS = {"optimum int8, our file and windows": 2.0, "Hugging Face fp32": 6.0}
ROUNDS = 3
QUESTION = "How fast is the worker beside a plain Faust agent?"


@click.command()
@options
@peer_options
def main(data: Path, work: Path, quick: bool, interpreter: str, sizes: tuple[str, ...]) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    figures, details = [], {}
    with broker() as running:
        for size in sizes or ("S", "M"):
            documents = mix_of_words(run.size(WORDS[size], QUICK_WORDS), data)
            model = {"path": str(directory_of(size, run)), "allow_ungated": True}
            for peer, goal in GOALS.items():
                with (
                    workers(running, sections={"model": model}) as (ours, _),
                    agent(running, interpreter, peer, run.work / size) as theirs,
                ):
                    rounds = _interleaved((ours, theirs), documents, run.rounds(ROUNDS))
                clock, cpu = _ratios(rounds)
                name = f"{size}: worker / Faust agent with {peer}"
                figures.append(Figure(name, round(min(clock, cpu), 3), goal))
                details[name] = {"by_clock": round(clock, 3), "by_cpu": round(cpu, 3)}
    run.keep("agents", QUESTION, figures, details)


def _interleaved(
    subjects: tuple[Subject, Subject], documents: Sequence[Document], rounds: int
) -> list[tuple[Measured, Measured]]:
    """Return the rounds of both, after one to start and to warm up."""
    ours, theirs = subjects
    pairs = []
    for number in range(rounds + 1):
        chosen = documents if number else documents[:5]
        with theirs.frozen():
            first = ours.run(chosen)
        with ours.frozen():
            second = theirs.run(chosen)
        if number:
            pairs.append((first, second))
    return pairs


def _ratios(pairs: Sequence[tuple[Measured, Measured]]) -> tuple[float, float]:
    clock = [median(pair[side].words_per_second for pair in pairs) for side in (0, 1)]
    cpu = [median(pair[side].words_per_cpu_second for pair in pairs) for side in (0, 1)]
    return clock[0] / clock[1], cpu[0] / cpu[1]


@contextmanager
def agent(running: KafkaBroker, interpreter: str, peer: str, model: Path) -> Iterator[Subject]:
    """Run the Faust agent with `peer` on new topics."""
    topics = new_topics(running)
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        named = {"PEER": peer, "MODEL": str(model.resolve()), "DIRECTORY": directory}
        named |= {"BROKER": running.bootstrap, "GROUP": topics.group}
        named |= {"DOCUMENTS": topics.documents, "ENTITIES": topics.entities}
        log = stack.enter_context((model / "agent.log").open("wb"))
        with pinned({measured_core()}):
            process = subprocess.Popen(
                [interpreter, "-m", "benchmarks.faust_agent", "worker", "-l", "warn"],
                cwd=REPOSITORY,
                env=peer_environment() | named,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            subject = Subject(topics, [process.pid])
            yield subject
            subject.close()
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
