"""What a run is played on: a cluster, a proxy, topics, and a crew of real workers.

The crew is looked after as an orchestrator would do it: a worker that ends is started again. One
that is to die at a point of its work is started with that setting, and its next death after that.
"""

from __future__ import annotations

import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from onoma.settings import FaultPoint
from tests.faults.clock import faked_clock
from tests.faults.disk import small_disk
from tests.faults.kinds import Kind
from tests.faults.proxy import HOST, Proxy
from tests.kafka.broker import KafkaBroker
from tests.stream.models import TwoVersions
from tests.stream.topics import Topics
from tests.stream.worker import Config, Worker

TICK_SECONDS = 0.05
ASK_SECONDS = 0.5
START_SECONDS = 180.0
STUCK_SECONDS = 10.0
"""After this a worker that waits in vain for its death is told to stop: that brings rebalances."""
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Death:
    """Where a worker is to die, and at which pass."""

    point: FaultPoint
    at_pass: int


@dataclass(slots=True)
class Member:
    """One place in the crew, and the deaths that are planned for it."""

    worker: Worker
    config: Config
    deaths: deque[Death]
    armed: Death | None = None
    started: float = 0.0
    seen_ready: bool = False
    down_on_purpose: bool = False

    def start(self) -> None:
        """Start the worker, armed with its next death."""
        self.armed = self.deaths[0] if self.deaths else None
        faults: dict[str, object] = {}
        if self.armed is not None:
            faults = {"die_at": self.armed.point, "die_at_pass": self.armed.at_pass}
        self.worker.configure({**self.config, "faults": faults})
        self.worker.start()
        self.started = time.monotonic()
        self.seen_ready = False
        self.down_on_purpose = False

    def ready(self) -> bool:
        """Say whether the worker has partitions, or is to die."""
        return self.armed is not None or self.worker.probe("/readyz") == 200


@dataclass(slots=True)
class Stage:
    """All that runs, and what happened by itself: deaths at points, and workers that failed, by
    their exit codes.
    """

    kind: Kind
    broker: KafkaBroker
    proxy: Proxy
    topics: Topics
    crew: Sequence[Member]
    new_worker: Callable[[], Worker]
    directory: Path
    models: TwoVersions | None = None
    announced: int = 0
    resident_mib: list[float] = field(default_factory=list)
    died: list[tuple[float, int, FaultPoint]] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)

    def start(self) -> None:
        """Start the crew and wait until it works; who is to die may do so before."""
        for member in self.crew:
            member.start()
        if not self.run_until(lambda: all(map(Member.ready, self.crew)), START_SECONDS):
            raise AssertionError(f"a worker was not ready in {START_SECONDS:.0f} s")

    def all_died(self) -> bool:
        """Say whether every planned death has happened."""
        return not any(member.deaths for member in self.crew)

    def run_for(self, seconds: float) -> None:
        """Let it run, looking after the crew."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._tick()
            time.sleep(TICK_SECONDS)

    def run_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Let it run until `holds`, at most `seconds`; say whether it did."""
        deadline = time.monotonic() + seconds
        while not (held := holds()) and time.monotonic() < deadline:
            self.run_for(ASK_SECONDS)
        return held

    def _tick(self) -> None:
        for member in self.crew:
            code = member.worker.exit_code
            if code is None:
                self._hurry(member)
            elif not member.down_on_purpose:
                self.note_end(member, code)
                member.start()

    def note_end(self, member: Member, code: int) -> None:
        """Note that a worker ended: where it was to, or with a code that nobody asked for."""
        if member.armed is not None and "fault point reached" in member.worker.log:
            self.died.append((time.time(), self.crew.index(member), member.armed.point))
            member.deaths.popleft()
        else:
            self.note_failure(code)

    def note_failure(self, code: int) -> None:
        """Count an exit code, unless it is that of a worker that was told to stop."""
        if code not in (0, -signal.SIGTERM):  # the second: before it listened
            self.failed[code] += 1

    @staticmethod
    def _hurry(member: Member) -> None:
        if member.armed is None or time.monotonic() - member.started < STUCK_SECONDS:
            return
        if not member.seen_ready:  # it gets the whole time from when it was ready
            member.started = time.monotonic()
            member.seen_ready = member.worker.probe("/readyz") == 200
            return
        member.worker.terminate()
        member.worker.wait_for_end()


@contextmanager
def stage(kind: Kind, deaths: Sequence[Death], directory: Path, name: str) -> Iterator[Stage]:
    """Set the stage; nothing of it outlives this."""
    with ExitStack() as stack:
        proxy = stack.enter_context(Proxy())
        data = stack.enter_context(small_disk()) if kind.small_disk else directory / "kafka"
        broker = KafkaBroker(data, nodes=kind.nodes, proxy_port=proxy.port)
        stack.callback(broker.kill)
        broker.start()
        proxy.upstream_port = broker.proxied_port or 0
        topics = Topics.create(
            broker,
            lambda word: f"{word}-{name}",
            partitions=kind.partitions,
            options=LOG_APPEND_TIME,
        )
        config = _config(kind, topics, proxy)
        models = None
        if kind.swaps:
            topics.create_control()
            models = TwoVersions.build(directory / "models")
            config = {**config, "store": {"path": str(models.store.root)}}
        environment = faked_clock(directory) if kind.faked_clock else {}
        made: list[Worker] = []

        def new_worker() -> Worker:
            number = len(made)
            worker = Worker(directory / f"worker-{number}", config, environment=environment)
            made.append(worker)
            stack.callback(worker.kill)
            return worker

        crew = [
            Member(new_worker(), _own(config, kind, number), deque(deaths[number :: kind.workers]))
            for number in range(kind.workers)
        ]
        yield Stage(kind, broker, proxy, topics, crew, new_worker, directory, models)


def _config(kind: Kind, topics: Topics, proxy: Proxy) -> Config:
    delivery: Mapping[str, object] = {"mode": kind.delivery}
    if any(fault.name in ("reset", "latency", "half_open") for fault in kind.faults):
        kafka: Mapping[str, object] = {"bootstrap_servers": f"{HOST}:{proxy.port}"}
        return topics.config(kafka=kafka, delivery=delivery)
    return topics.config(delivery=delivery)


def _own(config: Config, kind: Kind, number: int) -> Config:
    """Return the settings of one member: with static membership it has a name of its own."""
    if not kind.static:
        return config
    return {**config, "kafka": {**config["kafka"], "group_instance_id": f"worker-{number}"}}
