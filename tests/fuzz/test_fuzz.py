"""The fuzzer tries what it says, and would see what is wrong; a short run of it finds nothing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from onoma.contracts.entities import Coverage, Entities
from onoma.ner.wordhash import Inputs
from onoma.pipeline import Annotated, DeadLettered, Versions, process
from tests.fakes import FakeGraph, record, text_record, versions
from tests.fuzz.inputs import records
from tests.fuzz.invariants import BrokenError, check
from tests.fuzz.run import BATCH, Piece, add, findings_of, outcomes_of
from tests.unit.stream.test_scheduler import on_graph

VERSIONS = versions(names={"Abuja": "B-LOC"}, quiet=True)
SEED = 20
BATCHES = 40


def test_a_short_run_finds_nothing() -> None:
    for number in range(BATCHES):
        assert findings_of(records(SEED, number, BATCH), SEED, number, versions()) == []


def test_records_follow_from_their_numbers_and_reach_most_outcomes() -> None:
    batches = [records(SEED, number, BATCH) for number in range(BATCHES)]
    outcomes = [each for batch in batches for each in outcomes_of(batch, VERSIONS)]
    reasons = {each.rejected.reason for each in outcomes if isinstance(each, DeadLettered)}

    assert batches[3] == records(SEED, 3, BATCH)
    assert batches[3] != batches[4]
    assert sum(isinstance(each, Annotated) for each in outcomes) > len(outcomes) / 5
    assert len(reasons) >= 10


Change = Callable[[Entities], Entities]


def _covered(**fields: object) -> Change:
    def change(event: Entities) -> Entities:
        coverage: Coverage = msgspec.structs.replace(event.coverage, **fields)
        return msgspec.structs.replace(event, coverage=coverage)

    return change


def _first_entity(**fields: object) -> Change:
    def change(event: Entities) -> Entities:
        (entity,) = event.entities
        return msgspec.structs.replace(event, entities=(msgspec.structs.replace(entity, **fields),))

    return change


@pytest.mark.parametrize(
    "change",
    [
        _covered(ratio=0.999999),
        _covered(characters_read=3),
        _covered(truncated=True),
        _first_entity(start=11),
        _first_entity(text="Zaria"),
        _first_entity(end=40),
        _first_entity(score=1.5),
        lambda event: msgspec.structs.replace(event, text_length=3),
        lambda event: msgspec.structs.replace(event, text_sha256="0" * 64),
        lambda event: msgspec.structs.replace(event, entities=event.entities * 2),
    ],
)
def test_an_event_that_is_not_what_was_promised_is_seen(change: Change) -> None:
    source = text_record("They met in Abuja.")
    outcome = process(source, VERSIONS)
    assert isinstance(outcome, Annotated)
    check(source, outcome, VERSIONS, by_schema=True)

    changed = dataclasses.replace(outcome, event=change(outcome.event))
    with pytest.raises(BrokenError):
        check(source, changed, VERSIONS, by_schema=False)


def test_a_dead_letter_that_lost_a_header_is_seen() -> None:
    source = record(b"{", headers=(("trace", b"1"),))
    outcome = process(source, VERSIONS)
    assert isinstance(outcome, DeadLettered)
    check(source, outcome, VERSIONS, by_schema=True)

    output = dataclasses.replace(outcome.output, headers=outcome.output.headers[1:])
    with pytest.raises(BrokenError):
        check(source, dataclasses.replace(outcome, output=output), VERSIONS, by_schema=False)


class Fails:
    """A graph that can't bear long words."""

    def __call__(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        if inputs["bytes"][:, 15].any():
            raise RuntimeError
        return FakeGraph()(inputs)


def test_a_record_that_a_stage_fails_on_is_named_and_kept(tmp_path: Path) -> None:
    by: Versions = on_graph(Fails())
    batch = [text_record("a short one"), text_record("a" * 16), text_record("another")]

    (finding,) = findings_of(batch, 7, 3, by)

    assert (finding["problem"], finding["place"]) == ("raised RuntimeError", 1)
    piece = Piece(7, inputs=64, seconds=1.5, findings=[finding])
    add(piece, tmp_path / "record.json")
    assert add(piece, tmp_path / "record.json")["inputs"] == 128
    assert json.loads((tmp_path / "record.json").read_text())["findings"] == 2
