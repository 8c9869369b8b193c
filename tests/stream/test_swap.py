"""A model is swapped while documents flow: none fails, each event is what its version alone makes.

`SWAPS=50 pytest tests/stream/test_swap.py -k back_and_forth` is the long run; with `SWAPS_REPORT`
set to a file it leaves its figures there.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from onoma.cli.promoting import desk_of
from onoma.contracts.notice import MODEL_KEY, Notice, decode
from onoma.errors import FatalError
from onoma.pipeline import Versions
from onoma.registry import bundle
from onoma.registry.signing import read_private_key, signed
from onoma.registry.store import Store
from onoma.settings import Settings, load
from onoma.stream.app import pinned_versions
from onoma.stream.promoting import promote, roll_back
from tests.conftest import Unique
from tests.kafka.broker import KafkaBroker
from tests.keys import Keys
from tests.notices import kept
from tests.stream.conftest import NewWorker
from tests.stream.models import (
    announce,
    events_by_place,
    expected_values,
    other_version,
    served,
)
from tests.stream.topics import Topics, publish, short_documents
from tests.stream.worker import Worker
from tests.tiny_bundle import pass_unjudged

SWAPS = int(os.environ.get("SWAPS", "4"))
REPORT = os.environ.get("SWAPS_REPORT")
DOCUMENTS_PER_SWAP = 100
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Stage:
    """A worker that follows a control topic of its own."""

    topics: Topics
    store: Store
    worker: Worker

    @classmethod
    def build(
        cls,
        kafka: KafkaBroker,
        unique: Unique,
        tmp_path: Path,
        new_worker: NewWorker,
        **store: object,
    ) -> Stage:
        topics = Topics.named(kafka, unique)
        root = tmp_path / "store"
        root.mkdir()
        worker = new_worker(topics.config(store={"path": str(root), **store}))
        made = worker.command("topics", "create", "--partitions", "2")
        assert made.returncode == 0, made.stderr
        return cls(topics, Store(root), worker)

    @property
    def settings(self) -> Settings:
        return load(self.worker.config_file)

    def command(self, *arguments: str) -> dict[str, Any]:
        done = self.worker.command("model", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def announce(self, value: Notice | bytes) -> None:
        announce(self.topics, value)

    def announced(self) -> list[Notice]:
        return [decode(each.value or b"") for each in self.topics.broker.read(self.topics.models)]

    def notices(self, outcome: str) -> float:
        return self.worker.metric("onoma_notices_total", kind="model", outcome=outcome)

    def wait_for(self, outcome: str, count: int) -> None:
        self.worker.wait_until(
            lambda: self.notices(outcome) >= count, f"{count} notices are {outcome}"
        )

    def publish(self, start: int, count: int) -> None:
        documents = short_documents(count, partitions=2, seed=start, start=start)
        publish(self.topics.broker, self.topics.documents, documents)

    def versions_of(self, directory: Path) -> Versions:
        return pinned_versions(self.settings, bundle.load(directory))


def test_a_model_is_swapped_back_and_forth_under_load(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    stage = Stage.build(kafka, unique, tmp_path, new_worker)
    other = pass_unjudged(other_version(tmp_path / "other"))
    checked = stage.worker.command("check")
    assert checked.returncode == 0, checked.stdout
    stage.worker.start()
    stage.worker.wait_ready()

    # The first promotion keeps what the settings serve too, so both can be announced from there.
    stage.publish(0, DOCUMENTS_PER_SWAP)
    promoted = msgspec.convert(stage.command("promote", str(other)), Notice)
    assert promoted.base is not None
    both = (stage.store.notice_of("model", promoted.base), promoted)
    stage.wait_for("served", 1)
    published, resident, seconds = DOCUMENTS_PER_SWAP, [], []
    for swap in range(1, SWAPS):
        stage.publish(published, DOCUMENTS_PER_SWAP)
        published += DOCUMENTS_PER_SWAP
        announced = time.perf_counter()
        stage.announce(both[(swap + 1) % 2])
        stage.wait_for("served", swap + 1)
        seconds.append(time.perf_counter() - announced)
        resident.append(psutil.Process(stage.worker.pid).memory_info().rss / MIB)
    stage.topics.wait_done(120)

    events = events_by_place(stage.topics, until=published)
    known = {
        each.model.sha256: each
        for each in (stage.versions_of(bundle.default_directory()), stage.versions_of(other))
    }
    assert len(events) == published
    assert kafka.read(stage.topics.dead_letters) == []
    assert events == expected_values(stage.topics, events, known)
    assert set(served(events)) == {each.model.version for each in known.values()}
    # A model is about eleven MiB of graph and more in a session: held back, it would show.
    half = len(resident) // 2
    assert max(resident[half:]) - max(resident[: half + 1]) < 64
    _record(stage, published, resident, seconds)


def _record(stage: Stage, published: int, resident: list[float], seconds: list[float]) -> None:
    if REPORT is None:
        return
    figures = {
        "swaps": SWAPS,
        "documents": published,
        "failed": 0,
        "announced_to_served_seconds": {
            "median": round(sorted(seconds)[len(seconds) // 2], 3),
            "longest": round(max(seconds), 3),
        },
        "resident_mib": {
            "first": round(resident[0], 1),
            "last": round(resident[-1], 1),
            "highest": round(max(resident), 1),
        },
    }
    Path(REPORT).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def test_one_message_rolls_back_and_a_restart_serves_what_was_announced_last(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    stage = Stage.build(kafka, unique, tmp_path, new_worker)
    stage.announce(kept(stage.store, pass_unjudged(other_version(tmp_path / "first", "first"))))
    second = pass_unjudged(other_version(tmp_path / "second", "second"))
    stage.command("promote", str(second))

    stage.worker.start()
    stage.worker.wait_ready()
    stage.publish(0, 10)
    stage.topics.wait_done()
    assert served(events_by_place(stage.topics, until=10)) == {"second": 10}
    before = len(stage.announced())
    stage.command("rollback")
    assert len(stage.announced()) == before + 1
    stage.wait_for("served", 2)
    stage.publish(10, 10)
    stage.topics.wait_done()
    assert stage.worker.stop() == 0
    stage.worker.start()
    stage.worker.wait_ready()
    stage.publish(20, 10)
    stage.topics.wait_done()

    assert served(events_by_place(stage.topics, until=30)) == {"second": 10, "first": 20}
    assert stage.notices("served") == 1


def test_rolling_back_leads_further_back_each_time_also_from_a_version_announced_again(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    stage = Stage.build(kafka, unique, tmp_path, new_worker)
    desk = desk_of(stage.worker.config_file)
    first, second = (
        pass_unjudged(other_version(tmp_path / version, version)) for version in ("one", "two")
    )

    async def announce() -> list[str]:
        for directory in (first, second, first):
            await promote(desk, directory)
        return [(await roll_back(desk, "model", MODEL_KEY)).version for _ in range(3)]

    configured = stage.versions_of(bundle.default_directory()).model.version
    assert asyncio.run(announce()) == ["two", "one", configured]
    with pytest.raises(FatalError, match="follows no other version"):
        asyncio.run(roll_back(desk, "model", MODEL_KEY))


def test_what_may_not_be_served_is_refused_and_the_old_keeps_serving(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    keys, strange = Keys.make(tmp_path / "keys"), Keys.make(tmp_path / "strange")
    stage = Stage.build(
        kafka, unique, tmp_path, new_worker, public_key_file=str(keys.public), wait_seconds=1
    )
    good = pass_unjudged(other_version(tmp_path / "good", "good"))
    refused = stage.worker.command("model", "promote", str(good))
    assert refused.returncode == 1
    assert "--sign-with" in refused.stderr
    promoted = msgspec.convert(
        stage.command("promote", str(good), "--sign-with", str(keys.private)), Notice
    )
    stage.worker.start()
    stage.worker.wait_ready()

    ours, theirs = read_private_key(keys.private), read_private_key(strange.private)

    def bad(version: str, *, gated: bool = True, **changes: object) -> Notice:
        directory = other_version(tmp_path / version, version, **changes)
        return kept(stage.store, pass_unjudged(directory) if gated else directory)

    altered = bad("altered")
    with (stage.store.root / altered.path / "model.onnx").open("ab") as file:
        file.write(b"\0")
    outside = msgspec.structs.replace(bad("outside"), path="../outside")
    absent = msgspec.structs.replace(promoted, path="models/none")
    for notice, outcome, count in (
        (signed(altered, ours), "unfit", 1),
        (signed(bad("ungated", gated=False), ours), "unfit", 2),
        (signed(bad("parrot", kind="parrot"), ours), "unfit", 3),
        (signed(outside, ours), "unfit", 4),
        (bad("unsigned"), "unsigned", 1),
        (signed(bad("of-a-stranger"), theirs), "unsigned", 2),
        (signed(absent, ours), "absent", 1),
        (b"no notice", "malformed", 1),
    ):
        stage.announce(notice)
        stage.wait_for(outcome, count)
    stage.publish(0, 20)
    stage.topics.wait_done()

    assert served(events_by_place(stage.topics, until=20)) == {"good": 20}
    assert stage.notices("served") == 1
    reasons = [e["problem"] for e in stage.worker.events if e["event"] == "notice refused"]
    assert len(reasons) == 8
    assert stage.worker.probe("/readyz") == 200
    assert "Traceback" not in stage.worker.log


def test_a_worker_among_bad_notices_only_ends_and_says_what_is_wrong(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    stage = Stage.build(kafka, unique, tmp_path, new_worker)
    stage.announce(b"no notice")
    stage.worker.start()

    assert stage.worker.wait_for_end() == 1

    assert (
        f"onoma: no notice in {stage.topics.models} can be served"
        in stage.worker.log.splitlines()[-1]
    )
    assert "Traceback" not in stage.worker.log


def test_check_names_a_control_topic_that_would_lose_what_is_in_force(
    kafka: KafkaBroker, unique: Unique, tmp_path: Path, new_worker: NewWorker
) -> None:
    topics = Topics.create(kafka, unique, partitions=1)
    kafka.create_topic(models := topics.models, 2, {"cleanup.policy": "delete"})
    worker = new_worker(topics.config(store={"path": str(tmp_path / "none")}))

    checked = worker.command("check")

    assert checked.returncode == 1
    assert f"topics.models: found 2 partitions in {models}, wanted one" in checked.stdout
    assert f"topics.models: found cleanup.policy delete on {models}" in checked.stdout
    assert f"store.path: {tmp_path / 'none'} is no directory" in checked.stdout
