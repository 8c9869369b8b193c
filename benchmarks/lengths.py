"""What a word costs in documents of 100 words, and in documents of 100,000.

    python -m benchmarks.lengths

The whole worker on Kafka; the same text, cut in both ways. Rounds take turns.
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.documents import of_length
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import Measured, broker, workers

LENGTHS = (100, 100_000)
QUICK_LENGTHS = (100, 5_000)
WORDS, QUICK_WORDS = 400_000, 20_000
GOAL = 1.25
ROUNDS = 5
QUESTION = "Does a word cost more in a short document, or in a long one?"


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    words = run.size(WORDS, QUICK_WORDS)
    documents = {
        length: of_length(words // length, length, data)
        for length in (QUICK_LENGTHS if quick else LENGTHS)
    }
    found: dict[int, list[Measured]] = {length: [] for length in documents}
    with broker() as running, workers(running) as (subject, _):
        subject.run(documents[LENGTHS[0]][:200])
        for _ in range(run.rounds(ROUNDS)):
            for length, chosen in documents.items():
                found[length].append(subject.run(chosen))
    clock = [median(each.words_per_second for each in rounds) for rounds in found.values()]
    cpu = [median(each.words_per_cpu_second for each in rounds) for rounds in found.values()]
    run.keep(
        "lengths",
        QUESTION,
        [
            Figure(
                "cost of a word, dearer / cheaper length",
                round(max(max(each) / min(each) for each in (clock, cpu)), 4),
                GOAL,
                "at most",
            )
        ],
        {
            "lengths": list(found),
            "words": words,
            "words_per_second": clock,
            "words_per_cpu_second": cpu,
        },
    )


if __name__ == "__main__":
    main()
