"""The kinds of runs as a table: which faults are drawn, on what cluster, with how many workers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, get_args

from onoma.settings import FaultPoint
from onoma.stream.chaos.plan import Fault, worker_faults

SESSION_SECONDS = 6.0
"""The workers' session time in `Topics.config`."""
LONG_PAUSE_SECONDS = 36.0
"""After the only broker was away everything begins anew: sessions, producers, fetches."""
KILL, TERMINATE, FREEZE = worker_faults(SESSION_SECONDS)
BROKER_KILL = Fault("broker_kill", (0.0, 4.0))
NODE_KILL = Fault("node_kill", (1.0, 6.0))
LEADERS_ELECTED = Fault("leaders_elected")
OUTAGE = Fault("outage")
RESET = Fault("reset")
LATENCY = Fault("latency", (3.0, 8.0))
HALF_OPEN = Fault("half_open", (2.0, 8.0))
FENCED = Fault("fenced")
DUPLICATE = Fault("duplicate_static_id", (8.0, 12.0))
SHRUNK = Fault("topic_shrunk", (4.0, 8.0))
STORM = Fault("storm", (12.0, 18.0))
DISK_FULL = Fault("disk_full", (3.0, 6.0))
CLOCK_FORWARD = Fault("clock_forward", (4.0, 8.0))
CLOCK_BACK = Fault("clock_back", (4.0, 8.0))
MODEL_SWAPPED = Fault("model_swapped")

EXACTLY_ONCE_POINTS: tuple[FaultPoint, ...] = get_args(FaultPoint)
AT_LEAST_ONCE_POINTS: tuple[FaultPoint, ...] = tuple(
    point for point in EXACTLY_ONCE_POINTS if point != "after_offsets"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of run. `deaths` at each of `points` are spread over the workers; with `proof` the
    run counts only if a transaction that held records was aborted. `pause_seconds` lie between the
    faults at most, two thirds of it at least. With a `backlog` documents are published as fast as
    the workers read them. The first workers are `spared` what ends a worker, and watched.
    """

    what: str
    faults: tuple[Fault, ...] = ()
    count: int = 0
    points: tuple[FaultPoint, ...] = ()
    deaths: int = 0
    delivery: str = "exactly_once"
    workers: int = 2
    partitions: int = 6
    per_second: int = 150
    nodes: int = 1
    proof: bool = False
    broken_every: int = 0
    static: bool = False
    small_disk: bool = False
    faked_clock: bool = False
    pause_seconds: float = 1.8 * SESSION_SECONDS
    backlog: int = 0
    spared: int = 0

    @property
    def swaps(self) -> bool:
        """Whether models are announced: the workers then have a store."""
        return MODEL_SWAPPED in self.faults


_KILLS = (KILL, TERMINATE, FREEZE)
_NETWORK = (RESET, LATENCY, HALF_OPEN)

_EXACTLY_ONCE: dict[str, Kind] = {
    "kills": Kind(
        what="kill -9, SIGTERM, SIGSTOP beyond the session time", faults=_KILLS, count=12, workers=3
    ),
    "deaths": Kind(
        what="workers die at named points of their work",
        points=EXACTLY_ONCE_POINTS,
        deaths=3,
        proof=True,
    ),
    "broker": Kind(
        what="the only broker killed and started",
        faults=(BROKER_KILL,),
        count=5,
        pause_seconds=LONG_PAUSE_SECONDS,
    ),
    "outage": Kind(what="the broker away for long", faults=(OUTAGE,), count=1),
    "network": Kind(
        what="connections reset, slow, half-open",
        faults=_NETWORK,
        count=6,
    ),
    "cluster": Kind(
        what="three brokers: one killed, leaders moved",
        faults=(NODE_KILL, LEADERS_ELECTED, NODE_KILL),
        count=6,
        nodes=3,
    ),
    "fenced": Kind(
        what="a producer of the same transactional id elsewhere", faults=(FENCED,), count=10
    ),
    "duplicate": Kind(
        what="a second worker with the same static id",
        faults=(DUPLICATE,),
        count=4,
        static=True,
    ),
    "poison": Kind(
        what="kills while one document in 64 is broken",
        faults=_KILLS,
        count=6,
        broken_every=64,
    ),
    "poison-rare": Kind(
        what="kills while one document in 1,000 is broken",
        faults=_KILLS,
        count=6,
        broken_every=1000,
    ),
    "poison-heavy": Kind(
        what="kills while one document in ten is broken",
        faults=_KILLS,
        count=6,
        broken_every=10,
    ),
    "shrunk": Kind(
        what="events larger than the broker takes, until the topic is mended",
        faults=(SHRUNK,),
        count=4,
    ),
    "storm": Kind(what="workers join and leave while others drain", faults=(STORM,), count=4),
    "disk": Kind(
        what="the broker's disk full", faults=(DISK_FULL,), count=3, small_disk=True, per_second=80
    ),
    "clock": Kind(
        what="the workers' clock jumps by an hour, both ways",
        faults=(CLOCK_FORWARD, CLOCK_BACK),
        count=6,
        faked_clock=True,
    ),
    "swaps": Kind(
        what="another model announced, back and forth", faults=(MODEL_SWAPPED,), count=25
    ),
    "swaps-kills": Kind(
        what="another model announced while workers die",
        faults=(MODEL_SWAPPED, KILL, MODEL_SWAPPED, TERMINATE, MODEL_SWAPPED, FREEZE),
        count=12,
        workers=3,
    ),
}
_AT_LEAST_ONCE: dict[str, dict[str, Any]] = {
    "kills": {},
    "deaths": {"points": AT_LEAST_ONCE_POINTS, "deaths": 2, "proof": False},
    "broker": {"count": 4},
    "network": {"count": 4},
}
"""What differs from the kind of that name, besides the delivery."""

KINDS: dict[str, Kind] = {
    **_EXACTLY_ONCE,
    **{
        f"{name}-at-least-once": replace(_EXACTLY_ONCE[name], delivery="at_least_once", **changes)
        for name, changes in _AT_LEAST_ONCE.items()
    },
    "soak": Kind(
        what="full rate, a fault every two minutes, a quarter of an hour at a time",
        faults=(KILL, BROKER_KILL, FREEZE, RESET, TERMINATE, HALF_OPEN, LATENCY),
        count=6,
        pause_seconds=144.0,
        backlog=4000,
        per_second=8000,
        spared=1,
    ),
    "short": Kind(
        what="a little of everything, in `make test`",
        faults=(KILL, TERMINATE, RESET, BROKER_KILL),
        count=4,
        points=("after_sends", "after_offsets"),
        deaths=1,
        partitions=4,
        per_second=100,
        proof=True,
    ),
}
