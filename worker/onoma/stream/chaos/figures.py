"""Says how long nothing moved: the longest stall of a run, and how long each fault took to pass.

Times are those at which the broker appended the outcomes (`message.timestamp.type` of the topics is
LogAppendTime). A fault has passed when every partition that still had documents has moved again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from onoma.stream.chaos.account import Seen


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds, rounded to a tenth; None where no fault or no document came after."""

    longest_stall_seconds: float
    median_recovery_seconds: float | None
    longest_recovery_seconds: float | None


def figures(seen: Sequence[Seen], began_ms: int, faults_ms: Iterable[int]) -> Figures:
    """Return the figures of a run whose load began at `began_ms`, and its faults at `faults_ms`."""
    times: dict[int, list[int]] = defaultdict(list)
    for each in seen:
        times[each.partition].append(each.written_ms)
    for of_partition in times.values():
        of_partition.sort()
    every = sorted(time for of_partition in times.values() for time in of_partition)
    stalls = [after - before for before, after in pairwise([began_ms, *every])]
    recoveries = [r for fault in faults_ms if (r := _recovery(times.values(), fault)) is not None]
    return Figures(
        _seconds(max(stalls, default=0)),
        _seconds(median(recoveries)) if recoveries else None,
        _seconds(max(recoveries)) if recoveries else None,
    )


def _recovery(partitions: Iterable[Sequence[int]], fault_ms: int) -> int | None:
    """Return how long after the fault the last partition moved for the first time."""
    firsts = [
        times[place] - fault_ms
        for times in partitions
        if (place := bisect_right(times, fault_ms)) < len(times)
    ]
    return max(firsts, default=None)


def _seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 1)
