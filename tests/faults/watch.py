"""Watches a worker that no fault ends: whether memory and handles stay what they were.

A thread reads what the system says of the process every few seconds. The trend is taken from when
the worker has warmed up, as the slope of the least squares; with little time it says little, and
the samples are kept, so that pieces of a soak can be laid side by side.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

SAMPLE_SECONDS = 5.0
WARM_UP_SECONDS = 120.0
"""Buffers of clients and arenas of the allocator fill in the first minutes of work."""
KEPT_EVERY = 6
"""One sample in so many goes into the record."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process held at a moment after the load began."""

    at_seconds: float
    memory_mb: float
    handles: int


@dataclass(frozen=True, slots=True)
class Trend:
    """How a process went on after it had warmed up: slope, and middle of first and last third."""

    seconds: float
    memory_mb_per_hour: float
    memory_mb: tuple[float, float]
    handles: tuple[float, float]


class Watch:
    """Samples of the process that `pid` names, from `start` to `stop`."""

    def __init__(self, pid: Callable[[], int]) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._began = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def start(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Take no further sample."""
        self._stopping.set()
        self._thread.join()

    def told(self) -> dict[str, Any]:
        """Return what goes into the record of the run."""
        found = trend(self.samples)
        kept = self.samples[::KEPT_EVERY]
        return {
            "seconds": round(found.seconds, 1),
            "memory_mb_per_hour": round(found.memory_mb_per_hour, 2),
            "memory_mb_first_last": [round(each, 1) for each in found.memory_mb],
            "handles_first_last": list(found.handles),
            "samples": [[each.at_seconds, each.memory_mb, each.handles] for each in kept],
        }

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_SECONDS):
            at = round(time.monotonic() - self._began, 1)
            self.samples.append(Sample(at, *_held(self._pid())))


def _held(pid: int) -> tuple[float, int]:
    """Return megabytes in memory and open handles of a process."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return round(int(kilobytes) / 1024, 1), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def trend(samples: Sequence[Sample], warm_up_seconds: float = WARM_UP_SECONDS) -> Trend:
    """Return the trend of `samples` after the first seconds; of too few it is flat."""
    warm = [each for each in samples if each.at_seconds >= warm_up_seconds] or list(samples)
    if len(warm) < 3:
        last = warm[-1] if warm else Sample(0.0, 0.0, 0)
        return Trend(0.0, 0.0, (last.memory_mb,) * 2, (last.handles,) * 2)
    slope, _ = linear_regression(
        [each.at_seconds / 3600 for each in warm], [each.memory_mb for each in warm]
    )
    third = max(1, len(warm) // 3)
    first, last_third = warm[:third], warm[-third:]
    return Trend(
        warm[-1].at_seconds - warm[0].at_seconds,
        slope,
        (median(s.memory_mb for s in first), median(s.memory_mb for s in last_third)),
        (median(s.handles for s in first), median(s.handles for s in last_third)),
    )
