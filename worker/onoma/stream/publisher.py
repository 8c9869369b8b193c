"""Publishes what is finished at the head of a lane, and takes the lane anew when that goes wrong.

One task per lane. A publication that failed has an unknown outcome: the offset says which. So the
partition is taken again (a new producer settles the old transaction), its committed offset is read,
and the lane goes on from there; outcomes are pure, so nothing is computed twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError

from onoma.contracts.entities import Coverage
from onoma.errors import FatalError, TransientError
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, Outcome
from onoma.settings import Settings
from onoma.stream.deadletter import RejectionLimit
from onoma.stream.kafka import explained
from onoma.stream.lane import Entry, Lane
from onoma.stream.outbox import Outbox
from onoma.stream.stages import Stages

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
FAILURES_IN_A_ROW = 5
"""Publications that may fail one after the other with the broker up, before it is no accident."""

Seek = Callable[[TopicPartition, int], None]


class Publisher:
    """Takes lanes from finished to committed."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        settings: Settings,
        metrics: Metrics,
        limit: RejectionLimit,
        seek: Seek,
        take_seconds: float,
        stages: Stages | None = None,
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._metrics = metrics
        self._limit = limit
        self._seek = seek
        self._take_seconds = take_seconds
        self._stages = stages or Stages()

    async def run(self, lane: Lane, committed: Callable[[], None]) -> None:
        """Publish the lane's outcomes in order until it is closed; `committed` is called after
        each.
        """
        failures = 0
        delivery = self._settings.delivery
        while not lane.closed:
            head: list[Entry] = []
            if lane.attempts.noted:
                head = await lane.finished_head(
                    delivery.outputs_per_transaction, delivery.max_wait_seconds
                )
                if not head:
                    return
            try:
                # The first publication is of nothing: it notes that an attempt begins.
                with self._watched(lane):
                    await self._publish(lane, head)
                committed()
                failures = 0
            except (KafkaError, TimeoutError, OSError, AssertionError) as error:
                # AssertionError: aiokafka's answer to a commit or abort after it was fenced.
                failures += explained(error, self._settings) is None
                self._refuse(error, failures, lane)
                await self._take_anew(lane, error)

    def _watched(self, lane: Lane) -> AbstractContextManager[None]:
        """Tell the watchdog of one attempt: one that fails and is tried again does not hang."""
        return self._stages.running("publish", f"partition {lane.partition.partition}")

    async def _publish(self, lane: Lane, head: Sequence[Entry]) -> None:
        self._judge(head)
        outcomes = _outcomes(head)
        offset = head[-1].record.offset + 1 if head else lane.next_offset
        after = lane.attempts.on_from(offset, len(head))
        started = time.perf_counter()
        lane.settled = False
        try:
            async with asyncio.timeout(self._settings.delivery.publish_timeout_seconds):
                outputs = [output for outcome in outcomes for output in outcome.outputs]
                await self._outbox.publish(lane.partition, outputs, after)
        except BaseException:
            self._metrics.count("commits_total", outcome="failed")
            raise
        lane.settled = lane.attempts.noted = True
        self._metrics.count("commits_total", outcome="committed")
        self._metrics.observe(
            "stage_duration_seconds", time.perf_counter() - started, stage="publish"
        )
        self._count(lane.commit(offset))

    def _judge(self, head: Sequence[Entry]) -> None:
        """Count outcomes against the limit, once each: a publication may be tried many times."""
        fresh = [entry for entry in head if not entry.judged]
        for entry in fresh:
            entry.judged = True
        self._limit.check(_outcomes(fresh))

    def _refuse(self, error: BaseException, failures: int, lane: Lane) -> None:
        """Raise what a person has to mend."""
        meaning = explained(error, self._settings)
        if isinstance(meaning, FatalError):
            raise meaning from error
        if meaning is None and failures >= FAILURES_IN_A_ROW:
            raise FatalError(
                f"publishing for partition {lane.partition.partition} failed {failures} times in "
                f"a row, "
                f"last with {type(error).__name__}: {error}; is another worker using "
                f"kafka.group_id {self._settings.kafka.group_id} or the same "
                f"kafka.group_instance_id?"
            ) from error

    async def _take_anew(self, lane: Lane, error: BaseException) -> None:
        log.warning(
            "publication failed",
            partition=lane.partition.partition,
            error=type(error).__name__,
            next_offset=lane.next_offset,
        )
        self._metrics.count("retries_total", reason=self._reason(error))
        # A worker that lost its place in the group hears of it at the next heartbeat. Until then
        # the partition may be somebody else's, and taking it would throw the new owner out.
        pause = 1.5 * self._settings.kafka.heartbeat_interval_seconds
        while not await _closed_within(lane, pause):
            try:
                with self._watched(lane):
                    async with asyncio.timeout(self._take_seconds):
                        committed = await self._outbox.take(lane.partition)
            except (KafkaError, TimeoutError, OSError) as problem:
                meaning = explained(problem, self._settings)
                if isinstance(meaning, FatalError):
                    raise meaning from problem
                self._metrics.count("retries_total", reason="broker_away")
                pause = min(max(2 * pause, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            else:
                if not lane.closed:
                    # Committed after all: what the error hid is counted now.
                    offset = lane.next_offset if committed is None else committed.offset
                    self._count(lane.restart_at(offset, self._seek))
                    lane.settled = True
                    log.info("lane taken anew", partition=lane.partition.partition)
                return

    def _reason(self, error: BaseException) -> str:
        if isinstance(explained(error, self._settings), TransientError):
            return "broker_away"
        return "commit_failed" if isinstance(error, CommitFailedError) else "publish_failed"

    def _count(self, published: Sequence[Entry]) -> None:
        if not published:
            return
        now = time.time()
        for entry in published:
            self._metrics.observe(
                "end_to_end_latency_seconds", max(0.0, now - entry.timestamp_ms / 1000)
            )
        for outcome in _outcomes(published):
            count_outcome(outcome, self._metrics)
        newest = max(entry.timestamp_ms for entry in published) / 1000
        self._metrics.set("consumer_position_timestamp_seconds", newest)
        self._metrics.set("last_document_processed_timestamp_seconds", now)


def count_outcome(outcome: Outcome, metrics: Metrics) -> None:
    """Count a published outcome."""
    if not isinstance(outcome, Annotated):
        metrics.count("documents_total", outcome="dead_lettered")
        metrics.count("dead_letters_total", reason=str(outcome.rejected.reason))
        return
    event = outcome.event
    language = metrics.language_label(event.language.declared)
    metrics.count("documents_total", outcome="annotated")
    metrics.count("documents_by_language_total", language=language, support=event.language.support)
    for entity in event.entities:
        metrics.count("entities_total", label=entity.label, language=language)
        metrics.observe("entity_score", entity.score)
    _count_screening(event.coverage, metrics)
    _count_scans(event.coverage, metrics)
    if not outcome.known_tenant:
        metrics.count("unknown_tenant_documents_total")
    if outcome.marked_synthetic:
        mark = "confirmed" if event.synthetic else "ignored"
        metrics.count("marked_synthetic_documents_total", mark=mark)
    if event.coverage.truncated:
        metrics.count("truncated_documents_total")
        unread = event.coverage.characters_total - event.coverage.characters_read
        metrics.count("unread_characters_total", unread)


def _count_screening(coverage: Coverage, metrics: Metrics) -> None:
    for each in coverage.screening or ():
        metrics.count("alerts_total", each.alerts, gazetteer=each.gazetteer)
        metrics.count("unscreened_names_total", each.unscreened or 0, gazetteer=each.gazetteer)
        for outcome, count in (
            ("review", each.reviews),
            ("excluded", each.excluded),
            ("omitted", each.omitted),
        ):
            metrics.count(
                "matches_without_alert_total", count, gazetteer=each.gazetteer, outcome=outcome
            )


def _count_scans(coverage: Coverage, metrics: Metrics) -> None:
    for each in coverage.scans or ():
        outcome = "truncated" if each.truncated else "complete"
        metrics.count("scanned_documents_total", gazetteer=each.gazetteer, outcome=outcome)
        metrics.count("scan_candidates_total", each.candidates, gazetteer=each.gazetteer)
        metrics.count("scan_matches_total", each.matches, gazetteer=each.gazetteer)


def _outcomes(entries: Sequence[Entry]) -> list[Outcome]:
    return [entry.outcome for entry in entries if entry.outcome is not None]


async def _closed_within(lane: Lane, seconds: float) -> bool:
    """Wait `seconds`, or less when the lane is closed; say whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await lane.closing.wait()
    except TimeoutError:
        return lane.closed
    return True
