"""The whole job on an embedded broker: publish samples, run a worker, read what it writes.

Here are the steps; `onoma demo` prints them. Broker, publisher and reader live in this process, the
worker in its own, as in production. All of it is on loopback and in a temporary directory, and is
gone when `run` returns, whether the story was told to its end, failed, or was stopped by a signal.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from onoma import settings
from onoma.contracts.policy import DEFAULT_POLICY
from onoma.contracts.records import header
from onoma.errors import FatalError
from onoma.settings import Settings, Topics
from onoma.stream import demo_list, demo_worker
from onoma.stream.client import producing, reading
from onoma.stream.demo_broker import DemoBroker
from onoma.stream.demo_gathering import (
    Alert,
    Arrival,
    Gathered,
    Outcome,
    Waiting,
    alert_of,
    dead_letter_of,
    event_of,
    gather,
)
from onoma.stream.publishing import Message, send_all
from onoma.stream.samples import Sample, load, samples

PARTITIONS = 4
LOAD_DOCUMENTS = 3000
"""Some 1.5 MB in and 4 MB out: below the 5 MB that the demo broker keeps of each partition."""
WAIT_SECONDS = 600.0
"""How long the documents of one step may take, however busy the machine is: one needed over 60 s.
A worker that ended is noticed at once, and Ctrl-C is always there.
"""
METRICS_SECONDS = 5.0
FIGURES = (
    "onoma_documents_total{",
    "onoma_dead_letters_total{",
    "onoma_tokens_total{",
    "onoma_windows_total",
    "onoma_commits_total{",
)
"""The metrics that are shown, those above zero."""


@dataclass(frozen=True, slots=True)
class Started:
    """The broker is up, the worker on its way."""

    bootstrap: str


@dataclass(frozen=True, slots=True)
class Row:
    """A sample and what became of it."""

    words: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Annotated:
    """Every sample has its outcome, and every alert about it has come."""

    rows: tuple[Row, ...]
    seconds: float
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The load went through in `seconds`."""

    documents: int
    words: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Lines of the worker's metrics, and where they come from."""

    url: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """The demo stays; this is what a second terminal needs."""

    config: Path
    metrics_url: str


Shown = Started | Waiting | Annotated | Measured | Figures | Serving | Arrival
Show = Callable[[Shown], None]


