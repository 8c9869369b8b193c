"""Judges whether a stage has overrun its own deadline, and whether that is the worker's fault.

Pure: it is told the time, what runs, how far the lanes are and what the broker was seen to answer.
The rule: what needs the broker is judged only by what an independent client saw, and counts from
when the broker began to answer; an outage of any length is no stall.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from onoma.settings import Settings
from onoma.stream.quarantine import START_SECONDS
from onoma.stream.stages import LaneProgress, Running, Stage

LOOKS = 3
"""A stage has to be overdue at so many looks in a row: what only waited for its turn is done by
then.
"""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a stage may run; 0 is for ever."""

    knob: str
    seconds: float
    needs_broker: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the witness saw last: the broker answers since `since` (None: it does not), last at
    `at`, and committed records end at `ends`, by partition.
    """

    since: float | None = None
    at: float = 0.0
    ends: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Stall:
    """A stage that has overrun its deadline."""

    stage: Stage
    where: str
    seconds: float
    deadline: Deadline

    def __str__(self) -> str:
        """Return what is told to a person."""
        place = f" ({self.where})" if self.where else ""
        answers = "the broker answers, so " if self.deadline.needs_broker else ""
        return (
            f"stage {self.stage}{place} has run for {self.seconds:.0f} s, its deadline is "
            f"{self.deadline.seconds:g} s ({self.deadline.knob}); {answers}this worker is stuck "
            "and ends, to be started again; what it had not committed is read again"
        )


def deadlines(settings: Settings) -> dict[Stage, Deadline]:
    """Return the deadline of each stage."""
    watchdog, kafka = settings.watchdog, settings.kafka
    waited = kafka.rebalance_timeout_seconds + kafka.session_timeout_seconds
    rebalance = _or(watchdog.rebalance_seconds, waited + 135)
    publish = _or(watchdog.publish_seconds, 2 * settings.delivery.publish_timeout_seconds + 80)
    of_rebalance = Deadline("watchdog.rebalance_seconds", rebalance, needs_broker=True)
    return {
        "join": of_rebalance,
        "rebalance": of_rebalance,
        "leave": of_rebalance,
        "fetch": Deadline("watchdog.fetch_seconds", watchdog.fetch_seconds, needs_broker=True),
        "publish": Deadline("watchdog.publish_seconds", publish, needs_broker=True),
        "call": Deadline("watchdog.call_seconds", watchdog.call_seconds, needs_broker=False),
        "load": Deadline("watchdog.load_seconds", watchdog.load_seconds, needs_broker=False),
        "quarantine": Deadline(
            "quarantine.seconds",
            settings.quarantine.seconds + START_SECONDS + 60,
            needs_broker=False,
        ),
        "loop": Deadline("watchdog.loop_seconds", watchdog.loop_seconds, needs_broker=False),
    }


def _or(seconds: float | None, computed: float) -> float:
    return computed if seconds is None else seconds


class Judge:
    """Remembers from look to look what was overdue, and which lanes got nothing."""

    def __init__(self, deadlines: Mapping[Stage, Deadline]) -> None:
        self._deadlines = deadlines
        self._starving: dict[tuple[int, int], Running] = {}
        self._overdue: dict[Running, int] = {}

    def starving(
        self, now: float, lanes: Iterable[LaneProgress], sighting: Sighting
    ) -> list[Running]:
        """Return a stage `fetch` for each lane that has room, and records that do not come."""
        starving = {
            (lane.partition, lane.position)
            for lane in lanes
            if lane.has_room and sighting.ends.get(lane.partition, 0) > lane.position
        }
        self._starving = {
            key: self._starving.get(key) or Running("fetch", f"partition {key[0]}", now)
            for key in starving
        }
        return list(self._starving.values())

    def stall(self, now: float, running: Iterable[Running], sighting: Sighting) -> Stall | None:
        """Return a stage that was overdue at `LOOKS` looks in a row, the longest one first."""
        overdue = [each for each in running if self._excess(each, now, sighting) > 0]
        self._overdue = {each: self._overdue.get(each, 0) + 1 for each in overdue}
        sure = [each for each, looks in self._overdue.items() if looks >= LOOKS]
        if not sure:
            return None
        worst = max(sure, key=lambda each: self._excess(each, now, sighting))
        deadline = self._deadlines[worst.stage]
        seconds = deadline.seconds + self._excess(worst, now, sighting)
        return Stall(worst.stage, worst.where, seconds, deadline)

    def _excess(self, running: Running, now: float, sighting: Sighting) -> float:
        """Return by how much a stage has overrun its deadline; negative or 0 if it has not."""
        deadline = self._deadlines[running.stage]
        if not deadline.seconds:
            return 0.0
        if not deadline.needs_broker:
            return now - running.since - deadline.seconds
        if sighting.since is None:
            return 0.0
        # Only to when the broker was last heard: it may have gone away since.
        return sighting.at - max(running.since, sighting.since) - deadline.seconds
