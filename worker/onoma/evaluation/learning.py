"""Reads how scores rose during a training: the learning curve, and how soon it was nearly done.

A curve comes from a manifest (`training.learning`) or from the log that a training keeps, which
hold the same rows. The rule: convergence is told in work and in time, up to 95 % of the score at
the end, because the last points take most of the time; and only as it was measured, never spread
between two scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from onoma.errors import WrongUseError

NEARLY = 0.95


class Score(NamedTuple):
    """The score of the averaged weights after `step` steps, which read so many units in so many
    processor seconds; both are zero where they were not recorded.
    """

    step: int
    f1: float
    units: int = 0
    seconds: float = 0.0


Curve = tuple[Score, ...]
"""The scores of one training, by step."""


@dataclass(frozen=True, slots=True)
class Convergence:
    """The first score of at least `NEARLY` of the last one, the last one, and the mean over all
    steps.
    """

    near: Score
    final_f1: float
    mean_f1: float


def rows_of(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return what stands in a manifest, and line by line in a log: step, f1, units, seconds."""
    return [
        score._replace(f1=round(score.f1, 4), seconds=round(score.seconds, 3))._asdict()
        for score in scores
    ]


def curve_of(rows: Iterable[Mapping[str, Any]], name: str) -> Curve:
    """Return the curve of a manifest's rows. Raises WrongUseError that opens with `name:row`."""
    return _sorted(_score(row, f"{name}:{number}") for number, row in enumerate(rows, start=1))


def log_of(scores: Iterable[Score]) -> str:
    """Return the log of `scores`, JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows_of(scores))


def read_log(lines: Iterable[str], name: str = "log") -> Curve:
    """Return the curve of a log. Raises WrongUseError that opens with `name:line`."""
    scores = _sorted(_logged(lines, name))
    if not scores:
        raise WrongUseError(f"{name}:1: found no score; wanted one object with step and f1 a line")
    return scores


def convergence_of(curve: Curve) -> Convergence:
    """Return when `curve`, which must have a score, came near its last."""
    final = curve[-1].f1
    near = next(score for score in curve if score.f1 >= NEARLY * final)
    steps = [0, *(score.step for score in curve)]
    area = sum(
        (after - before) * score.f1
        for before, after, score in zip(steps, steps[1:], curve, strict=False)
    )
    return Convergence(near, final, area / steps[-1] if steps[-1] else final)


def learning_record(curve: Curve) -> dict[str, Any]:
    """Return what a report says of `curve`, which must have a score."""
    found = convergence_of(curve)
    (near,) = rows_of([found.near])
    return {
        "scores": rows_of(curve),
        "nearly": NEARLY,
        "near": near,
        "final_f1": round(found.final_f1, 4),
        "mean_f1": round(found.mean_f1, 4),
    }


def _logged(lines: Iterable[str], name: str) -> Iterator[Score]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            yield _score(row, f"{name}:{number}")


def _score(row: Any, place: str) -> Score:
    try:
        units, seconds = int(row.get("units", 0)), float(row.get("seconds", 0))
        return Score(int(row["step"]), float(row["f1"]), units, seconds)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WrongUseError(f"{place}: is no object with step and f1") from error


def _sorted(scores: Iterable[Score]) -> Curve:
    return tuple(sorted(scores, key=lambda score: score.step))
