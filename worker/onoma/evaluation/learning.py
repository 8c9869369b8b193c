"""Reads how scores rose during a training: the learning curve, and how soon it was nearly done.

The rule: convergence is told in work and in time, up to 95 % of the score at the end, because the
last points take most of the time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onoma.errors import WrongUseError

NEARLY = 0.95


@dataclass(frozen=True, slots=True)
class Point:
    """A score on the way: after how many steps, units and processor seconds; what is not known is
    zero.
    """

    step: int
    units: int
    seconds: float
    f1: float


@dataclass(frozen=True, slots=True)
class Convergence:
    """When `NEARLY` of the last score was reached, and the mean score over all steps."""

    step: int
    units: int
    seconds: float
    final_f1: float
    mean_f1: float


def read_points(lines: Iterable[str], name: str = "log") -> tuple[Point, ...]:
    """Return the points of a log of JSON lines with `step` and `f1`, and `units` and `seconds`
    where known. Raises WrongUseError that opens with `name:line`.
    """
    points = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            points.append(
                Point(
                    int(row["step"]),
                    int(row.get("units", 0)),
                    float(row.get("seconds", 0)),
                    float(row["f1"]),
                )
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise WrongUseError(f"{name}:{number}: is no object with step and f1") from error
    if not points:
        raise WrongUseError(f"{name}:1: found no score; wanted one object with step and f1 a line")
    return tuple(sorted(points, key=lambda point: point.step))


def points_of(dev: Sequence[Sequence[float]], *, units: int, seconds: float) -> tuple[Point, ...]:
    """Return the points of `[step, f1]` pairs; units and seconds grow evenly up to the totals."""
    last = max((pair[0] for pair in dev), default=1) or 1
    return tuple(
        Point(int(step), round(units * step / last), seconds * step / last, f1) for step, f1 in dev
    )


def convergence_of(points: Sequence[Point]) -> Convergence:
    """Return when `points`, of which there must be one, came near their last score."""
    final = points[-1].f1
    there = next(point for point in points if point.f1 >= NEARLY * final)
    steps = [0, *(point.step for point in points)]
    area = sum(
        (after - before) * point.f1
        for before, after, point in zip(steps, steps[1:], points, strict=False)
    )
    return Convergence(
        there.step, there.units, there.seconds, final, area / steps[-1] if steps[-1] else final
    )
