"""`onoma annotate` as a program: what it reads, in which order it answers, how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.schemas import producer
from tests.unit.gazetteer.lists import entry, served

PROGRAM = Path(sys.executable).parent / "onoma"
HAUSA = "Shugaban Najeriya Bola Ahmed Tinubu ya gana da jami'an Bankin Duniya a birnin Abuja."
EMOJI = "👩🏽‍⚕️ e\u0301 Amina Sule ta isa Abuja."


def _run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, "annotate", *arguments], input=stdin, capture_output=True, check=False
    )


def _events(result: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def _names(event: dict[str, Any]) -> set[tuple[str, str]]:
    return {(entity["text"], entity["label"]) for entity in event["entities"]}


def _line(document_id: str, text: str = HAUSA, **fields: str) -> str:
    return json.dumps({"document_id": document_id, "text": text, **fields}, ensure_ascii=False)


def test_a_text_gives_one_event_of_the_schema_with_its_names() -> None:
    result = _run("--text", HAUSA, "--json")
    (event,) = _events(result)

    assert result.returncode == 0
    producer("entities").validate(event)
    wanted = {("Bola Ahmed Tinubu", "PER"), ("Bankin Duniya", "ORG"), ("Abuja", "LOC")}
    assert len(_names(event) & wanted) >= 2
    assert event["evidence"]["source"] == {"input": "--text", "record": 1}


def test_a_text_is_screened_against_the_lists_that_are_given(tmp_path: Path) -> None:
    served(tmp_path / "zub", entry("z:1", "KADRAM, Zubo"))
    text = ("--text", "Governor Zubo Kadram met traders in Lagos on Monday.")

    (event,) = _events(_run(*text, "--json", "--gazetteer", tmp_path / "zub"))
    table = _run(*text, "--format", "table", "--gazetteer", tmp_path / "zub").stdout.decode()

    (screening,) = event["coverage"]["screening"]
    assert (screening["gazetteer"], screening["alerts"]) == ("zub", 1)
    assert "KADRAM, Zubo" in table
    assert "z:1" in table


def test_a_file_and_standard_input_give_the_same_names_as_the_text(tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    file.write_text(HAUSA, encoding="utf-8")

    (from_text,) = _events(_run("--text", HAUSA, "--json"))
    (from_file,) = _events(_run(file, "--json"))
    (from_stdin,) = _events(_run("--json", stdin=HAUSA.encode()))

    assert from_file["entities"] == from_stdin["entities"] == from_text["entities"]
    assert from_file["document_id"] == str(file)
    assert from_stdin["evidence"]["source"] == {"input": "stdin", "record": 1}


def test_lines_of_documents_are_answered_in_their_order_and_files_in_theirs(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.txt"
    first.write_text(f"{_line('a')}\n\n{_line('b', EMOJI, language='hau')}\n", encoding="utf-8")
    second.write_text("Abuja", encoding="utf-8")

    events = _events(_run(first, second, "-", stdin=f"{_line('c')}\n{_line('d')}".encode()))

    assert [event["document_id"] for event in events] == ["a", "b", str(second), "c", "d"]
    assert [event["evidence"]["source"]["record"] for event in events] == [1, 3, 1, 1, 2]
    assert events[1]["language"]["declared"] == "ha"
    assert len({event["event_id"] for event in events}) == 5


def test_every_offset_cuts_its_text_out_of_the_document(tmp_path: Path) -> None:
    file = tmp_path / "emoji.jsonl"
    file.write_text(_line("a", EMOJI), encoding="utf-8")

    (event,) = _events(_run(file))

    assert event["entities"]
    for entity in event["entities"]:
        assert EMOJI[entity["start"] : entity["end"]] == entity["text"]


def test_a_rejected_line_is_named_with_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_text(f'{_line("a")}\nnot json\n{{"text": "x"}}\n{_line("d")}\n', encoding="utf-8")

    result = _run(file)

    assert result.returncode == 1
    assert [event["document_id"] for event in _events(result)] == ["a", "d"]
    told = result.stderr.decode().splitlines()
    assert [line.split(": ")[:2] for line in told] == [
        [f"{file}:2", "invalid_json"],
        [f"{file}:3", "missing_field"],
    ]


def test_a_file_that_is_not_utf_8_is_rejected_for_that(tmp_path: Path) -> None:
    file = tmp_path / "latin.txt"
    file.write_bytes("Málaga".encode("latin-1"))

    result = _run(file, "--language", "es")

    assert result.returncode == 1
    assert b"invalid_utf8" in result.stderr


def test_the_language_of_a_plain_text_is_declared_by_the_option() -> None:
    (event,) = _events(_run("--text", HAUSA, "--language", "hau", "--json"))

    assert event["language"] == {"declared": "ha", "script": "Latn", "support": "trained"}


def test_the_table_shows_names_with_label_and_offsets() -> None:
    result = _run("--text", HAUSA, "--format", "table")
    table = result.stdout.decode()

    assert result.returncode == 0
    assert "Abuja" in table
    assert "LOC" in table
    assert f"{len(HAUSA)} of {len(HAUSA)} characters read" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--text", "x", "file.txt"), "not both"),
        (("no-such-file.txt",), "no-such-file.txt: can't be read"),
        (("--model", "."), "manifest.json"),
        (("--config", "no-such.yaml"), "no-such.yaml"),
    ],
)
def test_wrong_use_is_one_message_without_a_traceback(
    arguments: tuple[str, ...], message: str
) -> None:
    result = _run(*arguments)
    told = result.stderr.decode()

    assert result.returncode in (1, 2)
    assert message in told
    assert "Traceback" not in told
