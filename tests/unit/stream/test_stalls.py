"""A stage that overran its own deadline is a stall; an outage, however long, is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onoma.metrics import WATCHED_STAGES
from onoma.settings import Settings, Watchdog
from onoma.stream.stages import LaneProgress, Running, Stage
from onoma.stream.stalls import LOOKS, Judge, Sighting, Stall, deadlines

DEADLINES = deadlines(Settings())
STAGES: tuple[Stage, ...] = get_args(Stage)
OF_THE_BROKER = [stage for stage in STAGES if DEADLINES[stage].needs_broker]
OF_THE_WORKER = [stage for stage in STAGES if not DEADLINES[stage].needs_broker]


def answering(since: float, at: float, **ends: int) -> Sighting:
    return Sighting(since, at, {int(name[1:]): end for name, end in ends.items()})


def judged(
    running: Iterable[Running], looks: Iterable[tuple[float, Sighting]]
) -> list[Stall | None]:
    judge, stages = Judge(DEADLINES), list(running)
    return [judge.stall(now, stages, sighting) for now, sighting in looks]


def always_answering(*times: float) -> list[tuple[float, Sighting]]:
    return [(now, answering(0.0, now)) for now in times]


def test_every_stage_has_a_deadline_and_a_metric() -> None:
    assert DEADLINES.keys() == set(STAGES) == set(WATCHED_STAGES)


def test_deadlines_that_are_not_set_follow_what_work_in_good_order_may_take() -> None:
    slow = Settings.model_validate(
        {
            "kafka": {"rebalance_timeout_seconds": 600},
            "delivery": {"publish_timeout_seconds": 60, "transaction_timeout_seconds": 70},
        }
    )

    assert (DEADLINES["publish"].seconds, DEADLINES["rebalance"].seconds) == (120, 300)
    assert deadlines(slow)["publish"].seconds == 200
    assert deadlines(slow)["join"].seconds == 600 + 45 + 135


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_stuck_when_it_is_over_its_deadline_at_three_looks(stage: Stage) -> None:
    over = DEADLINES[stage].seconds + 1

    first, second, third = judged(
        [Running(stage, "here", 0.0)], always_answering(over, over + 1, over + 2)
    )

    assert (first, second) == (None, None)
    assert third is not None
    assert (third.stage, third.where, third.seconds) == (stage, "here", over + 2)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_at_its_deadline_is_in_time(stage: Stage) -> None:
    assert (
        judged([Running(stage, "", 0.0)], always_answering(*[DEADLINES[stage].seconds] * 5))
        == [None] * 5
    )


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "quarantine"])
def test_a_deadline_of_zero_is_none(stage: Stage) -> None:
    off = Watchdog(
        loop_seconds=0,
        call_seconds=0,
        fetch_seconds=0,
        publish_seconds=0,
        rebalance_seconds=0,
        load_seconds=0,
    )
    judge, running = Judge(deadlines(Settings(watchdog=off))), [Running(stage, "", 0.0)]

    found = [judge.stall(now, running, sight) for now, sight in always_answering(*[1e9] * 5)]

    assert found == [None] * 5


@pytest.mark.parametrize("stage", OF_THE_BROKER)
def test_an_outage_of_any_length_is_no_stall_and_time_counts_from_its_end(stage: Stage) -> None:
    seconds = DEADLINES[stage].seconds
    running = [Running(stage, "", 0.0)]
    judge = Judge(DEADLINES)
    for look in range(100):
        assert judge.stall(1000.0 * look, running, Sighting()) is None
    back = 100_000.0
    for now in (back, back + seconds / 2, back + seconds):
        assert judge.stall(now, running, answering(back, now)) is None

    found = [judge.stall(back + seconds + n, running, answering(back, back + seconds + n))
             for n in range(1, 1 + LOOKS)]  # fmt: skip

    assert found[-1] is not None


@pytest.mark.parametrize("stage", OF_THE_BROKER)
def test_nothing_is_concluded_from_a_broker_that_was_not_heard_since(stage: Stage) -> None:
    heard = answering(0.0, DEADLINES[stage].seconds)

    assert judged([Running(stage, "", 0.0)], [(1e6 + n, heard) for n in range(5)]) == [None] * 5


@pytest.mark.parametrize("stage", OF_THE_WORKER)
def test_a_hung_call_or_loop_is_a_stall_whatever_the_broker_does(stage: Stage) -> None:
    over = DEADLINES[stage].seconds + 1

    found = judged([Running(stage, "", 0.0)], [(over + n, Sighting()) for n in range(LOOKS)])

    assert found[-1] is not None


def test_a_stage_that_ended_between_the_looks_is_no_stall() -> None:
    judge = Judge(DEADLINES)
    running = Running("call", "thread", 0.0)
    for now, sighting in always_answering(1000, 1001):
        assert judge.stall(now, [running], sighting) is None

    assert judge.stall(1002, [], answering(0, 1002)) is None
    assert judge.stall(1003, [running], answering(0, 1003)) is None


def test_the_message_names_stage_place_deadline_and_knob_and_what_was_seen_of_the_broker() -> None:
    found = judged([Running("publish", "partition 3", 0.0)], always_answering(131, 131, 131))[-1]

    assert str(found) == (
        "stage publish (partition 3) has run for 131 s, its deadline is 120 s "
        "(watchdog.publish_seconds); the broker answers, so this worker is stuck and ends, to be "
        "started again; what it had not committed is read again"
    )


class Fetching:
    """A judge that looks at one lane once a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self._judge = Judge(DEADLINES)

    def look(self, *, position: int, end: int, has_room: bool = True, seconds: int = 1) -> bool:
        """Look for `seconds`; say whether it is a stall at the end."""
        stall = None
        for _ in range(seconds):
            self.now += 1
            sighting = answering(0.0, self.now, p0=end)
            lanes = [LaneProgress(0, position, has_room)]
            starving = self._judge.starving(self.now, lanes, sighting)
            stall = self._judge.stall(self.now, starving, sighting)
        return stall is not None


