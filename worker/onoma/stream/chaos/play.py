"""Plays a seeded plan of kills on a user's cluster, and accounts for every document: `onoma chaos`.

Topics and group have a random prefix of their own, are made here and deleted at the end; the
workers are started here. Nothing else on the cluster is read, written or signalled.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from onoma.contracts.policy import Limits
from onoma.errors import FatalError
from onoma.settings import Settings, Store
from onoma.stream import topics
from onoma.stream.chaos.account import Place, Seen, account, seen_dead_letter, seen_event
from onoma.stream.chaos.figures import figures
from onoma.stream.chaos.plan import Step, draw, worker_faults
from onoma.stream.chaos.report import Played, Report, versions
from onoma.stream.chaos.workers import Crew, crew
from onoma.stream.client import producing, reading, up_to_the_ends
from onoma.stream.kafka import client_options
from onoma.stream.outbox import stop_quietly
from onoma.stream.publishing import Message, send_all
from onoma.stream.samples import load

PREFIX = "onoma-chaos-"
BURST_SECONDS = 0.5
FIRST_SECONDS = 120.0
"""How long the first documents may take: models are loaded, the group is formed."""
LAST_SECONDS = 180.0
"""How long the last ones may take; what is not there then counts as lost."""
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
_TOPICS = ("documents", "entities", "alerts", "dead_letters")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for."""

    seed: int
    workers: int
    partitions: int
    replication: int
    faults: int
    per_second: int
    session_seconds: float


async def play(
    settings: Settings, limits: Limits, config: Path | None, options: Options, tell: Tell
) -> Report:
    """Play the plan of the seed, tell of each step, and return the record.

    SIGTERM cancels this, so that workers and topics go here too.
    """
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    prefix = PREFIX + secrets.token_hex(4)
    own = _own(settings, prefix, options)
    steps = draw(
        options.seed,
        worker_faults(options.session_seconds),
        count=options.faults,
        targets=options.workers,
        session_seconds=options.session_seconds,
    )
    environments = [_environment(own, prefix, number) for number in range(options.workers)]
    async with _topics(own, limits, options, tell):
        with tempfile.TemporaryDirectory(prefix=PREFIX) as directory:
            async with (
                crew(config, Path(directory), environments) as members,
                producing(own) as producer,
            ):
                run = _Run(own, options, members, producer, tell)
                await run.perform(steps)
        return await _report(run, limits)


def _own(settings: Settings, prefix: str, options: Options) -> Settings:
    """Return the settings with names of our own, and the session time of the plan."""
    heartbeat = min(settings.kafka.heartbeat_interval_seconds, options.session_seconds / 10)
    kafka = {
        "group_id": prefix,
        "session_timeout_seconds": options.session_seconds,
        "heartbeat_interval_seconds": heartbeat,
    }
    names = {name: f"{prefix}.{name}" for name in _TOPICS}
    return settings.model_copy(
        update={
            # The workers may follow the user's notices of models; we make and delete no such topic.
            "store": Store(),
            "kafka": settings.kafka.model_copy(update=kafka),
            "topics": settings.topics.model_copy(update=names),
        }
    )


def _environment(own: Settings, prefix: str, number: int) -> Mapping[str, str]:
    """Return what makes a worker on the user's settings one of ours."""
    environment = {f"ONOMA_TOPICS__{name.upper()}": f"{prefix}.{name}" for name in _TOPICS}
    environment |= {
        "ONOMA_KAFKA__GROUP_ID": own.kafka.group_id,
        "ONOMA_KAFKA__SESSION_TIMEOUT_SECONDS": f"{own.kafka.session_timeout_seconds:g}",
        "ONOMA_KAFKA__HEARTBEAT_INTERVAL_SECONDS": f"{own.kafka.heartbeat_interval_seconds:g}",
        "ONOMA_SERVER__PORT": "0",
    }
    if own.kafka.group_instance_id is not None:
        environment["ONOMA_KAFKA__GROUP_INSTANCE_ID"] = f"{prefix}-{number}"
    return environment


@asynccontextmanager
async def _topics(
    own: Settings, limits: Limits, options: Options, tell: Tell
) -> AsyncIterator[None]:
    """Make our topics and delete them again, whatever happens."""
    done = await topics.create(
        own,
        limits,
        partitions=options.partitions,
        replication=options.replication,
        options=LOG_APPEND_TIME,
    )
    tell(f"made {', '.join(done)}")
    try:
        yield
    finally:
        await topics.delete(own, tuple(done))
        tell("deleted them")


