"""`onoma gazetteer build` and `merge`: published files into a segment, a chain into one segment.

Both run beside the workers, never inside them: building takes the processor for seconds, and a list
that can't be built leaves the old one where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from onoma.cli import config_option, json_option, load_settings
from onoma.cli.columns import column_options
from onoma.cli.listed import Listed, read_files, read_topic
from onoma.cli.terminal import printable
from onoma.errors import GazetteerError
from onoma.gazetteer import store
from onoma.gazetteer.chain import difference, open_chain, tombstones, upserts
from onoma.gazetteer.entries import Entry
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.manifest import check_name
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.readers.formats import FORMATS
from onoma.gazetteer.readers.found import MEANING
from onoma.gazetteer.segment import Identity, write_segment

list_directory = click.Path(exists=True, file_okay=False, path_type=Path)
out_option = click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory to write. Where it holds a version of the same list, that one is replaced.",
)


@click.command("build")
@click.argument(
    "sources",
    metavar="[SOURCE]...",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="ofac: the primary, alias and address CSV files together; un: the XML of the Security "
    "Council; csv, jsonl: any table; ftm: FollowTheMoney entities; spacy: patterns of an "
    "EntityRuler; stanford: gazettes of Stanford NER. All may be packed with gzip.",
)
@click.option(
    "--from-topic",
    "topic",
    metavar="TOPIC",
    help="Read a compacted topic in place of files: the newest value of each key is an entry as in "
    "jsonl, its id the key; a null takes it away.",
)
@click.option("--name", required=True, help="The list's name, the same in all its versions.")
@click.option(
    "--version",
    help="This version's name; without it the day that the sources give, or a hash of them.",
)
@out_option
@click.option(
    "--base",
    type=list_directory,
    help="Write only what changes from the list in this directory, which lies beside --out.",
)
@click.option("--allow-shrink", is_flag=True, help="Take a list that lost half of its entries.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of text files.")
@column_options
@config_option
@json_option
def build_command(
    sources: tuple[Path, ...],
    format_name: str | None,
    topic: str | None,
    name: str,
    version: str | None,
    out: Path,
    base: Path | None,
    allow_shrink: bool,
    encoding: str,
    columns: Columns,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a list to screen with from published files.

    What is left out is counted by its reason, with the first places. Broken files, other encodings
    and two different entries under one id are refused; then nothing is written.
    """
    for given in filter(None, (name, version)):
        check_name(given)
    store.check_replaceable(out, name)
    made = _read(sources, topic, format_name, columns, encoding, config)
    before = store.version_before(out, name, base)
    if before is not None and not allow_shrink:
        _refuse_shrinking(len(made.entries), before)
    identity = Identity(
        name=name,
        version=version or made.version,
        sources=made.sources,
        published=made.notes.published,
        skipped={str(reason): count for reason, count in made.notes.skipped.items()},
    )
    written = _write(made.entries, identity, out, base)
    _report({**written, **_noted(made)}, as_json)


def _read(
    sources: Sequence[Path],
    topic: str | None,
    format_name: str | None,
    columns: Columns,
    encoding: str,
    config: Path | None,
) -> Listed:
    if topic is not None:
        if sources or format_name not in (None, "jsonl"):
            raise click.UsageError("--from-topic stands in place of SOURCE and --format")
        return read_topic(topic, columns, load_settings(config))
    if not sources or format_name is None:
        raise click.UsageError("give SOURCE files with their --format, or --from-topic")
    return read_files(sources, format_name, columns, encoding)


def _refuse_shrinking(count: int, before: Path) -> None:
    try:
        known = store.entry_count(before)
    except GazetteerError as error:
        click.echo(f"not compared with the version before: {error}", err=True)
        return
    if 2 * count <= known:
        raise GazetteerError(
            f"found {count:,} entries, but the version in {before} has {known:,}: a list that lost "
            "half of itself is taken for a broken file. Look at the sources, or say --allow-shrink"
        )


def _write(
    entries: tuple[Entry, ...], identity: Identity, out: Path, base: Path | None
) -> dict[str, Any]:
    """Write all of `entries`, or what changes from `base`; return what the command says of it."""
    said: dict[str, Any] = {"directory": str(out), "name": identity.name}
    said |= {"version": identity.version, "entries": len(entries)}
    if base is None:
        sha256 = write_segment(out, entries, identity, INDEX, replace=True)
        return {**said, "sha256": sha256}
    edits = difference(open_chain(base, INDEX), entries)
    identity = store.on_top(identity, base, out)
    sha256 = write_segment(
        out, upserts(edits), identity, INDEX, tombstones=tombstones(edits), replace=True
    )
    changes = {"upserts": len(upserts(edits)), "tombstones": len(tombstones(edits))}
    return {**said, "sha256": sha256, "changes": changes}


def _noted(made: Listed) -> dict[str, Any]:
    notes = made.notes
    return {
        "names": sum(len(entry.names) for entry in made.entries),
        "records": dict(notes.records),
        "left_out": {
            str(reason): {"count": count, "places": [str(place) for place in notes.places[reason]]}
            for reason, count in notes.skipped.most_common()
        },
    }


def _report(said: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
        return
    for source, records in said["records"].items():
        click.echo(f"read {records:,} records of {printable(source)}")
    for reason, left_out in said["left_out"].items():
        places = ", ".join(map(printable, left_out["places"][:3]))
        click.echo(f"left out {left_out['count']:,}: {MEANING[reason]}, first at {places}")
    click.echo(
        "wrote {name} {version} to {directory}: {entries:,} entries, {names:,} names; "
        "sha256 {sha256}".format_map(said)
    )
    if changes := said.get("changes"):
        told = "as a change: {upserts:,} entries new or different, {tombstones:,} taken away"
        click.echo(told.format_map(changes))


@click.command("merge")
@click.argument("directory", type=list_directory)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New directory.")
@json_option
def merge_command(directory: Path, out: Path, as_json: bool) -> None:
    """Write a list and the changes on top of it as one.

    DIRECTORY is the newest change. What is written says what they say together, under the same
    version; also made for the index of this version of Onoma, where they were built for another.
    The segments themselves stay: past events name them.
    """
    chain = open_chain(directory)
    manifest = chain.newest.manifest
    identity = Identity(
        name=manifest.name,
        version=manifest.version,
        sources=manifest.sources,
        published=manifest.published,
    )
    sha256 = write_segment(out, chain, identity, INDEX)
    said: dict[str, Any] = {"directory": str(out), "name": manifest.name}
    said |= {"version": manifest.version}
    said |= {"sha256": sha256, "entries": len(chain), "segments": len(chain.segments)}
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
        return
    click.echo(
        "merged {segments} segments of {name} {version} into {directory}: {entries:,} entries; "
        "sha256 {sha256}".format_map(said)
    )
