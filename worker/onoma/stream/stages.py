"""Which stages of the worker run, and since when: what the watchdog looks at.

Whoever may hang says here what it begins and ends; writing costs a lock and a dictionary. Its rule:
time that the whole process was stopped or its machine was paused is nobody's: `AwakeClock` leaves
it out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Stage = Literal[
    "join", "rebalance", "leave", "fetch", "call", "publish", "loop", "load", "quarantine"
]
"""`join`: until the group has assigned partitions for the first time. `rebalance`: until it has
again. `leave`: giving all back. `fetch`: a lane with room, and records that do not come. `call`: a
step on an inference thread. `publish`: one publication, or one attempt to take its lane anew.
`loop`: from one beat of the event loop to the next. `load`: an announced version, beside what
serves. `quarantine`: a document tried alone.
"""

Clock = Callable[[], float]
STOPPED_SECONDS = 5.0
"""A look that is late by more than this says that nothing ran meanwhile."""


class AwakeClock:
    """Monotonic seconds, but for those in which the process was stopped."""

    def __init__(self, monotonic: Clock = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last = monotonic()
        self._stopped = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self._monotonic() - self._stopped

    def tick(self, due_seconds: float) -> None:
        """Note that a look that was due after `due_seconds` takes place now."""
        now = self._monotonic()
        late = now - self._last - due_seconds
        self._last = now
        if late > STOPPED_SECONDS:
            self._stopped += late


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """A stage that has begun; `where` tells it from others of its kind."""

    stage: Stage
    where: str
    since: float


@dataclass(frozen=True, slots=True)
class LaneProgress:
    """How far a lane has read: the records before `position` have come."""

    partition: int
    position: int
    has_room: bool


class Stages:
    """The stages that run now; safe to use from any thread."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[Running] = set()
        self._beat: Running | None = None
        self._lanes: tuple[LaneProgress, ...] = ()

    def begin(self, stage: Stage, where: str = "") -> Running:
        """Note that a stage begins; `end` takes what this returns."""
        running = Running(stage, where, self._clock())
        with self._lock:
            self._running.add(running)
        return running

    def end(self, running: Running | None) -> None:
        """Note that a stage has ended; None and a second time are nothing."""
        with self._lock:
            self._running.discard(running)

    @contextmanager
    def running(self, stage: Stage, where: str = "") -> Iterator[None]:
        """Note that a stage runs inside."""
        running = self.begin(stage, where)
        try:
            yield
        finally:
            self.end(running)

    def beat(self, lanes: tuple[LaneProgress, ...]) -> None:
        """Note that the event loop is alive, and how far its lanes are."""
        self._lanes = lanes
        last, self._beat = self._beat, self.begin("loop")
        self.end(last)

    def rest(self) -> None:
        """Note that the event loop does no more work from now on."""
        self._lanes = ()
        self.end(self._beat)

    @property
    def lanes(self) -> tuple[LaneProgress, ...]:
        """How far the lanes were at the last beat."""
        return self._lanes

    def now(self) -> list[Running]:
        """Return the stages that run now."""
        with self._lock:
            return list(self._running)
