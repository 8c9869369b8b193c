"""Compares every input offset with what a reader at `read_committed` found: the proof of a run.

Exactly one event or dead letter for each input, in the order of its partition, on the partition of
its number, and the group's committed offset right behind the last one. With at_least_once an
outcome may come again, under the id that it had. Pure: how the records were read is the caller's
business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from onoma.contracts import deadletter
from onoma.contracts.records import Destination, Headers, header

Place = tuple[int, int]
"""Partition and offset of an input."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event or dead letter as it lies in its topic, and the input that it is about."""

    destination: Destination
    partition: int
    offset: int
    source: Place
    identity: str
    written_ms: int


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the documents; all but the first three and `repeated` ought to be zero."""

    documents: int
    events: int
    dead_letters: int
    lost: int
    twice: int
    repeated: int
    out_of_order: int
    misplaced: int
    wrong_offsets: int

    @property
    def faultless(self) -> bool:
        """Say whether every promise was kept."""
        broken = self.lost, self.twice, self.out_of_order, self.misplaced, self.wrong_offsets
        return not any(broken)


class _Source(msgspec.Struct, frozen=True):
    partition: int
    offset: int


class _Evidence(msgspec.Struct, frozen=True):
    source: _Source


class _Event(msgspec.Struct, frozen=True):
    event_id: str
    evidence: _Evidence


def seen_event(partition: int, offset: int, value: bytes, written_ms: int) -> Seen:
    """Return what the value of an entities.v1 says of its source."""
    event = msgspec.json.decode(value, type=_Event)
    source = (event.evidence.source.partition, event.evidence.source.offset)
    return Seen("entities", partition, offset, source, event.event_id, written_ms)


def seen_dead_letter(partition: int, offset: int, headers: Headers, written_ms: int) -> Seen:
    """Return what the headers of a dead letter say of its source."""
    source = (
        int(header(headers, deadletter.SOURCE_PARTITION) or -1),
        int(header(headers, deadletter.SOURCE_OFFSET) or -1),
    )
    return Seen("dead_letters", partition, offset, source, "dead letter", written_ms)


def account(
    inputs: Set[Place],
    seen: Sequence[Seen],
    committed: Mapping[int, int],
    *,
    repeats_allowed: bool,
) -> Account:
    """Account for every one of `inputs`; `committed` is the group's offset by partition."""
    outcomes: dict[Place, list[Seen]] = defaultdict(list)
    for each in sorted(seen, key=lambda each: (each.destination, each.partition, each.offset)):
        outcomes[each.source].append(each)
    repeated = sum(_same_again(of_one) for of_one in outcomes.values())
    other = sum(len(of_one) - 1 - _same_again(of_one) for of_one in outcomes.values())
    first = [of_one[0] for of_one in outcomes.values()]
    return Account(
        documents=len(inputs),
        events=sum(each.destination == "entities" for each in first),
        dead_letters=sum(each.destination == "dead_letters" for each in first),
        lost=len(inputs - outcomes.keys()),
        twice=other if repeats_allowed else other + repeated,
        repeated=repeated if repeats_allowed else 0,
        out_of_order=_out_of_order(first),
        misplaced=sum(
            each.source not in inputs or each.source[0] != each.partition for each in seen
        ),
        wrong_offsets=_wrong_offsets(inputs, committed),
    )


def _same_again(outcomes: Sequence[Seen]) -> int:
    """Count the outcomes behind the first that are the first again."""
    first = outcomes[0]
    same = ((each.destination, each.identity) for each in outcomes[1:])
    return sum(each == (first.destination, first.identity) for each in same)


def _out_of_order(outcomes: Iterable[Seen]) -> int:
    """Count the outcomes whose source lies before that of their predecessor in the same log."""
    logs: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for each in outcomes:
        logs[each.destination, each.partition].append(each)
    count = 0
    for log in logs.values():
        log.sort(key=lambda each: each.offset)
        sources = [each.source[1] for each in log]
        count += sum(after < before for before, after in pairwise(sources))
    return count


def _wrong_offsets(inputs: Set[Place], committed: Mapping[int, int]) -> int:
    """Count the partitions whose committed offset is not right behind their last input."""
    ends: dict[int, int] = {}
    for partition, offset in inputs:
        ends[partition] = max(ends.get(partition, 0), offset + 1)
    return sum(committed.get(partition) != end for partition, end in ends.items())
