"""How long an event takes on an idle topic: from publishing a document to its committed event.

    python -m benchmarks.latency

One short document at a time, with pauses of chance length between them, so that the worker is idle
and the time falls anywhere between its heartbeats. What the bare session takes for the same
document is subtracted: the rest is Kafka twice, a transaction, and all of Onoma around the model.
"""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import click
from confluent_kafka import Producer

from benchmarks.documents import Document, of_length
from benchmarks.raw import raw_calls
from benchmarks.results import Figure, Run, median, options, percentile
from benchmarks.rig import Subject, broker, workers
from onoma.registry import bundle

DOCUMENTS, QUICK_DOCUMENTS = 1_000, 20
WORDS = 120
PAUSE_SECONDS = (0.05, 0.3)
REPETITIONS = 5
GOAL_MEDIAN, GOAL_99 = 15.0, 60.0
QUESTION = "How long does an event take on an idle topic, beyond the model?"


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    count = run.size(DOCUMENTS, QUICK_DOCUMENTS)
    languages = ("swa", "hau", "hin", "amh", "zul")
    documents = of_length(count, WORDS, data, languages=languages)
    with broker() as running, workers(running) as (subject, _):
        subject.run(documents[:20])
        whole = _latencies(subject, documents)
    raw = _bare(documents)
    beyond = [1000 * (all_ - bare) for all_, bare in zip(whole, raw, strict=True)]
    run.keep(
        "latency",
        QUESTION,
        [
            Figure(
                "idle topic, beyond the model, p50", _ms(beyond, 0.5), GOAL_MEDIAN, "at most", "ms"
            ),
            Figure(
                "idle topic, beyond the model, p99", _ms(beyond, 0.99), GOAL_99, "at most", "ms"
            ),
        ],
        {
            "documents": count,
            "words_of_a_document": WORDS,
            "raw_session_ms": median(1000 * each for each in raw),
            "beyond_ms": {
                f"p{share:g}": _ms(beyond, share / 100) for share in (1, 10, 25, 50, 75, 90, 99)
            }
            | {"max": round(max(beyond), 2)},
        },
    )


def _latencies(subject: Subject, documents: list[Document]) -> list[float]:
    chance = Random(0)
    producer = Producer({**subject.topics.broker.librdkafka_settings(), "linger.ms": 0})
    seconds = []
    for number, document in enumerate(documents):
        time.sleep(chance.uniform(*PAUSE_SECONDS))
        value = document.value()
        started = time.perf_counter()
        producer.produce(subject.topics.documents, value, partition=number % 4)
        producer.poll(0)
        while not subject.committed(1.0):
            if time.perf_counter() - started > 60:
                raise TimeoutError("waited a minute for an event")
        seconds.append(time.perf_counter() - started)
        producer.poll(0)
    producer.flush(10)
    return seconds


def _bare(documents: list[Document]) -> list[float]:
    """Return what the session takes for each document alone, the median of a few times."""
    model = bundle.load(bundle.default_directory())
    calls = [raw_calls(model, [document]) for document in documents]
    return [median(each.run().seconds for _ in range(REPETITIONS)) for each in calls]


def _ms(values: list[float], share: float) -> float:
    return round(percentile(values, share), 2)


if __name__ == "__main__":
    main()
