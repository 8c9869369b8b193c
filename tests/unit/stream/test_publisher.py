"""Outcomes go out in order and are judged, counted and committed once, however often it fails."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Sequence

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndMetadata

from onoma.contracts.entities import ListScan
from onoma.contracts.policy import PinnedPolicy, Policy, Rules
from onoma.contracts.records import Output
from onoma.errors import FatalError
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, Outcome, process
from onoma.settings import DeadLetters, Settings
from onoma.stream.deadletter import RejectionLimit
from onoma.stream.lane import Lane
from onoma.stream.publisher import Publisher, count_outcome
from tests.fakes import record, text_record, versions
from tests.unit.stream.test_lane import PARTITION, batch

GOOD: Outcome = process(text_record("Amina"), versions())
BAD: Outcome = process(record(b"{"), versions())
POLICY = PinnedPolicy(Policy(name="p", version="1", tenants={"north": Rules()}))
FAST = Settings.model_validate({"kafka": {"heartbeat_interval_seconds": 0.001}})


class FakeOutbox:
    """A topic and a committed offset; `failures` are raised by publications, one after the other.

    One that is marked as hidden has an effect all the same, as a commit whose answer is lost.
    """

    def __init__(self, failures: Iterable[BaseException] = (), *, hidden: bool = False) -> None:
        self.published: list[Output] = []
        self.committed: OffsetAndMetadata | None = None
        self.taken = 0
        self._failures = list(failures)
        self._hidden = hidden

    async def take(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        self.taken += 1
        return self.committed

    async def publish(
        self, partition: TopicPartition, outputs: Sequence[Output], after: OffsetAndMetadata
    ) -> None:
        error = self._failures.pop(0) if self._failures else None
        if error is None or self._hidden:
            self.published += outputs
            self.committed = after
        if error is not None:
            raise error

    async def release(self, partition: TopicPartition) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


def new_metrics() -> Metrics:
    return Metrics(languages=["ha"], labels=["PER"], model="fake")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def publish(
    outbox: FakeOutbox,
    outcomes: Sequence[Outcome],
    *,
    metrics: Metrics | None = None,
    limits: DeadLetters | None = None,
    until: Callable[[Lane], bool] = lambda lane: len(lane) == 0,
) -> Lane:
    """Run a lane of finished documents until it is empty, or an error ends it."""

    async def run() -> Lane:
        lane = Lane(PARTITION, 0, max_documents=1000, max_bytes=10**6)
        publisher = Publisher(
            outbox,
            settings=FAST,
            metrics=metrics or new_metrics(),
            limit=RejectionLimit(limits or DeadLetters()),
            seek=lambda _partition, _offset: None,
            take_seconds=1,
        )
        entries = lane.accept(batch(*range(len(outcomes))), lane.request())
        for entry, outcome in zip(entries or (), outcomes, strict=True):
            lane.finish(entry, outcome)
        task = asyncio.create_task(publisher.run(lane, lambda: None))
        async with asyncio.timeout(10):
            while not task.done() and not until(lane):
                await asyncio.sleep(0)
        lane.close()
        await task
        return lane

    return asyncio.run(run())


def test_outcomes_are_published_and_committed() -> None:
    outbox, metrics = FakeOutbox(), new_metrics()

    lane = publish(outbox, [GOOD, BAD, GOOD], metrics=metrics)

    assert outbox.published == [GOOD.output, BAD.output, GOOD.output]
    assert outbox.committed == (3, "")
    assert lane.next_offset == 3
    assert value(metrics, "onoma_documents_total", outcome="annotated") == 2
    assert value(metrics, "onoma_dead_letters_total", reason="invalid_json") == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KafkaConnectionError("gone"), "broker_away"),
        (TimeoutError(), "broker_away"),
        (ProducerFenced(), "publish_failed"),
        (AssertionError("FATAL_ERROR"), "publish_failed"),
        (CommitFailedError(), "commit_failed"),
    ],
)
def test_after_a_failure_the_lane_is_taken_anew_and_goes_on(
    error: BaseException, reason: str
) -> None:
    outbox, metrics = FakeOutbox([error]), new_metrics()

    publish(outbox, [GOOD, GOOD], metrics=metrics)

    assert outbox.taken == 1
    assert len(outbox.published) == 2
    assert value(metrics, "onoma_retries_total", reason=reason) == 1
    assert value(metrics, "onoma_documents_total", outcome="annotated") == 2


def test_what_was_committed_behind_an_error_is_neither_repeated_nor_left_uncounted() -> None:
    outbox, metrics = FakeOutbox([TimeoutError()], hidden=True), new_metrics()

    publish(outbox, [GOOD, BAD], metrics=metrics)

    assert len(outbox.published) == 2
    assert value(metrics, "onoma_documents_total", outcome="annotated") == 1
    assert value(metrics, "onoma_documents_total", outcome="dead_lettered") == 1


def test_a_rejection_that_is_published_at_the_second_try_counts_once_against_the_limit() -> None:
    outbox = FakeOutbox([KafkaConnectionError("gone")] * 3)

    publish(outbox, [BAD] * 40)

    assert len(outbox.published) == 40


def test_too_many_rejections_end_the_lane_before_they_are_published() -> None:
    outbox = FakeOutbox()

    with pytest.raises(FatalError, match="100 documents in a row were rejected"):
        publish(outbox, [BAD] * 100, limits=DeadLetters(maximum_share=1))

    assert outbox.published == []


def test_what_a_person_has_to_mend_ends_the_lane_at_once() -> None:
    outbox = FakeOutbox([TopicAuthorizationFailedError("entities.v1")])

    with pytest.raises(FatalError, match=r"denies access to topic entities\.v1 \(write\)"):
        publish(outbox, [GOOD])

    assert outbox.taken == 0


def test_failures_that_nothing_explains_end_the_lane_after_a_few_in_a_row() -> None:
    outbox = FakeOutbox([KafkaError("what?")] * 5)

    with pytest.raises(FatalError, match=r"failed 5 times in a row.*group_instance_id"):
        publish(outbox, [GOOD])


def test_outages_do_not_count_among_failures_that_nothing_explains() -> None:
    outbox = FakeOutbox([*[KafkaConnectionError("gone")] * 20, *[KafkaError("what?")] * 4])

    publish(outbox, [GOOD])

    assert len(outbox.published) == 1


def test_a_bug_is_not_tried_again() -> None:
    outbox = FakeOutbox([KeyError("bug")])

    with pytest.raises(KeyError):
        publish(outbox, [GOOD])


def _counted(**fields: object) -> str:
    document = msgspec.json.encode({"document_id": "1", "text": "Amina went to Abuja.", **fields})
    metrics = Metrics(languages=["ha"], labels=["PER", "LOC", "A", "B"], model="fake")
    pinned = dataclasses.replace(versions(), policy=POLICY)
    count_outcome(process(record(document), pinned), metrics)
    return metrics.exposition().decode()


@pytest.mark.parametrize(("tenant", "count"), [(None, 0), ("north", 0), ("east", 1)])
def test_a_document_of_a_tenant_without_rules_is_counted(tenant: str | None, count: int) -> None:
    assert f"onoma_unknown_tenant_documents_total {count}.0" in _counted(tenant=tenant)


@pytest.mark.parametrize(
    ("language", "label"), [("hau", "ha"), ("ha-NG", "ha"), ("sw", "other"), (None, "undeclared")]
)
def test_a_language_outside_the_closed_set_is_counted_as_other(
    language: str | None, label: str
) -> None:
    told = _counted(language=language)

    (line,) = [
        line
        for line in told.splitlines()
        if line.startswith("onoma_documents_by_language_total") and line.endswith(" 1.0")
    ]
    assert f'language="{label}"' in line


def test_a_rejected_record_is_counted_with_its_reason() -> None:
    metrics = Metrics(languages=[], labels=[], model="fake")
    count_outcome(process(record(b"no JSON"), versions()), metrics)

    assert 'onoma_dead_letters_total{reason="invalid_json"} 1.0' in metrics.exposition().decode()
    assert 'onoma_documents_total{outcome="dead_lettered"} 1.0' in metrics.exposition().decode()


def test_a_scan_is_counted_by_whether_its_budget_ended_it() -> None:
    outcome = process(record(b'{"document_id": "1", "text": "Amina went."}'), versions())
    assert isinstance(outcome, Annotated)
    scans = (ListScan("zub", 3, 11, 5, True, 1),)
    coverage = msgspec.structs.replace(outcome.event.coverage, scans=scans)
    event = msgspec.structs.replace(outcome.event, coverage=coverage)
    metrics = Metrics(languages=[], labels=[], model="fake")
    count_outcome(dataclasses.replace(outcome, event=event), metrics)

    told = metrics.exposition().decode()
    assert 'onoma_scanned_documents_total{gazetteer="zub",outcome="truncated"} 1.0' in told
    assert 'onoma_scan_candidates_total{gazetteer="zub"} 3.0' in told
    assert 'onoma_scan_matches_total{gazetteer="zub"} 1.0' in told
