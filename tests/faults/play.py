"""Plays one run: a plan, on a stage, under load; then every input offset is accounted for."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onoma.settings import load
from onoma.stream.chaos.figures import figures
from onoma.stream.chaos.plan import Fault, Step, draw
from onoma.stream.chaos.report import Played, Report, versions
from tests.faults.actions import ACTIONS, FROM_THE_END
from tests.faults.kinds import KINDS, SESSION_SECONDS, Kind
from tests.faults.load import Backlog, Load
from tests.faults.reader import account_for
from tests.faults.stage import Death, Stage, stage
from tests.faults.watch import Watch
from tests.kafka.runtime import kafka_version
from tests.stream.models import TwoVersions, events_by_place, expected_values, served

LONGEST_SECONDS = 270.0
"""After this no further death at a point is waited for."""
DRAIN_SECONDS = 180.0
"""How long nothing may be committed at the end; what is not there then counts as lost."""
PASSES = {"in_assignment": (1, 2), "in_revocation": (1, 2)}
MANY_PASSES = (2, 12)


def play(
    name: str, seed: int, directory: Path, *, outage_seconds: float = 30.0, count: int = 0
) -> Report:
    """Play the run `name` of `seed` and return its record; `count` faults, if given."""
    kind = replace(KINDS[name], count=count or KINDS[name].count)
    steps = draw(
        seed,
        [_lasting(fault, outage_seconds) for fault in kind.faults],
        count=kind.count,
        targets=12,  # a multiple of the numbers of workers, nodes and partitions
        session_seconds=kind.pause_seconds / 1.8,
    )
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    with stage(kind, _deaths(kind, seed), directory, f"{name}-{seed}") as set_:
        run = _Run(set_, seed)
        run.perform(steps)
        command = _command(name, seed, outage_seconds, count)
        return _report(run, name, seed, started_at, command)


def _lasting(fault: Fault, outage_seconds: float) -> Fault:
    return Fault("outage", (outage_seconds, outage_seconds)) if fault.name == "outage" else fault


def _command(name: str, seed: int, outage_seconds: float, count: int) -> str:
    outage = f" --outage-seconds {outage_seconds:g}" if name == "outage" else ""
    faults = f" --count {count}" if count else ""
    return f"python -m tests.faults.run {name} --seed {seed}{outage}{faults}"


def _deaths(kind: Kind, seed: int) -> list[Death]:
    chance = random.Random(seed)
    deaths = [
        Death(point, chance.randint(*PASSES.get(point, MANY_PASSES)))
        for point in kind.points
        for _ in range(kind.deaths)
    ]
    chance.shuffle(deaths)
    return deaths


class _Run:
    """A run under way, and what happened when."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.load = Load(
            stage.broker,
            stage.topics.documents,
            partitions=stage.kind.partitions,
            seed=seed,
            per_second=stage.kind.per_second,
            broken_every=stage.kind.broken_every,
            room=Backlog(stage.topics, stage.kind.backlog).room if stage.kind.backlog else None,
        )
        self.watch = Watch(lambda: stage.crew[0].worker.pid) if stage.kind.spared else None
        self.stopped_early = False
        self.began = 0.0
        self.ended = 0.0
        self.played: list[Played] = []
        self.faults_ms: list[int] = []
        self._behind = 0.0

    def perform(self, steps: Sequence[Step]) -> None:
        """Play the steps and wait until every document is done."""
        stage = self.stage
        stage.start()
        self.began = time.time()
        self.load.start()
        if self.watch is not None:
            self.watch.start()
        try:
            for step in steps:
                self._play(step)
            stage.run_for(SESSION_SECONDS)
            left = LONGEST_SECONDS - (time.time() - self.began)
            stage.run_until(stage.all_died, max(0.0, left))
        except KeyboardInterrupt:
            # A piece of a soak counts for what it was; any other run is its whole plan.
            if not stage.kind.backlog:
                raise
            self.stopped_early = True
        finally:
            self.load.stop()
            if self.watch is not None:
                self.watch.stop()
        for member in stage.crew:
            member.deaths.clear()
        self._finish()

    def _play(self, step: Step) -> None:
        self.stage.run_for(self.began + self._behind + step.at_seconds - time.time())
        at = time.time()
        ACTIONS[step.fault](self.stage, step)
        # A broker may take its time to start: the next fault keeps its distance all the same.
        due = self.began + step.at_seconds + step.lasts_seconds
        self._behind = max(self._behind, time.time() - due)
        self.faults_ms.append(round(1000 * (time.time() if step.fault in FROM_THE_END else at)))
        self.played.append(
            Played(round(at - self.began, 1), step.fault, step.target, step.lasts_seconds)
        )

    def _finish(self) -> None:
        """Wait for the last document, then stop the crew."""
        stage = self.stage
        before = -1
        # After a long outage there is much to do: as long as it goes on, it is waited for.
        while not stage.run_until(stage.topics.done, DRAIN_SECONDS):
            committed = stage.topics.committed()
            if committed <= before:
                break
            before = committed
        self.ended = time.time()
        for member in stage.crew:
            member.down_on_purpose = True
            if member.worker.exit_code is None:
                stage.note_failure(member.worker.stop())
        for when, number, point in stage.died:
            self.played.append(Played(round(when - self.began, 1), f"death {point}", number, 0.0))
            self.faults_ms.append(round(1000 * when))


def _swapped(stage: Stage, models: TwoVersions) -> dict[str, Any]:
    """Hold every tenth event against what the version that it names makes of its document alone."""
    events = events_by_place(stage.topics)
    looked_at = {place: value for place, value in events.items() if place[1] % 10 == 0}
    known = models.versions(load(stage.crew[0].worker.config_file))
    expected = expected_values(stage.topics, looked_at, known)
    return {
        "events_by_version": dict(sorted(served(events).items())),
        "versions_looked_at": len(expected),
        "wrong_versions": sum(looked_at[place] != value for place, value in expected.items()),
        "resident_mib": [round(each, 1) for each in stage.resident_mib],
    }


def _report(run: _Run, name: str, seed: int, started_at: str, command: str) -> Report:
    stage, kind = run.stage, run.stage.kind
    account, seen = account_for(stage.topics, repeats_allowed=kind.delivery == "at_least_once")
    notes: dict[str, Any] = {
        "published": run.load.published,
        "load_average": round(os.getloadavg()[0], 1),
        "workers_failed": {str(code): count for code, count in sorted(stage.failed.items())},
    }
    if stage.models is not None:
        notes |= _swapped(stage, stage.models)
    if kind.broken_every:
        notes["broken"] = run.load.broken
    if run.stopped_early:
        notes["stopped_early"] = True
    if run.watch is not None:
        notes["watched"] = run.watch.told()
    if kind.delivery == "exactly_once":
        notes["aborted_records"] = stage.broker.aborted_records(stage.topics.entities)
        notes["proof"] = not kind.proof or notes["aborted_records"] > 0
    return Report(
        kind=name,
        seed=seed,
        delivery=kind.delivery,
        workers=kind.workers,
        partitions=kind.partitions,
        seconds=round(run.ended - run.began, 1),
        started_at=started_at,
        faults=sorted(run.played, key=lambda played: played.at_seconds),
        account=account,
        figures=figures(seen, round(1000 * run.began), run.faults_ms),
        command=command,
        versions=versions(kafka=kafka_version()),
        notes=notes,
    )
