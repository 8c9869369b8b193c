"""`onoma gazetteer exclusions`: from a judgement to a list of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onoma.errors import GazetteerError
from tests.unit.cli.test_gazetteer import build, run, table


def add(tmp_path: Path, mention: str, *options: str, entry_id: str = "z:1") -> str:
    return run("exclusions", "add", mention, entry_id, "--gazetteer", tmp_path / "1",
               "--log", tmp_path / "log.jsonl", "--reviewer", "r.quoro", "--reason", "a baker",
               *options).stdout  # fmt: skip


def test_judgements_become_a_list_that_names_who_and_why(tmp_path: Path) -> None:
    build(table(tmp_path / "zub.csv"), tmp_path / "1")
    said = add(tmp_path, "Orbal V.", "--reviewed", "2031-01-02")
    add(tmp_path, "Orbal W.", "--expires", "2031-01-03", "--tenant", "north")
    built = run("exclusions", "build", tmp_path / "log.jsonl", "--name", "judged", "--as-of",
                "2031-01-04", "--out", tmp_path / "judged")  # fmt: skip
    shown = run("exclusions", "show", tmp_path / "judged")
    (line,) = run("exclusions", "show", tmp_path / "judged", "--json").stdout.splitlines()

    assert "Orbal V. is not Orbal Vant" in said
    assert "1 exclusions that hold on 2031-01-04; 1 had ended" in built.stdout
    assert "a baker" in shown.stdout
    assert json.loads(line)["mention"] == "Orbal V."
    assert json.loads(line)["reviewed_on"] == "2031-01-02"


def test_only_an_entry_of_the_list_can_be_judged(tmp_path: Path) -> None:
    build(table(tmp_path / "zub.csv"), tmp_path / "1")

    with pytest.raises(GazetteerError, match="found no entry 'z:9'"):
        add(tmp_path, "Orbal V.", entry_id="z:9")
    assert not (tmp_path / "log.jsonl").exists()
