"""The watchdog looks at stages and broker, shows how long stages run, and ends the process."""

from __future__ import annotations

import subprocess
import sys

from onoma.metrics import Metrics
from onoma.settings import Settings
from onoma.stream.stages import AwakeClock, LaneProgress, Stages
from onoma.stream.stalls import LOOKS, Sighting, Stall, deadlines
from onoma.stream.watchdog import LOOK_SECONDS, Watchdog


class Watched:
    """A watchdog on a clock of its own, with a broker that answers unless told otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.ended: list[Stall] = []
        self.answers = True
        self.ends = {0: 0}
        self.metrics = Metrics(languages=(), labels=("PER",), model="fake")
        clock = AwakeClock(lambda: self.seconds)
        self.stages = Stages(clock)
        self._watchdog = Watchdog(
            Settings(),
            self.stages,
            self.metrics,
            clock=clock,
            sighting=self._sighting,
            end=self.ended.append,
        )

    def pass_(self, seconds: float, *, looking: bool = True) -> None:
        """Let time pass, with a look each second, or with one at the end as after a SIGSTOP."""
        if not looking:
            self.seconds += seconds
            self._watchdog.look()
            return
        for _ in range(int(seconds / LOOK_SECONDS)):
            self.seconds += LOOK_SECONDS
            self._watchdog.look()

    def running_seconds(self, stage: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            "onoma_stage_running_seconds", {"stage": stage}
        )

    def _sighting(self) -> Sighting:
        return Sighting(0.0, self.seconds, self.ends) if self.answers else Sighting()


def test_a_stage_that_hangs_ends_the_process_within_a_minute_of_its_deadline() -> None:
    watched = Watched()
    watched.stages.begin("publish", "partition 3")

    deadline = deadlines(Settings())["publish"].seconds
    watched.pass_(deadline)
    assert watched.ended == []
    watched.pass_(60)

    first = watched.ended[0]
    assert (first.stage, first.where) == ("publish", "partition 3")
    assert first.seconds <= deadline + LOOKS


def test_a_lane_that_gets_nothing_ends_the_process() -> None:
    watched = Watched()
    watched.ends = {0: 7}
    for _ in range(200):
        watched.stages.beat((LaneProgress(0, 5, True),))
        watched.pass_(1)

    assert {stall.stage for stall in watched.ended} == {"fetch"}


def test_while_the_broker_is_away_only_what_needs_no_broker_ends_it() -> None:
    watched = Watched()
    watched.answers = False
    for stage in ("join", "rebalance", "leave", "publish"):
        watched.stages.begin(stage)
    watched.pass_(1000)
    assert watched.ended == []

    watched.stages.begin("call", "onoma-0")
    watched.pass_(1000)
    assert watched.ended[0].stage == "call"


def test_a_process_that_was_stopped_for_an_hour_goes_on_when_it_is_let_go_on() -> None:
    watched = Watched()
    watched.stages.beat(())
    watched.stages.begin("call", "onoma-0")
    watched.pass_(3600, looking=False)
    watched.stages.beat(())

    watched.pass_(50)

    assert watched.ended == []


def test_the_metric_shows_the_longest_of_each_stage() -> None:
    watched = Watched()
    watched.stages.begin("call", "onoma-0")
    watched.pass_(10)
    watched.stages.begin("call", "onoma-1")
    watched.pass_(5)

    assert watched.running_seconds("call") == 15.0
    assert watched.running_seconds("publish") == 0.0


def test_the_end_is_exit_code_75_and_one_line_even_from_a_thread_of_a_hung_process() -> None:
    program = """
import threading
from onoma.settings import Settings
from onoma.stream.stalls import Stall, deadlines
from onoma.stream.watchdog import end_process
stall = Stall("loop", "", 61.0, deadlines(Settings())["loop"])
threading.Thread(target=end_process, args=(stall,)).start()
threading.Event().wait()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 75
    assert done.stderr == (
        "onoma: stage loop has run for 61 s, its deadline is 60 s (watchdog.loop_seconds); this "
        "worker is stuck and ends, to be started again; what it had not committed is read again\n"
    )
