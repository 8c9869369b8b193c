"""Draws which fault happens when, and to whom: the same seed, the same plan.

Faults are spaced wider than the group's session time. A faster cadence only freezes the group: no
partition is assigned long enough to have work in progress, and the run would prove nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault; it lasts from the first to the second of `lasts_seconds`."""

    name: str
    lasts_seconds: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: it begins `at_seconds` after the load did, and hits the `target`th of its kind."""

    at_seconds: float
    fault: str
    target: int
    lasts_seconds: float


def worker_faults(session_seconds: float) -> tuple[Fault, ...]:
    """Return what can happen to a worker's process: killed, told to stop, paused too long."""
    paused = (1.3 * session_seconds, 2.0 * session_seconds)
    return (Fault("kill"), Fault("terminate"), Fault("freeze", paused))


def draw(
    seed: int, faults: Sequence[Fault], *, count: int, targets: int, session_seconds: float
) -> tuple[Step, ...]:
    """Draw `count` of `faults`, each as often as the others, in an order of chance."""
    chance = random.Random(seed)  # noqa: S311 (a plan that can be repeated, no secret)
    drawn = [faults[number % len(faults)] for number in range(count)]
    chance.shuffle(drawn)
    steps: list[Step] = []
    now = session_seconds
    for fault in drawn:
        lasts = round(chance.uniform(*fault.lasts_seconds), 2)
        steps.append(Step(round(now, 2), fault.name, chance.randrange(targets), lasts))
        now += lasts + chance.uniform(1.2, 1.8) * session_seconds
    return tuple(steps)
