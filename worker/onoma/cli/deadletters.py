"""`onoma deadletters`: look at rejected documents, and send them back when the cause is mended.

Nothing here commits an offset or deletes a record. Text of a document is printed on demand only.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table
from rich.text import Text

from onoma import settings
from onoma.cli import config_option, json_option
from onoma.cli.terminal import console, printable
from onoma.contracts import deadletter
from onoma.contracts.policy import Limits
from onoma.contracts.records import header
from onoma.errors import RejectionReason, WrongUseError
from onoma.settings import Settings

if TYPE_CHECKING:
    from onoma.stream.deadletters import Letter
    from onoma.stream.publishing import Message, Place

reason_option = click.option(
    "--reason",
    type=click.Choice([str(reason) for reason in RejectionReason]),
    help="Only letters with this reason.",
)
partition_argument = click.argument("partition", type=click.IntRange(min=0))
offset_argument = click.argument("offset", type=click.IntRange(min=0))


@click.group("deadletters")
def command() -> None:
    """List, show and requeue the documents that were rejected."""


@command.command("list")
@reason_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Most letters to print: the newest ones.",
)
@json_option
@config_option
def list_(reason: str | None, limit: int, as_json: bool, config: Path | None) -> None:
    """List the newest letters, oldest first; never their text. --json prints one object a line."""
    from onoma.stream import deadletters

    loaded, limits = _loaded(config)
    letters = asyncio.run(deadletters.newest(loaded, limits, reason=reason, limit=limit))
    if as_json:
        for letter in letters:
            click.echo(json.dumps(_described(letter), ensure_ascii=False))
    elif letters:
        console().print(_table(letters))
    else:
        click.echo(f"no letters in {loaded.topics.dead_letters}")


@command.command("show")
@partition_argument
@offset_argument
@click.option("--value", "with_value", is_flag=True, help="Print the value too: the document.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the value to this file, byte for byte.",
)
@json_option
@config_option
def show(
    partition: int,
    offset: int,
    with_value: bool,
    out: Path | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Show the headers of one letter, its value when asked.

    The letter lies at OFFSET of PARTITION.
    """
    from onoma.stream import deadletters

    letter = asyncio.run(deadletters.one(*_loaded(config), partition, offset))
    if out is not None:
        _write(out, letter)
    described = _described(letter) | {"headers": _headers(letter)}
    if with_value:
        described |= _value(letter)
    if as_json:
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    _print(described)


@command.command("requeue")
@click.argument("partition", type=click.IntRange(min=0), required=False)
@click.argument("offset", type=click.IntRange(min=0), required=False)
@click.option(
    "--value-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send this file's bytes in place of the value: the repaired document.",
)
@click.option("--all", "every", is_flag=True, help="All letters of --reason that are there now.")
@reason_option
@config_option
def requeue(
    partition: int | None,
    offset: int | None,
    value_file: Path | None,
    every: bool,
    reason: str | None,
    config: Path | None,
) -> None:
    """Send letters back to the topic they came from.

    The one at OFFSET of PARTITION, or all of a reason, to the partition it came from. Key, value
    and headers are the original's; the header onoma-requeued-from says which letter it was. The
    letter stays where it is, and nothing remembers that it was sent back: requeue it twice, and
    there are two documents and two events with different ids.

    \b
    Examples:
      onoma deadletters show 2 17 --out broken.json
      onoma deadletters requeue 2 17 --value-file repaired.json
      onoma deadletters requeue --all --reason processing_failed
    """
    from onoma.stream import deadletters

    one = partition is not None and offset is not None
    if one == every or (every and partition is not None):
        raise click.UsageError("give PARTITION and OFFSET of one letter, or --all with --reason")
    if every != (reason is not None) or (every and value_file):
        raise click.UsageError("--reason goes with --all, and --value-file with one letter")
    loaded, limits = _loaded(config)
    if every and reason is not None:
        count = asyncio.run(deadletters.requeue_all(loaded, limits, reason, _report))
        click.echo(f"requeued {count} {'letter' if count == 1 else 'letters'}")
    elif partition is not None and offset is not None:
        letter = asyncio.run(deadletters.one(loaded, limits, partition, offset))
        if value_file is not None:
            letter = replace(letter, value=_read(value_file))
        asyncio.run(deadletters.requeue(loaded, letter, _report))


def _loaded(config: Path | None) -> tuple[Settings, Limits]:
    from onoma.stream import app

    loaded = settings.load(config)
    return loaded, app.load_policy(loaded.policy.path).policy.limits


def _report(message: Message, place: Place) -> None:
    letter = (header(message.headers, deadletter.REQUEUED_FROM) or b"").decode()
    click.echo(f"{letter} -> {place.topic} partition {place.partition} offset {place.offset}")


def _print(described: dict[str, Any]) -> None:
    headers, text = described.pop("headers"), described.pop("value", None)
    for name, value in described.items():
        click.echo(f"{name}: {'' if value is None else printable(str(value))}".rstrip())
    click.echo("headers:")
    for name, value in headers:
        click.echo(f"  {printable(name)}: {printable(value)}")
    if text is not None:
        click.echo("value:")
        for line in text.split("\n"):
            click.echo(printable(line))


def _described(letter: Letter) -> dict[str, Any]:
    """Return what a list says about a letter; no part of it is the document's text."""
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.told(deadletter.REASON),
        "detail": letter.told(deadletter.DETAIL),
        "source_topic": letter.told(deadletter.SOURCE_TOPIC),
        "source_partition": _number(letter.told(deadletter.SOURCE_PARTITION)),
        "source_offset": _number(letter.told(deadletter.SOURCE_OFFSET)),
        "first_failure_time": letter.told(deadletter.FIRST_FAILURE_TIME),
        "written_time": _time(letter.timestamp_ms),
        "worker_version": letter.told(deadletter.WORKER_VERSION),
        "requeued_from": letter.told(deadletter.REQUEUED_FROM),
        "size": letter.size,
        "key": None if letter.key is None else _shown(letter.key),
    }


def _headers(letter: Letter) -> list[tuple[str, str]]:
    return [(name, _shown(value or b"")) for name, value in letter.headers]


def _shown(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _value(letter: Letter) -> dict[str, str | None]:
    """Return the value as text where it is UTF-8, else as base64."""
    if letter.value is None:
        return {"value": None}
    try:
        return {"value": letter.value.decode()}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(letter.value).decode()}


def _table(letters: list[Letter]) -> Table:
    table = Table()
    for heading in ("partition", "offset"):
        table.add_column(heading, justify="right")
    for heading in ("reason", "source", "first failure"):
        table.add_column(heading)
    table.add_column("bytes", justify="right")
    table.add_column("key")
    for letter in letters:
        told = _described(letter)
        cells = (
            str(letter.partition),
            str(letter.offset),
            told["reason"] or "",
            "{source_topic} {source_partition} {source_offset}".format_map(told),
            told["first_failure_time"] or told["written_time"],
            f"{letter.size:,}",
            told["key"] or "",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUseError(f"{path}: can't be read: {error.strerror}") from error


def _write(path: Path, letter: Letter) -> None:
    if letter.value is None:
        raise WrongUseError(f"{letter.place} has a null value; there is nothing to write to {path}")
    try:
        path.write_bytes(letter.value)
    except OSError as error:
        raise WrongUseError(f"{path}: can't be written: {error.strerror}") from error