async def run(*, serve: bool, model: Path | None, show: Show) -> bool:
    """Tell the whole story to `show`; return False when a signal stopped it before its end.

    With `serve` it has no end but the signal. Raises FatalError for a worker that fails.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with _stage(model) as stage:
        return await _unless_stopped(_story(stage, serve, show), stage, stopping)


@dataclass(frozen=True, slots=True)
class _Stage:
    """All that runs."""

    settings: Settings
    config: Path
    log: Path
    worker: asyncio.subprocess.Process
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer


@asynccontextmanager
async def _stage(model: Path | None) -> AsyncIterator[_Stage]:
    """Start broker, worker, publisher and reader; end them in the opposite order."""
    topics = Topics()
    names = (topics.documents, topics.entities, topics.alerts, topics.dead_letters)
    read = [TopicPartition(topic, n) for topic in names[1:] for n in range(PARTITIONS)]
    limits = DEFAULT_POLICY.limits
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onoma-demo-")))
        broker = stack.enter_context(DemoBroker(dict.fromkeys(names, PARTITIONS)))
        config, log = directory / "onoma.yaml", directory / "worker.log"
        watch_list = demo_list.build(directory)
        demo_worker.write_settings(config, broker.bootstrap, demo_worker.free_port(), watch_list)
        loaded = settings.load(config)
        worker = await stack.enter_async_context(demo_worker.running(config, log, model=model))
        consumer = await stack.enter_async_context(reading(loaded, limits, read))
        producer = await stack.enter_async_context(producing(loaded))
        yield _Stage(loaded, config, log, worker, producer, consumer)


async def _unless_stopped(
    story: Coroutine[Any, Any, None], stage: _Stage, stopping: asyncio.Event
) -> bool:
    """Tell the story until it ends, the worker does, or a signal comes."""
    told = asyncio.create_task(story)
    ended = asyncio.create_task(stage.worker.wait())
    stopped = asyncio.create_task(stopping.wait())
    tasks = (told, ended, stopped)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            await told
            return True
        if stopped.done():
            return False
        raise FatalError(
            f"the worker ended with exit code {ended.result()}; its last lines:\n"
            f"{demo_worker.last_lines(stage.log)}"
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _story(stage: _Stage, serve: bool, show: Show) -> None:
    show(Started(stage.settings.kafka.bootstrap_servers))
    show(await _annotate_samples(stage, show))
    show(await _measure(stage, show))
    url = f"http://{stage.settings.server.host}:{stage.settings.server.port}/metrics"
    show(Figures(url, await _figures(stage)))
    if not serve:
        return
    show(Serving(stage.config, url))
    while True:
        for arrival in await _arrived(stage):
            show(arrival)


async def _annotate_samples(stage: _Stage, show: Show) -> Annotated:
    started = time.perf_counter()
    published = list(samples())
    await _publish(stage, published)
    gathered = await _outcomes(stage, published, show)
    outcomes, alerts = gathered.outcomes, list(gathered.alerts.values())
    seconds = time.perf_counter() - started
    rows = tuple(Row(_words(sample), outcomes[_id(sample)]) for sample in published)
    order = {_id(sample): place for place, sample in enumerate(published)}
    alerts.sort(key=lambda alert: (order[alert.document_id], alert.entity.start))
    return Annotated(rows, seconds, tuple(alerts))


async def _measure(stage: _Stage, show: Show) -> Measured:
    """Send many documents at once; the time runs from the first sent to the last event written."""
    published = list(load(LOAD_DOCUMENTS))
    started = time.time()
    _, gathered = await asyncio.gather(
        _publish(stage, published), _outcomes(stage, published, show)
    )
    last_written = max(outcome.written_ms for outcome in gathered.outcomes.values()) / 1000
    words = sum(_words(sample) for sample in published)
    return Measured(len(published), words, last_written - started)


async def _publish(stage: _Stage, published: Iterable[Sample]) -> None:
    topic = stage.settings.topics.documents
    messages = (Message(each.key, each.value, each.headers) for each in published)
    await send_all(stage.producer, topic, messages, stage.settings)


async def _outcomes(stage: _Stage, published: Iterable[Sample], show: Show) -> Gathered:
    """Read until all is there that `published` leads to. Raises FatalError."""
    gathered = Gathered(frozenset(map(_id, published)))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await gather(gathered, lambda: _arrived(stage), show)
    except TimeoutError as error:
        raise FatalError(
            f"after {WAIT_SECONDS:.0f} s {gathered.missing} of {len(gathered.wanted)} documents "
            f"have neither event nor dead letter, and {len(gathered.alerts)} alerts came; the "
            f"worker's last lines:\n{demo_worker.last_lines(stage.log)}"
        ) from error
    return gathered


async def _arrived(stage: _Stage) -> list[Arrival]:
    """Wait a moment for events, alerts and dead letters; return those that came."""
    fetched = await stage.consumer.getmany(timeout_ms=200)
    topics = stage.settings.topics
    read: dict[str, Callable[[Any], Arrival]] = {
        topics.entities: event_of,
        topics.alerts: alert_of,
        topics.dead_letters: dead_letter_of,
    }
    return [read[tp.topic](record) for tp, records in fetched.items() for record in records]


async def _figures(stage: _Stage) -> tuple[str, ...]:
    """Return some metrics, once they count every document: that is after the commit."""
    deadline = time.monotonic() + METRICS_SECONDS
    published = len(list(samples())) + LOAD_DOCUMENTS
    while True:
        lines = await asyncio.to_thread(demo_worker.metrics, stage.settings.server.port)
        counted = sum(_value(line) for line in lines if line.startswith(FIGURES[0]))
        if counted >= published or time.monotonic() > deadline:
            return tuple(line for line in lines if line.startswith(FIGURES) and _value(line))
        await asyncio.sleep(0.05)


def _value(line: str) -> float:
    return float(line.rsplit(" ", 1)[1])


def _id(sample: Sample) -> str:
    return sample.key.decode()


def _words(sample: Sample) -> int:
    """Return the number of words between blanks; 0 for a sample that is broken on purpose."""
    if (header(sample.headers, "content-type") or b"") == b"text/plain":
        return len(sample.value.split())
    try:
        return len(msgspec.json.decode(sample.value, type=_Text).text.split())
    except msgspec.DecodeError:
        return 0


class _Text(msgspec.Struct, frozen=True):
    text: str = ""
