"""The scheduler is fair between lanes, and what a document gets never depends on its neighbours."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from onoma.contracts.records import Record
from onoma.errors import RejectionReason
from onoma.metrics import Metrics
from onoma.ner.decoding import Decoder
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.pipeline import Annotated, DeadLettered, Outcome, Versions, process
from onoma.stream.scheduler import CONCLUDE_CALLS, Scheduler
from tests import subword_models
from tests.fakes import (
    CONTEXT_UNITS,
    LABELS,
    FakeGraph,
    record,
    text_record,
    versions,
)

WAIT_SECONDS = 5.0
UNITS_PER_CALL = 600
POISON = "Zaria"


class Calls:
    """A fake graph that notes its calls' rows and answers as many as it is allowed to."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self._graph = FakeGraph()
        self._allowed = threading.Semaphore(0)

    def allow(self, calls: int = 10_000) -> None:
        self._allowed.release(calls)

    def __call__(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        assert self._allowed.acquire(timeout=WAIT_SECONDS)
        self.rows.append(len(inputs["mask"]))
        return self._graph(inputs)


class Poisoned(FakeGraph):
    """Fails on every call that has the poisoned word in it."""

    def __init__(self) -> None:
        super().__init__(names={POISON: "B-LOC"})
        self._poison = next(iter(self._names))

    def __call__(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        if any(row.tobytes() == self._poison for row in inputs["bytes"]):
            raise RuntimeError(f"the graph can't bear {POISON}")
        return super().__call__(inputs)


class Delivered:
    """Gathers outcomes by lane, in the order of their delivery."""

    def __init__(self) -> None:
        self.order: list[tuple[str, int]] = []
        self.outcomes: dict[tuple[str, int], Outcome] = {}
        self.threads: set[str] = set()
        self._changed = threading.Condition()

    def put(self, lane: str, number: int, outcome: Outcome) -> None:
        with self._changed:
            self.order.append((lane, number))
            self.outcomes[lane, number] = outcome
            self.threads.add(threading.current_thread().name)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.order) >= count, WAIT_SECONDS)


class Bench:
    """A running scheduler and what came out of it."""

    def __init__(self, scheduler: Scheduler, by: Versions, metrics: Metrics) -> None:
        self.scheduler = scheduler
        self.metrics = metrics.registry
        self.delivered = Delivered()
        self._versions = by

    def submit(self, lane: str, records: Sequence[Record]) -> None:
        for number, each in enumerate(records):

            def deliver(outcome: Outcome, number: int = number) -> None:
                self.delivered.put(lane, number, outcome)

            self.scheduler.submit(lane, each, self._versions, deliver)


def on_graph(graph: object) -> Versions:
    reader = WordHashRecogniser(
        graph,  # type: ignore[arg-type]  # a graph is any callable of this form
        labels=LABELS,
        decoder=Decoder(
            labels=LABELS,
            start=[0.0] * len(LABELS),
            transitions=[[0.0] * len(LABELS)] * len(LABELS),
        ),
        context_units=CONTEXT_UNITS,
    )
    return replace(versions(), recogniser=reader)


def new_metrics() -> Metrics:
    return Metrics(languages=["ha"], labels=["PER"], model="fake")


@contextmanager
def running(
    by: Versions, *, threads: int = 1, units_per_call: int = UNITS_PER_CALL
) -> Iterator[Bench]:
    failures: list[BaseException] = []
    metrics = new_metrics()
    scheduler = Scheduler(
        threads=threads,
        units_per_call=units_per_call,
        metrics=metrics,
        on_failure=failures.append,
    )
    scheduler.start()
    try:
        yield Bench(scheduler, by, metrics)
    finally:
        scheduler.stop(WAIT_SECONDS)
        assert failures == []


def texts(count: int, words: int) -> list[Record]:
    return [
        replace(text_record(" ".join(f"word{n * words + i}" for i in range(words))), offset=n)
        for n in range(count)
    ]


def test_every_record_gets_its_outcome_whatever_it_is() -> None:
    by = versions()
    records = [*texts(3, 20), record(b"{"), record(None), *texts(2, 700)]

    with running(by) as bench:
        bench.submit("a", records)
        bench.delivered.wait_for(len(records))

    assert [bench.delivered.outcomes["a", n].output for n in range(len(records))] == [
        process(each, by).output for each in records
    ]


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("units_per_call", [600, 1024, 4096])
def test_outcomes_depend_on_neither_neighbours_nor_calls_nor_threads(
    threads: int, units_per_call: int
) -> None:
    by = versions(names={"word7": "B-PER", "word900": "B-LOC"})
    lanes = {"a": texts(40, 17), "b": texts(3, 1900), "c": texts(10, 90)}

    with running(by, threads=threads, units_per_call=units_per_call) as bench:
        for lane, records in lanes.items():
            bench.submit(lane, records)
        bench.delivered.wait_for(sum(map(len, lanes.values())))

    for lane, records in lanes.items():
        for number, each in enumerate(records):
            assert bench.delivered.outcomes[lane, number].output == process(each, by).output


