"""The commands of the page on watch lists are run in their order, on small lists."""

from __future__ import annotations

import gzip
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from onoma.cli import commands
from onoma.gazetteer.readers.columns import USUAL
from onoma.gazetteer.readers.formats import FORMATS
from tests.docs.terminal import blocks
from tests.unit.gazetteer.readers.test_ofac import ADDRESSES, ALIASES, PRIMARY
from tests.unit.gazetteer.readers.test_un import HEAD, LIST

PAGE = (Path(__file__).parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")


def test_the_commands_of_the_page_work_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("sdn", PRIMARY), ("alt", ALIASES), ("add", ADDRESSES)):
        Path(f"{name}.csv").write_text(text, newline="")
    Path("consolidated.xml.gz").write_bytes(gzip.compress((HEAD + LIST).encode()))
    Path("customers.csv").write_text("id,Full_Name,AKA\nz:1,Orbal Vant,O. Vant;Orb\n")
    lines = [line for block in blocks("docs/lists.md", "console") for line in block.splitlines()]
    offline = [line for line in lines if "--config" not in line]  # needs a broker

    assert len(offline) == len(lines) - 3
    for line in offline:
        program, *arguments = shlex.split(line)
        result = CliRunner().invoke(commands, arguments, catch_exceptions=False)
        assert (program, result.exit_code) == ("onoma", 0), result.output


def test_the_page_names_every_format_and_every_field() -> None:
    assert [f"`{name}`" in PAGE for name in (*FORMATS, *USUAL)] == [True] * (
        len(FORMATS) + len(USUAL)
    )
