"""Ends a worker that hangs, so that it is started again: exit code 75 and one message.

A thread of its own looks once a second at what runs (stages.py), what the broker was seen to answer
(witness.py) and what to think of it (stalls.py). A hung thread or loop can't be ended from inside,
so the process ends at once, as by a kill: what was not committed is read again. It rests while the
broker is away. A process whose interpreter itself hangs does not answer /livez either; that is the
orchestrator's to see.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from onoma.metrics import WATCHED_STAGES, Metrics
from onoma.settings import Settings
from onoma.stream.stages import AwakeClock, Running, Stages
from onoma.stream.stalls import Judge, Sighting, Stall, deadlines
from onoma.stream.witness import Witness

LOOK_SECONDS = 1.0
EXIT_CODE = 75
"""EX_TEMPFAIL of sysexits.h: try again."""


class Watchdog:
    """Looks until it is stopped; `sighting` gives what the witness saw last."""

    def __init__(
        self,
        settings: Settings,
        stages: Stages,
        metrics: Metrics,
        *,
        clock: AwakeClock,
        sighting: Callable[[], Sighting],
        end: Callable[[Stall], None],
    ) -> None:
        self._stages = stages
        self._metrics = metrics
        self._clock = clock
        self._sighting = sighting
        self._end = end
        self._judge = Judge(deadlines(settings))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onoma-watchdog", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(LOOK_SECONDS)

    def look(self) -> None:
        """Look once: note how long each stage runs, and end the process where one is stuck."""
        self._clock.tick(LOOK_SECONDS)
        now, sighting = self._clock(), self._sighting()
        starving = self._judge.starving(now, self._stages.lanes, sighting)
        running = [*self._stages.now(), *starving]
        self._measure(now, running)
        if stall := self._judge.stall(now, running, sighting):
            self._end(stall)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.look()

    def _measure(self, now: float, running: list[Running]) -> None:
        longest = dict.fromkeys(WATCHED_STAGES, 0.0)
        for each in running:
            longest[each.stage] = max(longest[each.stage], now - each.since)
        for stage, seconds in longest.items():
            self._metrics.set("stage_running_seconds", seconds, stage=stage)


class Guard:
    """The watchdog of a worker with its witness; without `watchdog.enabled` it does nothing."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        clock = AwakeClock()
        self.stages = Stages(clock)
        self._enabled = settings.watchdog.enabled
        self._witness = Witness(settings, clock, self._partitions)
        self._watchdog = Watchdog(
            settings,
            self.stages,
            metrics,
            clock=clock,
            sighting=lambda: self._witness.sighting,
            end=end_process,
        )

    def start(self) -> None:
        """Start watching."""
        if self._enabled:
            self._witness.start()
            self._watchdog.start()

    def stop(self) -> None:
        """Stop watching."""
        self._watchdog.stop()
        self._witness.stop()

    def _partitions(self) -> list[int]:
        return [lane.partition for lane in self.stages.lanes]


def end_process(stall: Stall) -> None:
    """End the process at once. Past all handlers: what hangs may hold their locks."""
    os.write(2, f"onoma: {stall}\n".encode())
    os._exit(EXIT_CODE)
