"""Lets a worker die at a named point of its work, for fault tests only.

The settings section `faults` names the point and the pass at which the worker kills itself, as
`kill -9` would: no handler runs, no connection is closed. The document service, its outbox and its
ownership call `reach` at the points; without the setting that does nothing. The rule: an armed
worker says so before it takes a partition, and says where it dies before it does.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import structlog

from onoma.settings import FaultPoint, Faults

log = structlog.get_logger(__name__)

Reach = Callable[[FaultPoint], None]

IN_COMMIT_SECONDS = 0.002
"""From asking for a commit to death: about half of what a commit takes on loopback, so that the
request is often on its way and its answer is not."""


class Faultpoints:
    """Counts the passes of the one point at which the worker is to die."""

    def __init__(self, settings: Faults) -> None:
        self._settings = settings
        self._passes = 0

    def announce(self) -> None:
        """Warn that this worker will kill itself, if it will."""
        if self._settings.die_at is not None:
            log.warning(
                "fault point armed, this worker will kill itself",
                die_at=self._settings.die_at,
                die_at_pass=self._settings.die_at_pass,
            )

    def reach(self, point: FaultPoint) -> None:
        """Note that `point` is passed; do not return from the pass that was asked for."""
        if point != self._settings.die_at:
            return
        self._passes += 1
        if self._passes != self._settings.die_at_pass:
            return
        if point == "in_commit":
            asyncio.get_running_loop().call_later(IN_COMMIT_SECONDS, self._die)
        else:
            self._die()

    def _die(self) -> None:
        log.warning("fault point reached, dying", die_at=self._settings.die_at)
        os.kill(os.getpid(), signal.SIGKILL)


def unarmed(_: FaultPoint) -> None:
    """Reach a point of a part that stands alone: nothing happens."""
