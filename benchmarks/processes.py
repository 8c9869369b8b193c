"""What a word costs with two workers on two cores, against one worker on one.

    python -m benchmarks.processes

Two groups on topics of their own: one has one worker, the other two, each on a core. Rounds take
turns, and whoever waits is stopped. Broker and load share the first core with the second worker, as
they must on two cores; it is processor time that is compared.
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.documents import mix_of_words
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import Measured, broker, measured_core, workers

WORDS, QUICK_WORDS = 400_000, 10_000
GOAL = 0.93
ROUNDS = 5
QUESTION = "Do two processes on two cores cost more processor time for a word than one?"


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    documents = mix_of_words(run.size(WORDS, QUICK_WORDS), data)
    both = [measured_core(), measured_core() - 1]
    found: dict[str, list[Measured]] = {"one": [], "two": []}
    with (
        broker() as running,
        workers(running) as (one, _),
        workers(running, cores=both) as (two, _),
    ):
        for number in range(1 + run.rounds(ROUNDS)):
            for name, subject, other in (("one", one, two), ("two", two, one)):
                with other.frozen():
                    measured = subject.run(documents)
                if number:  # the first one warms up
                    found[name].append(measured)
    cpu = {name: median(m.words_per_cpu_second for m in each) for name, each in found.items()}
    clock = {name: median(m.words_per_second for m in each) for name, each in found.items()}
    run.keep(
        "processes",
        QUESTION,
        [
            Figure(
                "words per CPU-second, two processes / one", round(cpu["two"] / cpu["one"], 4), GOAL
            ),
            Figure(
                "words per second, two processes / one (the broker on one of the cores)",
                round(clock["two"] / clock["one"], 4),
            ),
        ],
        {"words_per_cpu_second": cpu, "words_per_second": clock},
    )


if __name__ == "__main__":
    main()
