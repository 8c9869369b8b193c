"""`onoma gazetteer exclusions`: hits that people have judged to be none.

Judgements are gathered in a log, one line of JSON each, which is only ever added to; a list that
workers read is built of it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from onoma.cli import json_option
from onoma.cli.terminal import console, printable
from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.entries import fingerprint
from onoma.gazetteer.exclusions import (
    Exclusion,
    open_exclusions,
    read_log,
    write_exclusions,
)
from onoma.gazetteer.manifest import SourceFile, check_name
from onoma.gazetteer.readers.sources import Source

list_directory = click.Path(exists=True, file_okay=False, path_type=Path)
day = click.DateTime(["%Y-%m-%d"])


@click.group("exclusions")
def command() -> None:
    """Judge hits to be none, and build the list of such judgements."""


@command.command("add")
@click.argument("mention")
@click.argument("entry_id")
@click.option("--gazetteer", required=True, type=list_directory, help="The list of the entry.")
@click.option("--log", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="File that the judgement is added to.")  # fmt: skip
@click.option("--reviewer", required=True, help="Who judges.")
@click.option("--reason", required=True, help="Why the mention is not the entry.")
@click.option("--reviewed", type=day, help="Day of the judgement, YYYY-MM-DD; today in UTC.")
@click.option("--expires", type=day, help="Last day that it holds, YYYY-MM-DD; without it, always.")
@click.option("--tenant", help="Whose documents it is about; without it everybody's.")
def add(
    mention: str,
    entry_id: str,
    gazetteer: Path,
    log: Path,
    reviewer: str,
    reason: str,
    reviewed: datetime | None,
    expires: datetime | None,
    tenant: str | None,
) -> None:
    """Add to a log that a mention is not an entry.

    MENTION is not the entry ENTRY_ID as the list describes it now. When the list says anything else
    about the entry, its hits are open again.
    """
    chain = open_chain(gazetteer)
    entry = chain.find(entry_id)
    if entry is None:
        raise GazetteerError(f"{gazetteer}: found no entry {entry_id!r}; look with `search`")
    one = Exclusion(
        mention=mention,
        gazetteer=chain.newest.manifest.name,
        entry_id=entry_id,
        fingerprint=fingerprint(entry),
        reviewer=reviewer,
        reason=reason,
        reviewed_on=_day(reviewed or datetime.now(UTC)),
        expires_on=_day(expires) if expires else None,
        tenant=tenant,
    )
    line = msgspec.json.encode(one)
    try:
        msgspec.json.decode(line, type=Exclusion)
    except msgspec.ValidationError as error:
        raise WrongUseError(f"found something that can't be kept: {error}") from error
    with log.open("ab") as file:
        file.write(line + b"\n")
    click.echo(f"added to {log}: {printable(mention)} is not {printable(entry.names[0].text)}")


@command.command("build")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="The list's name, the same in all its versions.")
@click.option("--version", help="This version's name; without it, a hash of the log and the day.")
@click.option("--as-of", type=day, help="Leave out what ended before, YYYY-MM-DD; today in UTC.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Directory to write.")
@json_option
def build(
    log: Path, name: str, version: str | None, as_of: datetime | None, out: Path, as_json: bool
) -> None:
    """Build the list of the exclusions that hold on a day.

    LOG is what `add` wrote. Workers read the list, never the log.
    """
    for given in filter(None, (name, version)):
        check_name(given)
    when = _day(as_of or datetime.now(UTC))
    with log.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
        stream.seek(0)
        exclusions = [one for _, one in read_log(Source(log.name, stream))]
    manifest = write_exclusions(
        out,
        exclusions,
        name=name,
        version=version or f"{when}-{sha256[:12]}",
        as_of=when,
        sources=(SourceFile(log.name, "exclusions", sha256, size),),
    )
    if as_json:
        click.echo(msgspec.json.encode(manifest).decode())
        return
    click.echo(
        f"wrote {manifest.name} {manifest.version} to {out}: {manifest.exclusions:,} exclusions "
        f"that hold on {when}; {manifest.expired:,} had ended"
    )


@command.command("show")
@click.argument("directory", type=list_directory)
@json_option
def show(directory: Path, as_json: bool) -> None:
    """Verify a list of exclusions and print it.

    With --json one exclusion on each line.
    """
    opened = open_exclusions(directory)
    if as_json:
        for one in opened.exclusions:
            click.echo(msgspec.json.encode(one).decode())
        return
    manifest = opened.manifest
    click.echo(
        f"{manifest.name} {manifest.version}, as of {manifest.as_of}: {manifest.exclusions:,} "
        f"exclusions; sha256 {opened.sha256}"
    )
    table = Table()
    for heading in ("mention", "list", "entry", "tenant", "reviewer", "on", "until", "reason"):
        table.add_column(heading, overflow="fold")
    for one in opened.exclusions:
        cells = (one.mention, one.gazetteer, one.entry_id, one.tenant or "all", one.reviewer)
        rest = (one.reviewed_on, one.expires_on or "always", one.reason)
        table.add_row(*(Text(printable(cell)) for cell in (*cells, *rest)))
    console().print(table)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
