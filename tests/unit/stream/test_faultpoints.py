"""An armed worker dies where it was told to and says so; any other is not touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import get_args

import pytest

from onoma.settings import FaultPoint, Settings
from onoma.stream.faultpoints import Faultpoints

PROGRAM = """
import asyncio
import sys

from onoma import logs
from onoma.settings import Faults
from onoma.stream.faultpoints import Faultpoints

async def main(point, other):
    faultpoints = Faultpoints(Faults(die_at=point, die_at_pass=3))
    faultpoints.announce()
    for turn in range(1, 5):
        print(turn, flush=True)
        faultpoints.reach(other)
        faultpoints.reach(point)
        await asyncio.sleep(0.1)

logs.configure(level="warning", format_="json")
asyncio.run(main(*sys.argv[1:]))
"""
POINTS: tuple[FaultPoint, ...] = get_args(FaultPoint)


@pytest.mark.parametrize("point", ["after_sends", "in_commit"])
def test_a_worker_dies_at_the_pass_of_the_point_that_was_named(point: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, point, "before_next_read"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["1", "2", "3"]
    assert "fault point armed, this worker will kill itself" in ended.stderr
    assert "fault point reached, dying" in ended.stderr


def test_without_the_setting_every_point_is_passed() -> None:
    faultpoints = Faultpoints(Settings().faults)
    faultpoints.announce()

    for point in POINTS:
        faultpoints.reach(point)
