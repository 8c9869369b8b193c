"""`onoma canary`: what it prints fits into policy and list, and the shipped model finds it all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from onoma.cli import commands
from onoma.contracts.policy import Policy
from onoma.contracts.records import Record
from onoma.errors import WrongUseError
from onoma.gazetteer.served import open_all
from onoma.metrics import CANARY, Metrics
from onoma.pipeline import Versions, process
from onoma.settings import load as load_settings
from onoma.stream.answers import Answers
from onoma.stream.app import load_model, pinned_versions
from onoma.stream.canaries import Canary, load

TEXTS = load(None).canaries
LIST = "onoma-canary"


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(commands, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Do what operating.md says: plant the entries, and give the hashes to the policy."""
    directory = tmp_path_factory.mktemp("canary")
    entries, built = directory / "entries.jsonl", directory / LIST
    entries.write_text(run("canary", "show", "--entries"), encoding="utf-8")
    run("gazetteer", "build", entries, "--format", "jsonl", "--name", LIST, "--out", built)
    policy = {
        "name": "p",
        "version": "1",
        "canaries": json.loads(run("canary", "show", "--policy")),
    }
    (directory / "policy.json").write_text(json.dumps(policy), encoding="utf-8")
    config = {
        "policy": {"path": str(directory / "policy.json")},
        "gazetteers": {"lists": [str(built)]},
    }
    (directory / "onoma.yaml").write_text(json.dumps(config), encoding="utf-8")
    settings = load_settings(directory / "onoma.yaml")
    return pinned_versions(settings, load_model(settings), open_all(settings.gazetteers.lists))


@pytest.mark.parametrize("canary", TEXTS, ids=lambda canary: canary.name)
def test_the_shipped_model_finds_every_name_and_every_planted_entry_is_hit(
    canary: Canary, prepared: Versions
) -> None:
    metrics = Metrics(catalogue=CANARY)
    metrics.extend_canaries([canary.name], [LIST])
    answers = Answers((LIST,), metrics)
    answers.sent("c", canary, 0, 1.0)
    message = canary.message("c", None, 0)

    record = Record("documents.v1", 0, 7, message.key, message.value, message.headers)
    event, *alerts = process(record, prepared).outputs
    answers.see_event(event.value or b"", 2.0, 2.0)
    for alert in alerts:
        answers.see_alert(alert.value or b"")

    exposition = metrics.exposition().decode()
    assert (
        f'names_total{{canary="{canary.name}",outcome="found"}} {len(canary.names)}.0' in exposition
    )
    assert f'names_total{{canary="{canary.name}",outcome="missed"}} 0.0' in exposition
    assert f'entries_total{{gazetteer="{LIST}",outcome="hit"}} {len(canary.hits)}.0' in exposition
    assert 'documents_total{outcome="taken_for_real"} 0.0' in exposition
    assert canary.hits
    assert len(answers) == 0


def test_every_alert_of_a_canary_says_that_it_is_synthetic(prepared: Versions) -> None:
    for canary in TEXTS:
        message = canary.message("c", None, 0)
        record = Record("documents.v1", 0, 7, message.key, message.value, message.headers)
        values: list[dict[str, Any]] = [
            json.loads(output.value or b"") for output in process(record, prepared).outputs
        ]

        assert len(values) > 1
        assert all(value["synthetic"] is True for value in values)


def test_texts_are_shown_to_people_and_as_the_file_for_programs(tmp_path: Path) -> None:
    shown = run("canary", "show")
    for canary in TEXTS:
        assert canary.text in shown
        assert canary.text_sha256 in shown

    own = tmp_path / "own.json"
    own.write_text(run("canary", "show", "--json"), encoding="utf-8")
    config = tmp_path / "onoma.yaml"
    config.write_text(json.dumps({"canary": {"path": str(own)}}), encoding="utf-8")

    assert run("canary", "show", "--policy", "--config", config) == run(
        "canary", "show", "--policy"
    )


def test_a_canary_that_the_policy_does_not_know_is_not_sent() -> None:
    with pytest.raises(WrongUseError, match="canary show --policy"):
        run("canary", "run")


def test_hashes_fit_into_a_policy() -> None:
    policy = {
        "name": "p",
        "version": "1",
        "canaries": json.loads(run("canary", "show", "--policy")),
    }

    found = msgspec.convert(policy, Policy).canaries

    assert found == {canary.text_sha256 for canary in TEXTS}
