"""`onoma annotate`: the pipeline on text, files or standard input, without Kafka.

One entities.v1 per input, in the order of the input, with the value that the topic would carry. A
rejected record is a line on standard error; the others go on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onoma.cli import config_option, load_settings, model_option
from onoma.cli.building import list_directory
from onoma.cli.terminal import printable
from onoma.contracts.alerts import ListedEntry, Match
from onoma.contracts.entities import ArtefactVersion, Entities, Entity, InputSource
from onoma.contracts.records import Output, Record
from onoma.errors import WrongUseError
from onoma.gazetteer.served import open_all
from onoma.pipeline import DeadLettered, process
from onoma.registry.gate_record import UNGATED

STANDARD_INPUT = "-"
JSON_LINES = (".jsonl", ".ndjson")


class _Alert(msgspec.Struct, frozen=True):
    """What is shown of an alert."""

    entity: Entity
    gazetteer: ArtefactVersion
    entry: ListedEntry
    match: Match


@dataclass(frozen=True, slots=True)
class _Input:
    """One document to annotate, and where it came from."""

    source: InputSource
    value: bytes
    content_type: Literal["application/json", "text/plain"]

    def record(self) -> Record:
        """Return it as the record that a topic would carry."""
        headers = (("content-type", self.content_type.encode()),)
        key = self.source.input.encode(errors="replace")
        return Record(self.source.input, 0, self.source.record, key, self.value, headers)


@click.command("annotate")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--text", help="Annotate this text.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["table", "json"]),
    help="table for people (the default on a terminal), json for programs: one entities.v1 a line.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--language", help="Language of plain texts, as BCP 47 or ISO 639-3 code.")
@click.option(
    "--gazetteer",
    "gazetteers",
    multiple=True,
    type=list_directory,
    help="Directory of a watch list or of exclusions to screen against, several where it is given "
    "several times; without it those of the settings.",
)
@config_option
@model_option
def command(
    files: tuple[Path, ...],
    text: str | None,
    shape: str | None,
    as_json: bool,
    language: str | None,
    gazetteers: tuple[Path, ...],
    config: Path | None,
    model_directory: Path | None,
) -> None:
    """Find the names in text, FILES or standard input; needs no Kafka.

    A file that ends in .jsonl holds one document.v1 a line; any other is one text. `-`, or no file
    at all, reads standard input: document.v1 lines if it begins with {, else one text. A rejected
    record is reported as name:line: reason, the others go on, and the exit code is 1.

    \b
    Examples:
      onoma annotate --text "Shugaba Bola Ahmed Tinubu ya isa Abuja."
      onoma annotate report.txt archive.jsonl --json
    """
    from onoma.stream import app

    if text is not None and files:
        raise click.UsageError("give either --text or FILES, not both")
    loaded = load_settings(config, model_directory)
    model = app.load_model(loaded)
    if model.gate == UNGATED:
        click.echo(f"onoma: {model.manifest.name} passed no gate: for benchmarks only", err=True)
    lists = open_all(gazetteers or loaded.gazetteers.lists)
    versions = app.pinned_versions(loaded, model, lists)
    as_json = as_json or shape == "json" or (shape is None and not sys.stdout.isatty())
    rejections = 0
    for given in _inputs(files, text, language):
        outcome = process(given.record(), versions, source=given.source)
        if isinstance(outcome, DeadLettered):
            rejections += 1
            where = f"{given.source.input}:{given.source.record}"
            click.echo(f"{where}: {outcome.rejected}", err=True)
        elif as_json:
            click.echo((outcome.output.value or b"").decode())
        else:
            _print_table(outcome.event)
            _print_alerts(outcome.alerts)
    if rejections:
        raise click.exceptions.Exit(1)


def _inputs(files: tuple[Path, ...], text: str | None, language: str | None) -> Iterator[_Input]:
    """Yield the documents in the order of the command line."""
    if text is not None:
        # Bytes that the terminal could not decode stay what they were, and are judged by the
        # decoder.
        yield _plain("--text", text.encode(errors="surrogateescape"), language)
        return
    for file in files or (Path(STANDARD_INPUT),):
        if str(file) == STANDARD_INPUT:
            yield from _standard_input(language)
        elif file.suffix in JSON_LINES:
            with _opened(file) as lines:
                yield from _json_lines(str(file), lines)
        else:
            with _opened(file) as stream:
                yield _plain(str(file), stream.read(), language)


def _standard_input(language: str | None) -> Iterator[_Input]:
    lines = sys.stdin.buffer
    first = lines.readline()
    if first.lstrip().startswith(b"{"):
        yield from _json_lines("stdin", chain([first], lines))
    else:
        yield _plain("stdin", first + lines.read(), language)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise WrongUseError(f"{file}: can't be read: {error.strerror}") from error


def _json_lines(name: str, lines: Iterable[bytes]) -> Iterator[_Input]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _Input(InputSource(name, number), line.rstrip(b"\r\n"), "application/json")


def _plain(name: str, text: bytes, language: str | None) -> _Input:
    source = InputSource(name, 1)
    if language is None:
        return _Input(source, text, "text/plain")
    try:
        document = {"document_id": name, "text": text.decode(), "language": language}
    except UnicodeDecodeError:
        return _Input(source, text, "text/plain")  # rejected for what it is
    return _Input(source, msgspec.json.encode(document), "application/json")


def _print_table(event: Entities) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(Text(_headline(event)), soft_wrap=True)
    table = Table()
    for heading, side in (("label", "left"), ("score", "right"), ("at", "right"), ("text", "left")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]  # a literal in a tuple
    for entity in event.entities:
        table.add_row(
            entity.label,
            f"{entity.score:.3f}",
            f"{entity.start}-{entity.end}",
            Text(" ".join(entity.text.split())),
        )
    console.print(table if event.entities else Text("no names found"))


def _print_alerts(alerts: Sequence[Output]) -> None:
    """Print which entries of the settings' lists the names may mean."""
    if not alerts:
        return
    table = Table()
    for heading in ("list", "entry", "name on the list", "score", "at", "text"):
        table.add_column(heading)
    for output in alerts:
        alert = msgspec.json.decode(output.value or b"", type=_Alert)
        table.add_row(
            alert.gazetteer.name,
            Text(printable(alert.entry.entry_id)),
            Text(printable(alert.match.name.text)),
            f"{alert.match.score:.1f}",
            f"{alert.entity.start}-{alert.entity.end}",
            Text(" ".join(alert.entity.text.split())),
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _headline(event: Entities) -> str:
    language, coverage = event.language, event.coverage
    return (
        f"{event.document_id} · {language.declared or 'language undeclared'} ({language.support}), "
        f"{language.script} · {coverage.characters_read} of {coverage.characters_total} "
        f"characters read"
    )
