"""`onoma store`: every version of a model or a list that was ever announced, and what may go.

The store grows until somebody removes versions from it: a decision of people, since events that
name a removed version can't be replayed any more.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from onoma.cli import config_option, json_option
from onoma.cli.promoting import desk_of
from onoma.cli.terminal import console

if TYPE_CHECKING:
    from onoma.stream.stored import Version

MEBIBYTE = 1024**2


@click.group("store")
def command() -> None:
    """Look at the versions of models and lists that store.path keeps, and remove some."""


@command.command("list")
@json_option
@config_option
def list_command(as_json: bool, config: Path | None) -> None:
    """List what is kept, its size and why each is needed.

    Paths are below store.path. A version without a reason may be removed, if no event that may have
    to be replayed names it: reconcile and replay tell which versions a range needs.
    """
    from onoma.stream import stored

    desk = desk_of(config)
    needed = asyncio.run(stored.needed(desk))
    rows = [
        (desk.store.path_of(*version), desk.store.bytes_of(*version), needed.get(version))
        for version in desk.store.versions()
    ]
    if as_json:
        for path, size, reason in rows:
            click.echo(json.dumps({"path": path, "bytes": size, "needed": reason}))
        return
    table = Table("path", "MiB", "needed", box=None)
    table.columns[1].justify = "right"
    table.columns[0].overflow = "fold"
    for path, size, reason in rows:
        table.add_row(path, f"{size / MEBIBYTE:,.1f}", reason or "")
    console().print(table)


@command.command("remove")
@click.argument("paths", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
def remove_command(paths: tuple[str, ...], yes: bool, config: Path | None) -> None:
    """Remove versions from the store.

    PATHS are those that `onoma store list` prints. Refused for what is announced, what a rollback
    leads to and what other versions stand on. Events that name a removed version can't be replayed
    any more.

    \b
    Example:
      onoma store remove gazetteers/sanctions/2024-01-02/6f0e… --yes
    """
    from onoma.stream import stored

    desk = desk_of(config)
    needed = asyncio.run(stored.needed(desk))
    if not yes:
        click.confirm(
            f"Remove {len(paths)} of {len(desk.store.versions())} versions for ever? Events that "
            "name them can't be replayed any more",
            abort=True,
        )
    for version in stored.remove(desk.store, paths, needed):
        _tell(version)


def _tell(version: Version) -> None:
    kind, one = version
    click.echo(f"removed the {kind} {one.name} {one.version} (sha256 {one.sha256})")
