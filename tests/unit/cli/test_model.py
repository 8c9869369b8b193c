"""`onoma model gate` and what the other commands say of a bundle without a gate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from onoma.cli.model import command
from onoma.errors import BundleError
from onoma.registry import bundle
from tests.tiny_bundle import tiny_bundle
from tests.tiny_onnx import wordhash_graph


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tiny_bundle(
        tmp_path / "bundle", change=lambda manifest: manifest.update(languages={"trained": ["gd"]})
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    # Words that the tiny graph scores at random, each a sentence of its own.
    words = "".join(f"Bola{number}\tB-PER\n\n" for number in range(400))
    (tmp_path / "data" / "dev.conll").write_text(words)
    return tmp_path / "data"


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


def _annotate(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return _onoma("annotate", "--text", "Bola ran", "--json", *arguments, **environment)


def _onoma(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import onoma.cli; onoma.cli.main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), **environment},
    )


def test_a_gated_bundle_is_verified_with_its_gate(directory: Path) -> None:
    gated = _run("gate", directory, "--date", "2026-01-31")
    verified = _run("verify", directory, "--json")

    assert gated.exit_code == 0
    assert f"gated {directory}" in gated.stdout
    assert json.loads(verified.stdout)["gate"] == bundle.load(directory).gate


def test_the_record_is_dated_today_without_a_date(directory: Path) -> None:
    _run("gate", directory)

    gate = bundle.load(directory).manifest.gate
    assert gate is not None
    assert len(gate["date"]) == len("2026-01-31")


def test_a_failed_bundle_ends_with_exit_code_1_and_the_names_of_the_checks(
    tmp_path: Path,
) -> None:
    directory = tiny_bundle(
        tmp_path / "bundle",
        change=lambda manifest: manifest.update(languages={"trained": ["en", "ha", "yo"]}),
    )

    result = _run("gate", directory, "--json")

    assert result.exit_code == 1
    record = json.loads(result.stdout)
    assert record["passed"] is False
    assert [c["name"] for c in record["checks"] if c["passed"] is False] == ["regression"]


def test_the_same_graph_as_reference_loses_nothing(
    directory: Path, data: Path, tmp_path: Path
) -> None:
    reference = tmp_path / "reference.onnx"
    reference.write_bytes(wordhash_graph(3))

    result = _run("gate", directory, "--data", data, "--reference", reference, "--json")

    assert _precision(result)["passed"] is True


def test_a_bundle_that_lost_more_than_the_limit_is_not_gated(
    directory: Path, data: Path, tmp_path: Path
) -> None:
    sure_of_persons = {"start": [0.0, 1000.0, 0.0], "transitions": [[0.0] * 3] * 3}
    reference = tiny_bundle(
        tmp_path / "reference", change=lambda manifest: manifest.update(decoder=sure_of_persons)
    )

    result = _run("gate", directory, "--data", data, "--reference", reference, "--json")

    assert result.exit_code == 1
    assert "und" in _precision(result)["measured"]["beyond"]
    assert bundle.load(directory, allow_ungated=True).gate == "none"


def test_a_reference_with_other_labels_is_refused(
    directory: Path, data: Path, tmp_path: Path
) -> None:
    other = {"labels": ["O", "B-LOC", "I-LOC"]}
    reference = tiny_bundle(tmp_path / "other", change=lambda manifest: manifest.update(other))

    with pytest.raises(BundleError, match=r"has other labels than .*: it is no reference"):
        _run("gate", directory, "--data", data, "--reference", reference)


def _precision(result: Result) -> dict[str, Any]:
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    found: dict[str, Any] = checks["int8 against full precision"]
    return found


def test_a_reference_needs_data(directory: Path) -> None:
    result = _run("gate", directory, "--reference", directory)

    assert result.exit_code == 2
    assert "need --data" in result.stderr


def test_scores_and_card_are_written_before_the_gate(directory: Path, data: Path) -> None:
    result = _run("gate", directory, "--data", data, "--score", "--json")

    manifest, _ = bundle.verify(directory)
    assert json.loads(result.stdout)["checks"]
    assert set(manifest.scores["macro_f1"]) == {"tokens", "raw", "documents", "lines"}
    assert "## Scores" in (directory / "README.md").read_text(encoding="utf-8")


def test_an_ungated_bundle_annotates_only_where_the_settings_allow_it(directory: Path) -> None:
    refused = _annotate("--model", directory)
    allowed = _annotate("--model", directory, ONOMA_MODEL__ALLOW_UNGATED="true")

    assert refused.returncode == 1
    assert "passed no gate; run `onoma model gate" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert allowed.returncode == 0
    assert "tiny passed no gate: for benchmarks only" in allowed.stderr
    assert json.loads(allowed.stdout)["evidence"]["models"][0]["gate"] == "none"


def test_a_gated_bundle_annotates_and_its_events_name_the_gate(directory: Path) -> None:
    _run("gate", directory)
    result = _annotate("--model", directory)

    assert result.stderr == ""
    model = json.loads(result.stdout)["evidence"]["models"][0]
    assert model["gate"] == bundle.load(directory).gate


def test_a_worker_refuses_an_ungated_bundle_before_it_looks_for_kafka(directory: Path) -> None:
    result = _onoma("run", ONOMA_MODEL__PATH=str(directory))

    assert result.returncode == 1
    assert "passed no gate; run `onoma model gate" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_worker_that_may_serve_an_ungated_bundle_warns(directory: Path) -> None:
    result = _onoma(
        "run",
        ONOMA_MODEL__PATH=str(directory),
        ONOMA_MODEL__ALLOW_UNGATED="true",
        ONOMA_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9",
        ONOMA_KAFKA__START_RETRY_SECONDS="0",
        ONOMA_SERVER__PORT="0",
    )

    warning = next(line for line in result.stderr.splitlines() if "ungated model served" in line)
    assert json.loads(warning)["level"] == "warning"
    assert json.loads(warning)["model"] == "tiny"