@pytest.mark.parametrize("threads", [1, 3])
def test_a_model_of_subwords_is_scheduled_like_any_other(threads: int) -> None:
    names = {"word7": "B-PER", "word900": "B-LOC"}
    by = replace(versions(), recogniser=subword_models.recogniser(subword_models.FakeGraph(names)))
    lanes = {"a": texts(12, 17), "b": texts(2, 300)}

    with running(by, threads=threads) as bench:
        for lane, records in lanes.items():
            bench.submit(lane, records)
        bench.delivered.wait_for(sum(map(len, lanes.values())))

    for lane, records in lanes.items():
        for number, each in enumerate(records):
            assert bench.delivered.outcomes[lane, number].output == process(each, by).output


def tokens_counted(bench: Bench) -> tuple[float | None, ...]:
    kinds = ("real", "padding")
    count = bench.metrics.get_sample_value
    return tuple(count("onoma_tokens_total", {"kind": kind}) for kind in kinds)


def test_words_are_counted_once_and_context_and_separators_beside_them() -> None:
    calls = Calls()
    calls.allow()
    with running(on_graph(calls)) as bench:
        bench.submit("a", [*texts(3, 20), *texts(1, 1300)])
        bench.delivered.wait_for(4)
        real, padding = tokens_counted(bench)

    assert real == 3 * 20 + 1300
    assert padding == sum(calls.rows) - 1360


def test_subwords_are_counted_as_the_graph_sees_them() -> None:
    graph = subword_models.FakeGraph()
    by = replace(versions(), recogniser=subword_models.recogniser(graph))
    documents = [*texts(3, 17), *texts(1, 200)]
    with running(by) as bench:
        bench.submit("a", documents)
        bench.delivered.wait_for(4)
        real, padding = tokens_counted(bench)

    words = [(each.value or b"").decode().split() for each in documents]
    assert real == sum(len(subword_models.subwords().pieces(each).tokens) for each in words)
    assert padding == sum(rows * tokens for rows, tokens in graph.shapes) - real


def test_short_documents_do_not_wait_for_another_lanes_long_one() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("long", texts(1, 20_000))
        bench.submit("short", texts(60, 20))
        calls.allow(10)
        bench.delivered.wait_for(60)
        assert {lane for lane, _ in bench.delivered.order} == {"short"}
        calls.allow()
        bench.delivered.wait_for(61)

    assert len(calls.rows) > 40


