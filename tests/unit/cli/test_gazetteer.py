"""`onoma gazetteer`: what operators see of lists, and what they are kept from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from onoma.cli.gazetteer import command
from onoma.errors import GazetteerError, WrongUseError

ROWS = ["z:1,Orbal Vant,O. Vant;Orb,person", "z:2,Meliva Trading,,company", "z:3,Zubo,,place"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


def table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["id,name,aliases,type", *(rows or ROWS)]) + "\n", encoding="utf-8")
    return path


def build(source: Path, out: Path, *options: str | Path) -> Result:
    return run("build", source, "--format", "csv", "--name", "zub", "--out", out, *options)


def shown(*arguments: str | Path) -> dict[str, Any]:
    return dict(json.loads(run("show", *arguments, "--json").stdout))


def ids(directory: Path) -> list[str]:
    """Return what is in a list, as its difference from nothing but a stranger."""
    other = table(directory.parent / "stranger.csv", "stranger,Nobody,,person")
    run("build", other, "--format", "csv", "--name", "none", "--out", directory.parent / "none")
    lines = run("diff", directory.parent / "none", directory, "--json").stdout.splitlines()
    edits = [json.loads(line) for line in lines]
    return [edit["entry_id"] for edit in edits if edit["change"] == "added"]


def test_a_build_says_what_it_read_what_it_left_out_and_what_it_wrote(tmp_path: Path) -> None:
    source = table(tmp_path / "zub.csv", *ROWS, "z:4,,,person")
    result = build(source, tmp_path / "1", "--version", "2031-01")
    described = shown(tmp_path / "1")

    assert result.exit_code == 0
    assert "read 4 records of zub.csv" in result.stdout
    assert "left out 1: an entry of which no name is left, first at zub.csv:5" in result.stdout
    assert f"wrote zub 2031-01 to {tmp_path / '1'}: 3 entries, 5 names" in result.stdout
    assert described["sha256"] in result.stdout
    assert described["types"] == {"person": 1, "organisation": 1, "place": 1}
    assert described["segments"][0]["skipped"] == {"entry_without_name": 1}


def test_the_same_sources_have_the_same_version_and_hash(tmp_path: Path) -> None:
    source = table(tmp_path / "zub.csv")
    reports = [json.loads(build(source, tmp_path / out, "--json").stdout) for out in ("1", "2")]

    assert reports[0]["version"] == reports[1]["version"]
    assert reports[0]["sha256"] == reports[1]["sha256"]
    assert reports[0]["records"] == {"zub.csv": 3}


def test_an_entry_is_shown_with_all_that_its_list_says(tmp_path: Path) -> None:
    build(table(tmp_path / "zub.csv"), tmp_path / "1")
    told = run("show", tmp_path / "1", "--entry", "z:1").stdout

    assert told.startswith("primary: Orbal Vant\nalias: O. Vant\nalias: Orb\n")
    assert "type: person" in told
    assert shown(tmp_path / "1", "--entry", "z:2")["names"][0]["text"] == "Meliva Trading"
    with pytest.raises(GazetteerError, match="found no entry 'z:9' in zub"):
        run("show", tmp_path / "1", "--entry", "z:9")


def test_a_change_holds_only_what_changed_and_merges_into_what_a_build_makes(
    tmp_path: Path,
) -> None:
    build(table(tmp_path / "a.csv"), tmp_path / "1", "--version", "1")
    changed = table(tmp_path / "b.csv", ROWS[0], "z:2,Meliva,,company", "z:5,Quoria,,place")
    change = build(changed, tmp_path / "2", "--base", tmp_path / "1", "--version", "2")
    build(changed, tmp_path / "anew", "--version", "2")
    merged = run("merge", tmp_path / "2", "--out", tmp_path / "merged")

    assert "2 entries new or different, 1 taken away" in change.stdout
    assert [s["version"] for s in shown(tmp_path / "2")["segments"]] == ["1", "2"]
    assert shown(tmp_path / "2")["entries"] == 3
    assert ids(tmp_path / "2") == ["z:1", "z:2", "z:5"]
    assert "merged 2 segments of zub 2" in merged.stdout
    assert (
        shown(tmp_path / "merged")["segments"][0]["files"]
        == shown(tmp_path / "anew")["segments"][0]["files"]
    )


def test_a_difference_says_what_changed_in_which_entry(tmp_path: Path) -> None:
    build(table(tmp_path / "a.csv"), tmp_path / "1")
    build(table(tmp_path / "b.csv", ROWS[0] + "x", ROWS[1], "z:4,New,,person"), tmp_path / "2")
    told = run("diff", tmp_path / "1", tmp_path / "2").stdout
    lines = run("diff", tmp_path / "1", tmp_path / "2", "--json").stdout.splitlines()

    assert told.startswith("1 added, 1 changed, 1 removed\n")
    assert "type + other" in told
    assert "type - person" in told
    assert [json.loads(line)["change"] for line in lines] == ["changed", "removed", "added"]
    assert json.loads(lines[1])["before"]["names"][0]["text"] == "Zubo"
    assert run("diff", tmp_path / "1", tmp_path / "1").stdout == "0 added, 0 changed, 0 removed\n"


@pytest.mark.parametrize("place", ["1", "2"])
def test_a_list_that_lost_half_of_itself_is_refused_and_the_old_one_stays(
    tmp_path: Path, place: str
) -> None:
    """In the place of the old one, or beside it."""
    build(table(tmp_path / "a.csv", *ROWS, "z:4,Quoria,,place"), tmp_path / "1")
    few = table(tmp_path / "b.csv", *ROWS[:2])

    with pytest.raises(GazetteerError, match=r"found 2 entries, but the version in .* has 4"):
        build(few, tmp_path / place)
    assert shown(tmp_path / "1")["entries"] == 4
    assert build(few, tmp_path / place, "--allow-shrink").exit_code == 0
    assert shown(tmp_path / place)["entries"] == 2


HEADER = b"id,name,aliases,type\n"


@pytest.mark.parametrize(
    ("format_name", "content", "complaint"),
    [
        ("csv", HEADER + b'z:1,"Quoria', r"next:2: is no CSV"),
        ("csv", HEADER + "z:1,Ćirol,,person\n".encode("cp1250"), r"next:2: .* is not utf-8"),
        ("csv", HEADER + b"z:1,Quoria,,person\nz:1,Zubo,,place\n", r"next:3: has the id 'z:1'"),
        ("csv", HEADER + b"z:1,,,person\nz:2, ,,person\n", "found no entry in next"),
        ("csv", HEADER + b"z:1," + 10_000 * b"x" + b",,person\n", "found no entry in next"),
        ("un", b"<CONSOLIDATED_LIST><INDIVIDUALS>", "next:.* is no whole XML document"),
        ("un", b"<html></html>", "found <html>, wanted <CONSOLIDATED_LIST>"),
        ("ofac", b"1,2,3\n", "found 3 columns"),
    ],
)
def test_a_source_that_is_broken_leaves_the_list_as_it_was(
    tmp_path: Path, format_name: str, content: bytes, complaint: str
) -> None:
    build(table(tmp_path / "a.csv"), tmp_path / "1")
    before = shown(tmp_path / "1")
    broken = tmp_path / "next"
    broken.write_bytes(content)
    again = ("--format", format_name, "--name", "zub", "--out", tmp_path / "1", "--allow-shrink")

    with pytest.raises(GazetteerError, match=complaint):
        run("build", broken, *again)
    assert shown(tmp_path / "1") == before


def test_what_is_no_version_of_the_list_is_not_replaced(tmp_path: Path) -> None:
    source = table(tmp_path / "a.csv")
    build(source, tmp_path / "1")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")

    with pytest.raises(GazetteerError, match="holds no list, wanted a new directory"):
        build(source, tmp_path / "mine")
    with pytest.raises(GazetteerError, match="holds the list zub"):
        run("build", source, "--format", "csv", "--name", "other", "--out", tmp_path / "1")


def test_what_a_change_is_built_on_is_not_replaced(tmp_path: Path) -> None:
    source = table(tmp_path / "a.csv")
    build(source, tmp_path / "1")
    build(table(tmp_path / "b.csv", *ROWS[:2]), tmp_path / "2", "--base", tmp_path / "1")

    with pytest.raises(GazetteerError, match="2 is a change on top of it"):
        build(source, tmp_path / "1")


def test_a_change_lies_beside_its_base_and_is_of_the_same_list(tmp_path: Path) -> None:
    source = table(tmp_path / "a.csv")
    build(source, tmp_path / "1")

    with pytest.raises(WrongUseError, match="wanted two directories beside each other"):
        build(source, tmp_path / "elsewhere" / "2", "--base", tmp_path / "1")
    with pytest.raises(WrongUseError, match="wanted one list"):
        run("build", source, "--format", "csv", "--name", "other", "--out", tmp_path / "2",
            "--base", tmp_path / "1")  # fmt: skip


def test_an_altered_list_is_neither_shown_nor_merged(tmp_path: Path) -> None:
    build(table(tmp_path / "a.csv"), tmp_path / "1")
    with (tmp_path / "1" / "entries.jsonl").open("ab") as file:
        file.write(b"\n")

    with pytest.raises(GazetteerError, match=r"entries\.jsonl: was altered"):
        run("show", tmp_path / "1")
    with pytest.raises(GazetteerError, match=r"entries\.jsonl: was altered"):
        run("merge", tmp_path / "1", "--out", tmp_path / "2")


def test_an_altered_list_can_be_built_again_in_its_place(tmp_path: Path) -> None:
    source = table(tmp_path / "a.csv")
    build(source, tmp_path / "1")
    (tmp_path / "1" / "entries.jsonl").write_bytes(b"")

    with pytest.raises(GazetteerError, match=r"found 1 entries, but the version in .* has 3"):
        build(table(tmp_path / "b.csv", ROWS[0]), tmp_path / "1")
    assert build(source, tmp_path / "1").exit_code == 0
    assert shown(tmp_path / "1")["entries"] == 3


def test_a_chain_that_is_broken_is_not_compared_and_does_not_stand_in_the_way(
    tmp_path: Path,
) -> None:
    source = table(tmp_path / "a.csv")
    build(source, tmp_path / "1")
    build(source, tmp_path / "2", "--base", tmp_path / "1")
    (tmp_path / "1" / "entries.jsonl").write_bytes(b"")
    built = build(source, tmp_path / "2")

    assert built.exit_code == 0
    assert "not compared with the version before" in built.stderr


def test_a_source_without_entries_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("id,name\n")

    with pytest.raises(GazetteerError, match=r"found no entry in a\.csv; is it really --format"):
        build(source, tmp_path / "1")


def test_columns_are_named_on_the_command_line(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("Who|aka\nOrbal Vant|O. Vant/Orb\n")
    build(source, tmp_path / "1", "--column", "name=Who", "--column", "aliases=aka",
          "--delimiter", "|", "--separator", "/", "--type", "person")  # fmt: skip

    assert shown(tmp_path / "1")["types"] == {"person": 1}
    assert shown(tmp_path / "1")["names"] == 3
    with pytest.raises(WrongUseError, match="found --column 'Who', wanted FIELD=COLUMN"):
        build(source, tmp_path / "2", "--column", "Who")


@pytest.mark.parametrize("name", ["../zub", "zub list", "-zub", "é", 200 * "z"])
def test_names_that_can_name_no_directory_of_the_store_are_refused(
    tmp_path: Path, name: str
) -> None:
    source = table(tmp_path / "a.csv")

    with pytest.raises(WrongUseError, match="found the name or version"):
        build(source, tmp_path / "1", f"--version={name}")
    assert not (tmp_path / "1").exists()
