"""What runs is known from begin to end, and time in which nothing could run is nobody's."""

from __future__ import annotations

import pytest

from onoma.stream.stages import STOPPED_SECONDS, AwakeClock, LaneProgress, Stages


class Time:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_stage_runs_from_its_begin_to_its_end(time: Time) -> None:
    stages = Stages(time)

    with stages.running("publish", "partition 3"):
        time.now = 107.0
        (running,) = stages.now()
        assert (running.stage, running.where, running.since) == ("publish", "partition 3", 100.0)

    assert stages.now() == []


def test_a_stage_that_fails_has_ended(time: Time) -> None:
    stages = Stages(time)

    with pytest.raises(ValueError, match="on purpose"), stages.running("call"):
        raise ValueError("on purpose")

    assert stages.now() == []


def test_two_stages_of_one_kind_are_two_and_a_second_end_is_nothing(time: Time) -> None:
    stages = Stages(time)
    first = stages.begin("call")
    stages.begin("call")

    stages.end(first)
    stages.end(first)
    stages.end(None)

    assert len(stages.now()) == 1


def test_the_loop_runs_since_its_last_beat_until_it_rests(time: Time) -> None:
    stages = Stages(time)
    lanes = (LaneProgress(0, 5, True),)
    stages.beat(lanes)
    time.now = 101.0
    stages.beat(lanes)

    (running,) = stages.now()
    assert (running.stage, running.since) == ("loop", 101.0)
    assert stages.lanes == lanes

    stages.rest()
    assert stages.now() == []
    assert not stages.lanes


def test_the_clock_leaves_out_the_time_in_which_the_process_was_stopped(time: Time) -> None:
    clock = AwakeClock(time)
    time.now += 1.0
    clock.tick(1.0)
    assert clock() == 101.0

    time.now += 61.0
    clock.tick(1.0)

    assert clock() == 102.0


def test_the_clock_counts_a_look_that_is_a_little_late(time: Time) -> None:
    clock = AwakeClock(time)
    time.now += 1.0 + STOPPED_SECONDS

    clock.tick(1.0)

    assert clock() == 101.0 + STOPPED_SECONDS