class _Run:
    """A run under way, and what happened when."""

    def __init__(
        self,
        own: Settings,
        options: Options,
        members: Crew,
        producer: AIOKafkaProducer,
        tell: Tell,
    ) -> None:
        self.own = own
        self.options = options
        self.members = members
        self.committed: dict[int, int] = {}
        self.played: list[Played] = []
        self.faults_ms: list[int] = []
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self.began = 0.0
        self.seconds = 0.0
        self._producer = producer
        self._tell = tell
        self._stopping = asyncio.Event()
        self._samples = load(10**9)
        self._numbers = itertools.count()

    async def perform(self, steps: tuple[Step, ...]) -> None:
        """Play the steps under load, and wait until every document is done."""
        async with _offsets(self.own) as consumer:
            await self._publish(self.options.partitions)
            if not await self._done(consumer, FIRST_SECONDS):
                raise FatalError(
                    f"the workers read nothing in {FIRST_SECONDS:.0f} s; their last lines:\n"
                    f"{self.members.last_lines()}"
                )
            self._tell("the workers work")
            self.began = time.time()
            await self._under_load(steps)
            if not await self._done(consumer, LAST_SECONDS):
                self._tell("not every document was committed in time")
        self.seconds = round(time.time() - self.began, 1)

    async def _under_load(self, steps: tuple[Step, ...]) -> None:
        publishing = asyncio.create_task(self._load())
        try:
            await self._faults(steps)
        finally:
            self._stopping.set()
            await publishing

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._stopping.is_set():
            await self._publish(max(1, round(self.options.per_second * BURST_SECONDS)))
            due += BURST_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _publish(self, count: int) -> None:
        messages = [
            Message(s.key, s.value, s.headers, next(self._numbers) % self.options.partitions)
            for s in itertools.islice(self._samples, count)
        ]
        await send_all(self._producer, self.own.topics.documents, messages, self.own)

    async def _faults(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            await self.members.run_for(self.began + step.at_seconds - time.time())
            at = time.time()
            self._tell(f"{step.fault} worker {step.target}")
            await self.members.suffer(step)
            self.faults_ms.append(round(1000 * at))
            self.played.append(
                Played(round(at - self.began, 1), step.fault, step.target, step.lasts_seconds)
            )
        await self.members.run_for(self.options.session_seconds)

    async def _done(self, consumer: AIOKafkaConsumer, seconds: float) -> bool:
        """Wait until the group has committed every document, at most `seconds`."""
        topic = self.own.topics.documents
        partitions = [TopicPartition(topic, n) for n in range(self.options.partitions)]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ends = await consumer.end_offsets(partitions)
            found = {tp.partition: await consumer.committed(tp) or 0 for tp in partitions}
            self.committed = found
            if all(found[tp.partition] == end for tp, end in ends.items()):
                return True
            await self.members.run_for(0.5)
        return False


@asynccontextmanager
async def _offsets(own: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield one that asks for the group's offsets, and is no member of it."""
    consumer = AIOKafkaConsumer(
        **client_options(own.kafka), group_id=own.kafka.group_id, enable_auto_commit=False
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(own.topics.documents, 0)])
        yield consumer
    finally:
        await stop_quietly(consumer)


async def _report(run: _Run, limits: Limits) -> Report:
    own, options = run.own, run.options
    inputs, seen = await _read(own, limits, options.partitions)
    repeats_allowed = own.delivery.mode == "at_least_once"
    return Report(
        kind="chaos",
        seed=options.seed,
        delivery=own.delivery.mode,
        workers=options.workers,
        partitions=options.partitions,
        seconds=run.seconds,
        started_at=run.started_at,
        faults=run.played,
        account=account(inputs, seen, run.committed, repeats_allowed=repeats_allowed),
        figures=figures(
            [each for each in seen if each.written_ms >= 1000 * run.began],
            round(1000 * run.began),
            run.faults_ms,
        ),
        command=f"onoma chaos --seed {options.seed} --faults {options.faults} "
        f"--workers {options.workers} --partitions {options.partitions}",
        versions=versions(),
        notes={"workers_failed": {str(c): n for c, n in sorted(run.members.failed.items())}},
    )


async def _read(
    own: Settings, limits: Limits, partitions: int
) -> tuple[frozenset[Place], tuple[Seen, ...]]:
    """Read our topics from beginning to end, as a reader at `read_committed` does."""
    names = own.topics
    inputs: set[Place] = set()
    seen: list[Seen] = []
    wanted = [
        TopicPartition(topic, number)
        for topic in (names.documents, names.entities, names.dead_letters)
        for number in range(partitions)
    ]
    async with reading(own, limits, wanted) as consumer:
        async for records in up_to_the_ends(consumer, wanted):
            for record in records:
                place = (record.partition, record.offset)
                if record.topic == names.documents:
                    inputs.add(place)
                elif record.topic == names.entities:
                    seen.append(seen_event(*place, record.value, record.timestamp))
                else:
                    headers = tuple(record.headers)
                    seen.append(seen_dead_letter(*place, headers, record.timestamp))
    return frozenset(inputs), tuple(seen)