def test_a_consumer_that_receives_nothing_of_what_is_there_is_stuck() -> None:
    fetching = Fetching()

    assert not fetching.look(position=5, end=6, seconds=121)
    assert fetching.look(position=5, end=7, seconds=1 + LOOKS)


def test_a_consumer_that_receives_a_little_now_and_then_is_not_stuck() -> None:
    fetching = Fetching()

    assert not any(
        fetching.look(position=position, end=1000, seconds=100) for position in range(20)
    )


def test_a_consumer_at_the_end_is_not_stuck() -> None:
    assert not Fetching().look(position=6, end=6, seconds=1000)


def test_a_lane_without_room_is_not_fetched_for_and_not_stuck() -> None:
    fetching = Fetching()

    assert not fetching.look(position=5, end=6, has_room=False, seconds=1000)
    assert not fetching.look(position=5, end=6, seconds=100)


def test_a_partition_whose_end_was_not_seen_is_not_judged() -> None:
    judge = Judge(DEADLINES)

    assert judge.starving(1.0, [LaneProgress(1, 0, True)], answering(0.0, 1.0, p0=9)) == []


@given(
    stages=st.lists(st.tuples(st.sampled_from(STAGES), st.floats(0, 1000)), min_size=1, max_size=5),
    answers=st.lists(st.booleans(), min_size=1, max_size=40),
)
def test_a_stall_is_always_of_a_stage_that_ran_too_long_with_the_broker_there(
    stages: list[tuple[Stage, float]], answers: list[bool]
) -> None:
    judge = Judge(DEADLINES)
    running = [Running(stage, str(n), since) for n, (stage, since) in enumerate(stages)]
    sighting = Sighting()
    for look, answers_now in enumerate(answers):
        now = 1000.0 + 50 * look
        since = now if sighting.since is None else sighting.since
        sighting = answering(since, now) if answers_now else Sighting()
        begun = [each for each in running if each.since <= now]

        stall = judge.stall(now, begun, sighting)

        if stall is not None:
            stuck = running[int(stall.where)]
            assert now - stuck.since > DEADLINES[stuck.stage].seconds
            assert stall.seconds <= now - stuck.since + 1e-6
            if DEADLINES[stuck.stage].needs_broker:
                assert all(answers[max(0, look - LOOKS + 1) : look + 1])
