"""What three lanes of short documents keep of their speed beside a lane of 100,000-word documents.

    python -m benchmarks.fairness

Two conditions take turns: beside a fourth lane like themselves, and beside one full of long
documents. The fourth lane has more than enough to do until the three are through; the clock stops
when they are.
"""

from __future__ import annotations

import time
from pathlib import Path

import click

from benchmarks.documents import Document, of_length, words_of
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import Subject, broker, workers

LONG_WORDS, QUICK_LONG_WORDS = 100_000, 10_000
SHORT_WORDS = 60
LANE_WORDS, QUICK_LANE_WORDS = 100_000, 2_000
GOAL = 0.70
ROUNDS = 5
QUESTION = "How fast do three lanes of short documents flow beside one full of long documents?"


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    lane_words = run.size(LANE_WORDS, QUICK_LANE_WORDS)
    long_words = run.size(LONG_WORDS, QUICK_LONG_WORDS)
    short = of_length(lane_words // SHORT_WORDS, SHORT_WORDS, data)
    conditions = {
        "like themselves": of_length(3 * len(short), SHORT_WORDS, data, seed=1),
        "long": of_length(max(3, 3 * lane_words // long_words), long_words, data),
    }
    speeds: dict[str, list[float]] = {name: [] for name in conditions}
    with broker() as running, workers(running) as (subject, _):
        _three_lanes(subject, short[: len(short) // 5], conditions["like themselves"][:10])
        for _ in range(run.rounds(ROUNDS)):
            for name, fourth in conditions.items():
                speeds[name].append(_three_lanes(subject, short, fourth))
    kept = median(speeds["long"]) / median(speeds["like themselves"])
    run.keep(
        "fairness",
        QUESTION,
        [Figure("three short lanes: speed kept beside long documents", round(kept, 4), GOAL)],
        {
            "words_of_a_long_document": long_words,
            "words_of_a_lane": lane_words,
            "words_per_second_of_the_three": {
                name: [round(each) for each in rounds] for name, rounds in speeds.items()
            },
        },
    )


def _three_lanes(subject: Subject, short: list[Document], fourth: list[Document]) -> float:
    """Return the words per second of lanes 1 to 3 while lane 0 has `fourth`."""
    with subject.frozen():
        for lane in (1, 2, 3):
            subject.publish(short, lane)
        subject.publish(fourth, 0)
        started = time.perf_counter()
    left = subject.wait_for_lanes({lane: len(short) for lane in (1, 2, 3)})
    seconds = time.perf_counter() - started
    subject.wait_for(len(fourth) - left.get(0, 0))
    return 3 * words_of(short) / seconds


if __name__ == "__main__":
    main()
