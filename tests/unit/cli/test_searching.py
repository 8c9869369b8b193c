"""`onoma gazetteer search` and `explain`: who a name may mean, and why or why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from onoma.cli import searching
from onoma.cli.gazetteer import command
from onoma.errors import GazetteerError
from onoma.gazetteer.matching import Reason
from onoma.gazetteer.scoring import Cap

ROWS = (
    "id,name,aliases,type",
    'z:1,"VANT, Orbal",O. Vant;Orb,person',
    "z:2,Meliva Trading Company,,company",
)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a list as `build` writes it."""
    source, out = tmp_path / "zub.csv", tmp_path / "1"
    source.write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    _run("build", source, "--format", "csv", "--name", "zub", "--out", out)
    return out


def test_a_search_prints_one_line_of_json_for_each_entry(directory: Path) -> None:
    lines = _run("search", "Orbal Vant", "--gazetteer", directory, "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]

    assert [(each["entry_id"], each["name"], each["score"]) for each in found] == [
        ("z:1", "VANT, Orbal", 100.0)
    ]
    assert found[0]["decision"] == "alert"
    assert [pair["kind"] for pair in found[0]["pairs"]] == ["equal", "equal"]


def test_a_search_without_a_match_prints_no_json_and_says_so_to_people(directory: Path) -> None:
    asked = ("search", "Nobody Known", "--gazetteer", directory)

    assert _run(*asked, "--json").stdout == ""
    assert "no match at 80 or above" in _run(*asked).stdout


def test_a_search_shows_people_a_table(directory: Path) -> None:
    told = _run("search", "Meliva Tradin Company", "--gazetteer", directory).stdout

    assert "z:2" in told
    assert "Meliva Trading Company" in told


def test_a_label_leaves_entries_of_other_types_out(directory: Path) -> None:
    asked = ("search", "Meliva Trading Company", "--gazetteer", directory, "--json", "--label")

    assert len(_run(*asked, "ORG").stdout.splitlines()) == 1
    assert _run(*asked, "PER").stdout == ""


def test_an_explanation_says_what_met_what_did_not_and_what_was_too_little(
    directory: Path,
) -> None:
    told = _run("explain", "Meliva Company", "z:2", "--gazetteer", directory).stdout

    assert told.startswith("no match: 74.0")
    assert "meliva | meliva: equal" in told
    assert "only in the entry: trading" in told
    assert "one word met, where a name has two or more" in told
    assert "the score is below the threshold for review, 80" in told


def test_an_explanation_of_a_match_is_json_too(directory: Path) -> None:
    told = _run("explain", "Orb", "z:1", "--gazetteer", directory, "--json").stdout

    assert json.loads(told)["reasons"] == ["single_token"]


def test_an_unknown_entry_is_named(directory: Path) -> None:
    with pytest.raises(GazetteerError, match="found no entry 'z:9' in zub"):
        _run("explain", "Orb", "z:9", "--gazetteer", directory)


def test_a_threshold_under_the_caps_is_wrong_use(directory: Path) -> None:
    assert _run("search", "Orb", "--gazetteer", directory, "--threshold", "60").exit_code == 2


def test_a_bench_counts_what_it_measured(directory: Path) -> None:
    asked = ("bench", "--gazetteer", directory, "--mentions", "20", "--json")

    assert json.loads(_run(*asked).stdout)["mentions"] == 20


def test_every_cap_and_reason_is_told_in_words() -> None:
    assert searching._CAPS.keys() == set(Cap)
    assert searching._REASONS.keys() == set(Reason)
