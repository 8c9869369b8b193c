"""A document that kills its workers is known after two deaths, whoever owned its partition."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from aiokafka.structs import OffsetAndMetadata
from hypothesis import given
from hypothesis import strategies as st

from onoma.stream.attempts import Attempts
from onoma.stream.lane import Entry, Lane
from tests.unit.stream.test_lane import OUTCOME, PARTITION, Seeks, batch

FLIGHT = 8


@dataclass
class Group:
    """What survives a worker: the committed offset with its metadata."""

    committed: OffsetAndMetadata | None = None

    def lane(self, owner: str) -> Lane:
        offset = self.committed.offset if self.committed else 0
        attempts = Attempts.found(self.committed, offset, owner=owner, stretch=2 * FLIGHT)
        return Lane(PARTITION, offset, max_documents=FLIGHT, max_bytes=10**6, attempts=attempts)

    def publish(self, lane: Lane, head: list[Entry]) -> None:
        offset = head[-1].record.offset + 1 if head else lane.next_offset
        self.committed = lane.attempts.on_from(offset, len(head))
        lane.attempts.noted = True
        lane.commit(offset)

    def give_back(self, lane: Lane) -> None:
        self.committed = lane.attempts.at_rest(lane.next_offset) or self.committed


def work(group: Group, owner: str, *, poison: int, end: int, at_once: int = 3) -> str:
    """Let one process work on until it is done, dies, or finds the one that kills."""
    lane = group.lane(owner)
    group.publish(lane, [])
    waiting: list[Entry] = []
    while lane.next_offset < end:
        if lane.has_room() and lane.fetch_offset < end:
            last = min(end, lane.fetch_offset + FLIGHT)
            lane.accept(batch(*range(lane.fetch_offset, last)), lane.request())
        waiting += lane.startable()
        now, waiting = waiting[:at_once], waiting[at_once:]
        for entry in now:
            if entry.record.offset == poison:
                return "found" if lane.attempts.suspects(poison) else "died"
            lane.finish(entry, OUTCOME)
        group.publish(lane, now)
    group.give_back(lane)
    return "done"


@given(poison=st.integers(0, 60), at_once=st.integers(1, FLIGHT))
def test_a_document_that_kills_is_tried_alone_after_two_deaths(poison: int, at_once: int) -> None:
    group = Group()
    ends: list[str] = []
    while not ends or ends[-1] == "died":
        ends.append(work(group, f"w{len(ends)}", poison=poison, end=80, at_once=at_once))

    assert ends == ["died", "died", "found"]


def test_the_rest_of_the_stretch_is_read_carefully_by_whoever_takes_the_partition_next() -> None:
    group = Group()
    assert work(group, "first", poison=5, end=80) == "died"
    lane = group.lane("second")
    group.publish(lane, [])
    taken = lane.accept(batch(*range(lane.next_offset, lane.next_offset + 4)), lane.request())
    assert taken is not None
    (head,) = lane.startable()
    lane.finish(head, OUTCOME)
    group.publish(lane, [head])
    group.give_back(lane)

    assert group.lane("third").attempts.careful == 2 * FLIGHT


def test_a_partition_that_was_given_back_in_order_is_read_at_full_speed() -> None:
    group = Group()
    assert work(group, "first", poison=-1, end=20) == "done"

    assert group.lane("second").attempts.deaths == 0
    assert group.lane("second").attempts.careful == 0


def test_a_process_that_finds_its_own_attempt_did_not_die() -> None:
    group = Group()
    lane = group.lane("first")
    group.publish(lane, [])

    assert group.lane("first").attempts.deaths == 0
    assert group.lane("second").attempts.deaths == 1


@pytest.mark.parametrize(
    "metadata",
    ["", "not JSON", "[]", '{"onoma":2,"attempts":9}', '{"attempts":9}', '{"onoma":1}'],
)
def test_metadata_of_others_says_nothing(metadata: str) -> None:
    group = Group(OffsetAndMetadata(7, metadata))

    assert group.lane("first").attempts.deaths == 0


def test_while_one_may_have_killed_only_the_first_of_the_lane_is_begun() -> None:
    attempts = Attempts(10, "me", deaths=1, careful=2)
    lane = Lane(PARTITION, 10, max_documents=8, max_bytes=1000, attempts=attempts)
    lane.accept(batch(10, 11, 13, 14, 15), lane.request())

    begun = []
    for after in (11, 12, 14):
        begun.append([entry.record.offset for entry in lane.startable()])
        assert lane.startable() == []
        lane.commit(after)
    assert begun == [[10], [11], [13, 14, 15]]


def test_a_lane_that_goes_elsewhere_knows_of_no_deaths_there() -> None:
    attempts = Attempts(10, "me", deaths=2, careful=2)
    lane = Lane(PARTITION, 10, max_documents=8, max_bytes=1000, attempts=attempts)
    lane.accept(batch(10, 11), lane.request())
    lane.restart_at(5, Seeks())

    assert not attempts.suspects(5)
    assert not attempts.noted
    assert lane.startable() == []


def test_nothing_is_fetched_before_the_attempt_is_noted() -> None:
    lane = Group().lane("first")
    assert not lane.has_room()

    Group().publish(lane, [])

    assert lane.has_room()


def test_without_a_quarantine_nothing_is_written_beside_offsets() -> None:
    attempts = Attempts(3)

    assert attempts.on_from(4, 1) == (4, "")
    assert attempts.at_rest(4) is None
