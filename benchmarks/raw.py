"""The bare session on the windows that the worker reads, packed into calls as the worker does it.

A scheduler of one thread is fed all documents, of four lanes; the model's graph is replaced by one
that notes what it is called with. Repeating those calls is what the model alone costs: no Kafka, no
features, no decoding, no events. Of a `wordhash` model the whole graph is repeated for every unit:
that the worker has it read each distinct word of a call once is the worker's gain, not the graph's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.documents import Document, words_of
from benchmarks.rig import Measured, measured_core, pinned
from onoma.metrics import Metrics
from onoma.ner.token_classification import TokenClassificationRecogniser
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.pipeline import Outcome
from onoma.registry import bundle
from onoma.settings import Settings
from onoma.stream.app import pinned_versions
from onoma.stream.scheduler import Scheduler

LANES = 4
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class RawCalls:
    """Calls of a graph in the worker's order, the argument of each, with the words of the documents
    that they read.
    """

    graph: Callable[[Any], Any]
    arguments: Sequence[Any]
    words: int

    def run(self) -> Measured:
        """Repeat the calls on the measured core."""
        with pinned({measured_core()}):
            started, before = time.perf_counter(), time.thread_time()
            for given in self.arguments:
                self.graph(given)
            cpu_seconds = time.thread_time() - before
            return Measured(self.words, time.perf_counter() - started, cpu_seconds)


def every_unit(inputs: Inputs) -> Inputs:
    """Return the inputs of a `wordhash` graph with each unit a word of its own."""
    words = inputs["words"]
    own = {name: inputs[name][words] for name in ("hashes", "bytes")}
    return {**inputs, **own, "words": np.arange(len(words), dtype=np.int32)}


def raw_calls(
    model: bundle.Model, documents: Sequence[Document], *, as_served: bool = False
) -> RawCalls:
    """Return the calls in which a worker that serves `model` reads `documents`.

    Each unit is computed, or `as_served` each distinct word of a call once.
    """
    recogniser = model.recogniser
    if not isinstance(recogniser, WordHashRecogniser | TokenClassificationRecogniser):
        raise TypeError(f"no graph is known of a {type(recogniser).__name__}")
    graph: Callable[[Any], Any] = recogniser._graph
    noted: list[Any] = []

    def note(given: Any) -> Any:
        if isinstance(recogniser, WordHashRecogniser):
            noted.append(given if as_served else every_unit(given))
            rows = given["words"].shape
        else:
            noted.append(given)
            rows = given.shape
        return np.zeros((*rows, len(recogniser.labels)), np.float32)

    recogniser._graph = note
    try:
        outcomes_of(model, documents)
    finally:
        recogniser._graph = graph
    return RawCalls(graph, noted, words_of(documents))


def outcomes_of(
    model: bundle.Model,
    documents: Sequence[Document],
    *,
    threads: int = 1,
    numbers: Sequence[int] | None = None,
) -> list[Outcome]:
    """Return the outcomes of `documents` from a scheduler without Kafka, in their order.

    Their offsets are `numbers`, those of their order without it; lanes take turns by offset.
    """
    settings = Settings()
    versions = pinned_versions(settings, model)
    outcomes: dict[int, Outcome] = {}
    failures: list[BaseException] = []
    done = threading.Semaphore(0)

    def failed(error: BaseException) -> None:
        failures.append(error)
        done.release(len(documents))

    scheduler = Scheduler(
        threads=threads,
        units_per_call=settings.processing.units_per_call,
        metrics=Metrics(languages=[], labels=[], model=versions.model.name),
        on_failure=failed,
    )
    for place, document in enumerate(documents):

        def deliver(outcome: Outcome, place: int = place) -> None:
            outcomes[place] = outcome
            done.release()

        number = place if numbers is None else numbers[place]
        record = document.record(number, number % LANES)
        scheduler.submit(record.partition, record, versions, deliver)
    scheduler.start()
    for _ in documents:
        if not done.acquire(timeout=PATIENCE_SECONDS) or failures:
            raise RuntimeError("the scheduler failed") from next(iter(failures), None)
    scheduler.stop(5.0)
    return [outcomes[place] for place in range(len(documents))]
