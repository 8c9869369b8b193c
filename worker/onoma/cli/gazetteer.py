"""`onoma gazetteer`: build watch lists, look into them, compare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from onoma.cli import exclusions, json_option
from onoma.cli.building import build_command, list_directory, merge_command
from onoma.cli.promoting import promote_list_command, rollback_list_command
from onoma.cli.searching import bench_command, explain_command, search_command
from onoma.cli.terminal import console, printable
from onoma.errors import GazetteerError
from onoma.gazetteer.chain import Chain, Edit, difference, open_chain
from onoma.gazetteer.entries import Entry, Quality, fingerprint
from onoma.gazetteer.segment import Segment

SHOWN = 50
"""Rows of a table of differences; --json has all."""


@click.group("gazetteer")
def command() -> None:
    """Build watch lists, look into them and compare them."""


command.add_command(build_command)
command.add_command(merge_command)
command.add_command(search_command)
command.add_command(explain_command)
command.add_command(bench_command)
command.add_command(exclusions.command)
command.add_command(promote_list_command)
command.add_command(rollback_list_command)


@command.command("show")
@click.argument("directory", type=list_directory)
@click.option("--entry", "entry_id", help="Print all that the list says about this entry.")
@json_option
def show(directory: Path, entry_id: str | None, as_json: bool) -> None:
    """Verify a list and say what it is.

    Its versions, the files it was made of, and how many entries of what type it has.
    """
    chain = open_chain(directory)
    if entry_id is not None:
        _show_entry(chain, entry_id, as_json)
        return
    described = _described(chain)
    if as_json:
        click.echo(msgspec.json.encode(described).decode())
        return
    click.echo("{name} {version}: sha256 {sha256}".format_map(described))
    for what, kinds in (("entries", "types"), ("names", "qualities")):
        parts = ", ".join(f"{count:,} {kind}" for kind, count in described[kinds].items())
        click.echo(f"{described[what]:,} {what}: {parts}")
    for segment in chain.segments:
        _print_segment(segment)


def _described(chain: Chain) -> dict[str, Any]:
    types: Counter[str] = Counter()
    qualities: Counter[str] = Counter()
    for entry in chain:
        types[entry.type] += 1
        qualities.update(name.quality for name in entry.names)
    newest = chain.newest
    return {
        "name": newest.manifest.name,
        "version": newest.manifest.version,
        "sha256": newest.sha256,
        "entries": types.total(),
        "types": dict(types.most_common()),
        "names": qualities.total(),
        "qualities": dict(qualities.most_common()),
        "segments": [
            {"sha256": segment.sha256, **msgspec.to_builtins(segment.manifest)}
            for segment in chain.segments
        ],
    }


def _print_segment(segment: Segment) -> None:
    manifest = segment.manifest
    what = "whole list" if manifest.base is None else f"change to {manifest.base.version}"
    click.echo(
        f"{manifest.version}, {what}: {manifest.entries:,} entries, {manifest.names:,} names, "
        f"{manifest.tombstones:,} taken away; index {manifest.index}; sha256 {segment.sha256}"
    )
    for source in manifest.sources:
        click.echo(f"  made of {printable(source.name)} ({source.format}), sha256 {source.sha256}")
    for reason, count in sorted(manifest.skipped.items()):
        click.echo(f"  left out: {count:,} {reason}")


def _show_entry(chain: Chain, entry_id: str, as_json: bool) -> None:
    entry = chain.find(entry_id)
    if entry is None:
        raise GazetteerError(
            f"found no entry {entry_id!r} in {chain.newest.manifest.name} "
            f"{chain.newest.manifest.version}; ids are taken as the list writes them"
        )
    described: dict[str, Any] = msgspec.to_builtins(entry)
    described["fingerprint"] = fingerprint(entry)
    if as_json:
        click.echo(msgspec.json.encode(described).decode())
        return
    for name in entry.names:
        weak = ", weak" if name.quality is Quality.WEAK else ""
        click.echo(f"{name.kind.replace('_', ' ')}{weak}: {printable(name.text)}")
    for field, value in described.items():
        if value and field != "names":
            told = value if isinstance(value, str) else "; ".join(value)
            click.echo(f"{field.replace('_', ' ')}: {printable(told)}")


@command.command("diff")
@click.argument("old", type=list_directory)
@click.argument("new", type=list_directory)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say which entries of two lists differ.

    Entries that NEW adds, changes or no longer has. With --json one line for each entry: `change`,
    `entry_id`, and the entry `before` and `after`.
    """
    edits = difference(open_chain(old), open_chain(new))
    if as_json:
        for edit in edits:
            line = {"change": edit.kind, "entry_id": edit.entry.entry_id}
            line |= {"before": edit.before, "after": edit.after}  # type: ignore[dict-item]  # JSON
            click.echo(msgspec.json.encode(line).decode())
        return
    counts = Counter(edit.kind for edit in edits)
    click.echo(", ".join(f"{counts[kind]:,} {kind}" for kind in ("added", "changed", "removed")))
    if edits:
        console().print(_table(edits[:SHOWN]))
    if len(edits) > SHOWN:
        click.echo(f"{len(edits) - SHOWN:,} more; --json prints all")


def _table(edits: Iterable[Edit]) -> Table:
    table = Table()
    for heading in ("change", "entry", "name", "what changed"):
        table.add_column(heading, overflow="fold")
    for edit in edits:
        names = edit.entry.names[0].text
        cells = (edit.kind, edit.entry.entry_id, names, "; ".join(_changes(edit)))
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _changes(edit: Edit) -> Iterable[str]:
    """Yield what differs between two forms of one entry, in words."""
    if edit.before is None or edit.after is None:
        return
    before, after = _said(edit.before), _said(edit.after)
    for field, new in after.items():
        if new - before[field]:
            yield f"{field} + {', '.join(sorted(new - before[field]))}"
        if before[field] - new:
            yield f"{field} - {', '.join(sorted(before[field] - new))}"


def _said(entry: Entry) -> dict[str, frozenset[str]]:
    fields: dict[str, Any] = msgspec.to_builtins(entry)
    fields["names"] = [f"{name.text} ({name.quality} {name.kind})" for name in entry.names]
    return {
        field: frozenset([value] if isinstance(value, str) else value or ())
        for field, value in fields.items()
    }
