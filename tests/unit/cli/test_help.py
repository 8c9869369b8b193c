"""What `--help` says of the commands."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from onoma.cli import commands


def _groups(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _groups(command, (*path, name))


@pytest.mark.parametrize("path", list(_groups(commands)), ids=" ".join)
def test_no_summary_is_cut_at_eighty_columns(path: tuple[str, ...]) -> None:
    said = CliRunner().invoke(commands, [*path, "--help"], terminal_width=80).output
    _, _, summaries = said.partition("Commands:\n")
    assert summaries
    assert [line for line in summaries.splitlines() if line.endswith("...")] == []
