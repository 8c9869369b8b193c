"""The page adds records up and hides nothing; the table of kinds holds what can be played."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from onoma.settings import FaultPoint
from onoma.stream.chaos.account import Account
from onoma.stream.chaos.figures import Figures
from onoma.stream.chaos.report import Played, Report
from tests.faults.actions import ACTIONS, FROM_THE_END
from tests.faults.kinds import EXACTLY_ONCE_POINTS, KINDS
from tests.faults.page import page
from tests.faults.results import Record

CLEAN = Account(
    documents=1000,
    events=1000,
    dead_letters=0,
    lost=0,
    twice=0,
    repeated=0,
    out_of_order=0,
    misplaced=0,
    wrong_offsets=0,
)


def record(seed: int, account: Account = CLEAN, **notes: object) -> Record:
    return Report(
        kind="kills",
        seed=seed,
        delivery="exactly_once",
        workers=2,
        partitions=6,
        seconds=100.0,
        started_at="2026-01-01T00:00:00+00:00",
        faults=[Played(7.0, "kill", 0, 0.0), Played(17.0, "freeze", 1, 9.0)],
        account=account,
        figures=Figures(5.0 + seed, 4.0, 7.0),
        command=f"python -m tests.faults.run kills --seed {seed}",
        versions={"onoma": "1"},
        notes=notes,
    ).as_json()


def test_runs_of_a_kind_add_up() -> None:
    text = page([record(1, workers_failed={"1": 3, "-15": 1}), record(2)])

    (row,) = [line for line in text.splitlines() if line.startswith("| **kills**")]
    assert "| 2 | 4 | 2,000 | 0 | 0 | 0 | 0 | 3 | 7.0 s | 4.0 s, 7.0 s | 200 |" in row
    assert "| freeze | 2 | 0 |" in text
    assert "None." in text


@pytest.mark.parametrize("broken", [{"lost": 1}, {"twice": 2}, {"wrong_offsets": 1}], ids=str)
def test_a_run_that_broke_a_promise_is_named(broken: dict[str, int]) -> None:
    text = page([record(1), record(2, replace(CLEAN, **broken))])

    (line,) = [line for line in text.splitlines() if line.startswith("- `python")]
    assert "--seed 2" in line
    assert "None." not in text


def test_a_run_that_proves_nothing_is_named() -> None:
    assert "no aborted record, so no proof" in page([record(1, proof=False)])


def test_a_worker_that_hung_is_told_with_its_deadline() -> None:
    kind = {
        "what": "a blocked event loop",
        "stage": "loop",
        "knob": "watchdog.loop_seconds",
        "deadline_seconds": 10,
        "seconds": 13.2,
    }

    text = page([record(1)], {"command": "python", "documents": 200, "kinds": [kind]})

    row = "| a blocked event loop | loop | 10 s (`watchdog.loop_seconds`) | 13.2 s | 3.2 s |"
    assert row in text.splitlines()


def test_members_that_come_and_go_are_told_with_what_it_cost() -> None:
    account = {
        "documents": 5000,
        "lost": 0,
        "twice": 0,
        "longest_stall_seconds": 1.25,
        "longest_rest_of_a_partition_seconds": 8.5,
    }
    restarted = {
        "session_seconds": 45,
        "restarts": [{"seconds": 3.21}, {"seconds": 4.0}],
        "longest_joining_seconds": 1.04,
        "rebalances_of_the_other": 0,
        **account,
    }
    scaled = [{"membership": "dynamic", **account}]

    members = {"command": "c", "load_average": 7.5, "restarted": restarted, "scaled": scaled}

    text = page([record(1)], None, members)

    assert "back 3.2 to 4.0 s after the kill, at most 1.0 s after" in text
    assert "took part in 0 rebalances" in text
    assert "| 1, 3, 1 | dynamic | 5,000 | 0 | 0 | 1.2 s | 8.5 s |" in text


def test_the_pieces_of_a_soak_add_up() -> None:
    watched = {
        "memory_mb_per_hour": 1.25,
        "memory_mb_first_last": [300.0, 300.5],
        "handles_first_last": [40, 41],
    }

    text = page([record(1, watched=watched), record(2, watched=watched)])

    assert "3 minutes at full rate in 2 pieces." in text
    assert "| 2 | 1.7 | 10 | 2 | 300.0 to 300.5 | 1.2 | 40 to 41 |" in text


def test_every_fault_of_every_kind_can_be_played_and_every_point_is_died_at() -> None:
    names = {fault.name for kind in KINDS.values() for fault in kind.faults}

    assert names == ACTIONS.keys()
    assert set(FROM_THE_END) < names
    assert set(EXACTLY_ONCE_POINTS) == set(get_args(FaultPoint))
