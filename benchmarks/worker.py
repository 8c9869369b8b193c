"""How much of the bare model's speed the whole worker keeps, from topic to committed events.

    python -m benchmarks.worker --work build/bench --model default --model S

Rounds of the worker (exactly_once) and of the bare session on the same windows take turns on the
same core; broker, load and reader have the other. The lower of both ratios counts, by the clock and
by processor time. S, M and L are made by `benchmarks.encoders`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.documents import Document, mix_of_words, words_of
from benchmarks.raw import RawCalls, raw_calls
from benchmarks.results import Figure, Run, median, options
from benchmarks.rig import Measured, Subject, broker, workers
from onoma.registry import bundle
from tests.kafka.broker import KafkaBroker
from tests.stream.worker import Worker

WORDS = {"default": 500_000, "S": 120_000, "M": 40_000, "L": 20_000}
QUICK_WORDS = {"default": 10_000, "S": 3_000, "M": 1_000, "L": 500}
GOALS = {"default": 0.80, "S": 0.85, "M": 0.93, "L": 0.96}
COMPUTED_GOALS = {"default": 1.10, "S": 1.20, "M": 1.20, "L": 1.20}
ROUNDS = 7
QUESTION = "How much of the bare model's speed does the whole worker on Kafka keep?"


@click.command()
@options
@click.option("--model", "names", multiple=True, type=click.Choice(list(WORDS)))
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(data: Path, work: Path, quick: bool, names: tuple[str, ...], rounds: int) -> None:
    """Measure the models named, all of them without a name."""
    run = Run(data, work, quick)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    with broker() as running:
        for name in names or WORDS:
            found, told = measure(name, running, run, run.rounds(rounds))
            figures += found
            details[name] = told
    run.keep("worker", QUESTION, figures, details)


def measure(
    name: str, running: KafkaBroker, run: Run, rounds: int
) -> tuple[list[Figure], dict[str, Any]]:
    """Return figures and details of one model."""
    directory = directory_of(name, run)
    model = bundle.load(directory, allow_ungated=True)
    documents = mix_of_words((QUICK_WORDS if run.quick else WORDS)[name], run.data)
    raw = raw_calls(model, documents)
    settings = {"model": {"path": str(directory), "allow_ungated": name != "default"}}
    with workers(running, sections=settings) as (subject, (worker,)):
        subject.run(documents[: len(documents) // 10 + 1])
        before = _metrics(worker)
        pairs = _interleaved(subject, raw, documents, rounds)
        metrics = {key: value - before[key] for key, value in _metrics(worker).items()}
    computed = 1 + metrics["padding"] / metrics["real"]
    return _figures(name, pairs, computed), {
        "documents": len(documents),
        "words": words_of(documents),
        "calls": len(raw.arguments),
        "batch_fill": round(_mean(metrics, "onoma_batch_fill_ratio"), 3),
        "batch_wait_seconds": round(_mean(metrics, "onoma_batch_wait_seconds"), 4),
        "documents_per_call": round(_mean(metrics, "onoma_batch_documents"), 2),
        "rounds": [
            {side: _told(measured) for side, measured in zip(("worker", "raw"), pair, strict=True)}
            for pair in pairs
        ],
    }


def directory_of(name: str, run: Run) -> Path:
    """Return the bundle of a model: the shipped one, or one made by `benchmarks.encoders`."""
    return bundle.default_directory() if name == "default" else run.work / name / "bundle"


def _interleaved(
    subject: Subject, raw: RawCalls, documents: Sequence[Document], rounds: int
) -> list[tuple[Measured, Measured]]:
    pairs = []
    for _ in range(rounds):
        whole = subject.run(documents)
        with subject.frozen():
            pairs.append((whole, raw.run()))
    return pairs


def _figures(
    name: str, pairs: Sequence[tuple[Measured, Measured]], computed: float
) -> list[Figure]:
    def ratio(speed: Callable[[Measured], float]) -> float:
        return median(speed(whole) for whole, _ in pairs) / median(speed(bare) for _, bare in pairs)

    clock, cpu = (
        round(ratio(speed), 4)
        for speed in (
            lambda each: each.words_per_second,
            lambda each: each.words_per_cpu_second,
        )
    )
    speed = median(whole.words_per_cpu_second for whole, _ in pairs)
    return [
        Figure(f"{name}: worker / raw session, the lower", min(clock, cpu), GOALS[name]),
        Figure(f"{name}: worker / raw session, by the clock", clock),
        Figure(f"{name}: worker / raw session, by CPU", cpu),
        Figure(f"{name}: worker", speed, unit="words per CPU-s"),
        Figure(
            f"{name}: computed / useful tokens",
            round(computed, 4),
            COMPUTED_GOALS[name],
            "at most",
        ),
    ]


def _metrics(worker: Worker) -> dict[str, float]:
    histograms = ("onoma_batch_fill_ratio", "onoma_batch_wait_seconds", "onoma_batch_documents")
    found = {
        f"{name}_{part}": worker.metric(f"{name}_{part}")
        for name in histograms
        for part in ("sum", "count")
    }
    kinds = ("real", "padding")
    return found | {kind: worker.metric("onoma_tokens_total", kind=kind) for kind in kinds}


def _mean(metrics: dict[str, float], histogram: str) -> float:
    return metrics[f"{histogram}_sum"] / metrics[f"{histogram}_count"]


def _told(measured: Measured) -> dict[str, float]:
    return {
        "words_per_second": round(measured.words_per_second),
        "words_per_cpu_second": round(measured.words_per_cpu_second),
    }


if __name__ == "__main__":
    main()