def test_a_long_document_takes_no_more_of_each_call_than_its_lanes_share() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("long", texts(1, 40_000))
        for lane in ("short 1", "short 2", "short 3"):
            bench.submit(lane, texts(200, 20))
        # The three have 4,200 rows each. Twice the calls that they need alone is generous: the
        # fourth lane's share is a third of it, and windows of 516 leave some room in a call.
        calls.allow(2 * 3 * 4_200 // UNITS_PER_CALL)
        bench.delivered.wait_for(600)
        assert {lane for lane, _ in bench.delivered.order} == {"short 1", "short 2", "short 3"}
        calls.allow()
        bench.delivered.wait_for(601)


def test_lanes_are_served_alike_by_words() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("few and long", texts(20, 1000))
        bench.submit("many and short", texts(1000, 20))
        calls.allow()
        bench.delivered.wait_for(1020)

    last = {lane: place for place, (lane, _) in enumerate(bench.delivered.order)}
    before = bench.delivered.order[: last["few and long"]]
    assert sum(lane == "many and short" for lane, _ in before) > 800
    before = bench.delivered.order[: last["many and short"]]
    assert sum(lane == "few and long" for lane, _ in before) > 15


def test_a_lane_of_rejected_documents_does_not_hold_up_the_others() -> None:
    with running(versions()) as bench:
        bench.submit("bad", [record(b"{")] * 5000)
        bench.submit("good", texts(10, 20))
        bench.delivered.wait_for(5010)

    assert bench.delivered.order.index(("good", 9)) < 2500


def test_calls_keep_to_their_budget_and_are_filled_with_documents_of_all_lanes() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        for lane in "abcd":
            bench.submit(lane, texts(25, 20))
        calls.allow()
        bench.delivered.wait_for(100)

    assert max(calls.rows) <= UNITS_PER_CALL + 1
    # 2,100 rows: the first call took what there was, the others are full.
    assert len(calls.rows) <= 6


def test_what_a_few_calls_made_whole_is_concluded_together() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("a", texts(400, 20))
        calls.allow()
        bench.delivered.wait_for(400)
        conclusions = bench.metrics.get_sample_value(
            "onoma_stage_duration_seconds_count", {"stage": "conclude"}
        )

    # The first call takes what there is when it starts, and the last ones are followed by none.
    assert conclusions is not None
    assert conclusions <= len(calls.rows) / CONCLUDE_CALLS + 2


def test_what_is_whole_waits_for_a_few_calls_and_not_for_a_long_document() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("long", texts(1, 20_000))
        bench.submit("short", texts(1, 20))
        calls.allow(2 + CONCLUDE_CALLS)
        bench.delivered.wait_for(1)
        assert bench.delivered.order == [("short", 0)]
        calls.allow()
        bench.delivered.wait_for(2)


def test_a_document_that_no_call_can_read_is_rejected_alone() -> None:
    by, clean = on_graph(Poisoned()), on_graph(FakeGraph())
    good = texts(30, 20)
    poisoned = replace(text_record(f"{POISON} was here"), offset=99)
    records = [*good[:13], poisoned, *good[13:]]

    with running(by) as bench:
        bench.submit("a", records[:20])
        bench.submit("b", records[20:])
        bench.delivered.wait_for(len(records))

    outcomes = [bench.delivered.outcomes["a", n] for n in range(20)]
    outcomes += [bench.delivered.outcomes["b", n] for n in range(11)]
    rejected = outcomes.pop(13)
    assert isinstance(rejected, DeadLettered)
    assert rejected.rejected.reason is RejectionReason.PROCESSING_FAILED
    assert "RuntimeError at test_scheduler.py" in rejected.rejected.detail
    assert POISON not in rejected.rejected.detail
    assert rejected.output.value == poisoned.value
    assert [each.output for each in outcomes] == [process(each, clean).output for each in good]


def test_a_long_document_that_fails_in_one_window_is_rejected_once_and_as_a_whole() -> None:
    by = on_graph(Poisoned())
    (long,) = texts(1, 3000)
    poisoned = replace(long, value=(long.value or b"") + b" " + POISON.encode())

    with running(by, threads=3) as bench:
        bench.submit("a", [poisoned])
        bench.submit("b", texts(50, 20))
        bench.delivered.wait_for(51)

    assert isinstance(bench.delivered.outcomes["a", 0], DeadLettered)
    assert len(bench.delivered.order) == 51
    assert all(isinstance(bench.delivered.outcomes["b", n], Annotated) for n in range(50))


def test_a_lane_that_was_dropped_delivers_nothing_that_was_waiting() -> None:
    calls = Calls()
    with running(on_graph(calls)) as bench:
        bench.submit("gone", texts(1, 20_000))
        bench.submit("gone", texts(50, 20))
        bench.scheduler.drop("gone")
        bench.submit("kept", texts(5, 20))
        calls.allow()
        bench.delivered.wait_for(5)

    assert {lane for lane, _ in bench.delivered.order} == {"kept"}


def test_a_lane_that_is_dropped_and_taken_again_starts_afresh() -> None:
    with running(versions()) as bench:
        bench.submit("a", texts(20, 700))
        bench.scheduler.drop("a")
        bench.scheduler.drop("never there")
        bench.submit("a", texts(3, 20))
        bench.delivered.wait_for(3)

    assert {("a", 0), ("a", 1), ("a", 2)} <= set(bench.delivered.order)


def test_outcomes_come_from_the_schedulers_threads() -> None:
    with running(versions(), threads=2) as bench:
        bench.submit("a", texts(200, 20))
        bench.delivered.wait_for(200)

    assert bench.delivered.threads <= {"onoma-0", "onoma-1"}


def test_a_fault_of_the_scheduler_itself_is_reported_not_swallowed() -> None:
    failures: list[BaseException] = []
    reported = threading.Event()

    def failed(error: BaseException) -> None:
        failures.append(error)
        reported.set()

    def deliver(_outcome: Outcome) -> None:
        raise OSError("nobody takes it")

    scheduler = Scheduler(
        threads=1, units_per_call=UNITS_PER_CALL, metrics=new_metrics(), on_failure=failed
    )
    scheduler.start()
    scheduler.submit("a", record(b"{"), versions(), deliver)

    assert reported.wait(WAIT_SECONDS)
    assert [type(error) for error in failures] == [OSError]
    scheduler.stop(WAIT_SECONDS)
