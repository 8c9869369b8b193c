"""Asks the broker for the partitions' ends: readiness and the lag's metric come from its answer.

A task beside the fetch loop, on the same consumer. The rule: a broker that does not answer makes
the worker unready and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from onoma.metrics import Metrics
from onoma.stream.health import Health
from onoma.stream.lane import Lane
from onoma.stream.ownership import Ownership

PROBE_SECONDS = 2.0


class Lag:
    """How far the assigned partitions are behind."""

    def __init__(self, topic: str, health: Health, metrics: Metrics) -> None:
        self._topic = topic
        self._health = health
        self._metrics = metrics

    async def watch(self, consumer: AIOKafkaConsumer, ownership: Ownership) -> None:
        """Ask until cancelled; a fault of ours is the fetch loop's to raise."""
        shown: set[TopicPartition] = set()
        try:
            await self._watch(consumer, ownership, shown)
        except Exception as error:
            ownership.fail(error)
        finally:
            self._forget(shown)

    async def _watch(
        self, consumer: AIOKafkaConsumer, ownership: Ownership, shown: set[TopicPartition]
    ) -> None:
        first = TopicPartition(self._topic, 0)
        while True:
            lanes = dict(ownership.lanes)
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    ends = await consumer.end_offsets(list(lanes) or [first])
            except (KafkaError, OSError, TimeoutError, ValueError):
                self._answers(False)
            else:
                self._answers(True)
                await self._measure(consumer, lanes, ends)
                self._forget(shown - lanes.keys())
                shown.clear()
                shown.update(lanes)
            await asyncio.sleep(PROBE_SECONDS)

    async def _measure(
        self,
        consumer: AIOKafkaConsumer,
        lanes: Mapping[TopicPartition, Lane],
        ends: Mapping[TopicPartition, int],
    ) -> None:
        for partition, lane in lanes.items():
            lag = max(0, ends[partition] - lane.next_offset)
            if not len(lane) and lag and partition in consumer.assignment():
                # Transaction markers at the end are no records: the position is behind them.
                with contextlib.suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(PROBE_SECONDS):
                        lag = max(0, ends[partition] - await consumer.position(partition))
            labels = {"topic": partition.topic, "partition": str(partition.partition)}
            self._metrics.set("consumer_lag_records", lag, **labels)
            self._metrics.set("consumer_next_offset", lane.next_offset, **labels)

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        for gone in partitions:
            self._metrics.forget("consumer_lag_records", gone.topic, str(gone.partition))
            self._metrics.forget("consumer_next_offset", gone.topic, str(gone.partition))

    def _answers(self, answers: bool) -> None:
        self._health.broker_answers = answers
        self._metrics.set("broker_reachable", float(answers))
