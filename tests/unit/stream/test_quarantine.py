"""A document tried alone gets its usual outcome, or its process's end for one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from onoma.contracts.records import Record
from onoma.errors import FatalError
from onoma.gazetteer.served import ServedLists
from onoma.metrics import Metrics
from onoma.pipeline import Annotated, DeadLettered, Outcome, Versions, process
from onoma.settings import Settings
from onoma.stream import quarantine
from onoma.stream.app import bundle_directory, load_model, pinned_versions
from onoma.stream.quarantine import Quarantine
from tests.fakes import record, text_record
from tests.stream.poisoned_worker import MODULE
from tests.unit.gazetteer.lists import entry
from tests.unit.gazetteer.lists import served as listed

WAIT_SECONDS = 60
MEBIBYTE = 1024**2


@cache
def default_versions() -> Versions:
    settings = Settings()
    return pinned_versions(settings, load_model(settings))


def tried(
    *records: Record,
    limits: Mapping[str, object] | None = None,
    bundle: Path | None = None,
    versions: Versions | None = None,
) -> tuple[list[Outcome], Metrics, list[BaseException]]:
    """Try records alone, one lane each; return outcomes, metrics and failures."""
    settings = Settings.model_validate({"quarantine": limits or {}})
    metrics = Metrics(languages=[], labels=[], model="fake")
    outcomes: dict[int, Outcome] = {}
    failures: list[BaseException] = []

    async def run() -> None:
        trials = Quarantine(
            settings,
            bundle=lambda _: bundle or bundle_directory(settings),
            metrics=metrics,
            on_failure=failures.append,
        )
        for number, each in enumerate(records):

            def deliver(outcome: Outcome, number: int = number) -> None:
                outcomes[number] = outcome

            trials.submit(number, each, versions or default_versions(), deliver)
        async with asyncio.timeout(WAIT_SECONDS):
            while len(outcomes) + len(failures) < len(records):
                await asyncio.sleep(0.01)
        await trials.close()

    asyncio.run(run())
    return [outcomes[number] for number in sorted(outcomes)], metrics, failures


def counted(metrics: Metrics, outcome: str) -> float | None:
    name = "onoma_quarantined_documents_total"
    return metrics.registry.get_sample_value(name, {"outcome": outcome})


def rejection(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, DeadLettered)
    return str(outcome.rejected.reason), outcome.rejected.detail


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "CHILD", MODULE)


def test_a_document_tried_alone_is_screened_as_any_other(tmp_path: Path) -> None:
    lists = ServedLists.of([listed(tmp_path / "zub", entry("z:1", "Zubo Kadram"))])
    versions = replace(default_versions(), lists=lists)
    document = text_record("Governor Zubo Kadram met traders in Lagos on Monday.")

    (outcome,), _, _ = tried(document, versions=versions)

    assert outcome == process(document, versions)
    assert isinstance(outcome, Annotated)
    assert len(outcome.alerts) == 1


def test_an_innocent_document_gets_its_usual_event_and_a_bad_one_its_usual_reason() -> None:
    good, bad = text_record("Amina went to Abuja. " * 50), record(b"{")

    outcomes, metrics, failures = tried(good, bad)

    assert failures == []
    assert outcomes[0] == process(good, default_versions())
    assert outcomes[1].output == process(bad, default_versions()).output
    assert isinstance(outcomes[0], Annotated)
    assert counted(metrics, "annotated") == counted(metrics, "rejected") == 1


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("word", "reason", "detail", "counts"),
    [
        ("Segfaultitis", "killed_worker", "by signal 11", "killed"),
        ("Memoryitis", "killed_worker", "more than 268435456 bytes", "killed"),
        ("Hangitis", "too_slow", "more than 2 s; quarantine.seconds", "too_slow"),
    ],
)
def test_a_document_that_ends_its_process_is_rejected_for_that(
    word: str, reason: str, detail: str, counts: str
) -> None:
    limits = {"seconds": 2 if reason == "too_slow" else 60, "memory_bytes": 256 * MEBIBYTE}

    (outcome,), metrics, failures = tried(text_record(f"Amina has {word}"), limits=limits)

    found, told = rejection(outcome)
    assert (failures, found) == ([], reason)
    assert detail in told
    assert word not in told
    assert counted(metrics, counts) == 1


def test_a_process_that_cannot_load_the_very_model_stops_the_worker(tmp_path: Path) -> None:
    outcomes, _, (failure,) = tried(text_record("Amina"), bundle=tmp_path)

    assert outcomes == []
    assert isinstance(failure, FatalError)
    assert "quarantine.enabled" in str(failure)


def test_a_trial_of_a_lane_that_is_given_back_ends_with_its_process() -> None:
    settings = Settings()

    async def run() -> list[Outcome]:
        outcomes: list[Outcome] = []
        trials = Quarantine(
            settings,
            bundle=lambda _: bundle_directory(settings),
            metrics=Metrics(languages=[], labels=[], model="fake"),
            on_failure=lambda error: None,
        )
        trials.submit("lane", text_record("Amina"), default_versions(), outcomes.append)
        await asyncio.sleep(0)
        trials.drop("lane")
        trials.drop("never there")
        await trials.close()
        return outcomes

    assert asyncio.run(run()) == []
