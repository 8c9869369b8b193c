"""`onoma publish`: files to the documents' topic.

Each document is read as a worker would read it before anything is sent. What a worker would reject
is a line on standard error and stays here; the others go on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from onoma import settings
from onoma.cli import config_option
from onoma.contracts.decoders import JSON, decode
from onoma.contracts.policy import Limits
from onoma.contracts.records import Record
from onoma.errors import RejectedDocument
from onoma.settings import Settings

if TYPE_CHECKING:
    from onoma.stream.publishing import Message, Place

STANDARD_INPUT = "-"
JSON_LINES = (".jsonl", ".ndjson")
HEADERS = (("content-type", JSON.encode()),)
_Keyed = tuple[bytes, bytes]
DOCUMENTS_PER_LINE = 10_000
"""How often progress is a line where there is no terminal."""


@click.command("publish")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--language", help="Language of plain texts, as BCP 47 or ISO 639-3 code.")
@click.option("--tenant", help="Tenant of plain texts.")
@click.option("--id", "document_id", help="Id of the document; for one plain text.")
@click.option("--bootstrap", metavar="HOST:PORT", help="Broker; goes before the settings'.")
@config_option
def command(
    files: tuple[Path, ...],
    language: str | None,
    tenant: str | None,
    document_id: str | None,
    bootstrap: str | None,
    config: Path | None,
) -> None:
    """Publish FILES to the documents' topic.

    A file that ends in .jsonl or .ndjson holds one document.v1 a line; any other is one text, and
    its name is the document's id. `-` is standard input: document.v1 lines if it begins with {,
    else one text. What is no valid document is reported as name:line: reason, the others go on, and
    the exit code is 1.

    \b
    Examples:
      onoma publish report.txt --language ha --config onoma.yaml
      onoma publish archive.jsonl --bootstrap localhost:9092
    """
    from onoma.stream import app, publishing

    if document_id is not None and len(files) > 1:
        raise click.UsageError("--id names one document; give one file with it")
    loaded = _with_bootstrap(settings.load(config), bootstrap)
    limits = app.load_policy(loaded.policy.path).policy.limits
    documents = _Documents(limits, language=language, tenant=tenant, document_id=document_id)
    with _Progress(files) as progress:
        keyed = documents.read(files, progress)
        messages = (publishing.Message(key, value, HEADERS) for key, value in keyed)
        published = asyncio.run(publishing.publish(messages, loaded, limits, progress.count))
    noun = "document" if published == 1 else "documents"
    click.echo(f"published {published} {noun} to {loaded.topics.documents}")
    if documents.refused:
        raise click.exceptions.Exit(1)


def _with_bootstrap(loaded: Settings, bootstrap: str | None) -> Settings:
    if bootstrap is None:
        return loaded
    kafka = loaded.kafka.model_copy(update={"bootstrap_servers": bootstrap})
    return loaded.model_copy(update={"kafka": kafka})


class _Progress:
    """A bar on a terminal, over the bytes of the files; else a line now and then."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._documents = 0
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.fields[documents]:,} documents"),
                BarColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            sizes = [file.stat().st_size if file.is_file() else None for file in files]
            known = None if None in sizes else sum(size or 0 for size in sizes)
            self._task = self._bar.add_task("", total=known, documents=0)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def advance(self, bytes_: int) -> None:
        """Note that this much of a file was read."""
        if self._bar:
            self._bar.advance(self._task, bytes_)

    def count(self, message: Message, place: Place) -> None:
        """Note that a document was acknowledged."""
        self._documents += 1
        if self._bar:
            self._bar.update(self._task, documents=self._documents)
        elif self._documents % DOCUMENTS_PER_LINE == 0:
            click.echo(f"{self._documents:,} documents published so far", err=True)


@dataclass(slots=True)
class _Documents:
    """Reads files into documents and reports what is none."""

    limits: Limits
    language: str | None = field(kw_only=True)
    tenant: str | None = field(kw_only=True)
    document_id: str | None = field(kw_only=True)
    refused: int = 0

    def read(self, files: tuple[Path, ...], progress: _Progress) -> Iterator[_Keyed]:
        """Yield the documents in the order of the command line."""
        for file in files:
            if str(file) == STANDARD_INPUT:
                yield from self._standard_input(progress)
                continue
            try:
                with file.open("rb") as stream:
                    if file.suffix in JSON_LINES:
                        yield from self._lines(str(file), stream, progress)
                    else:
                        yield from self._text(str(file), file.name, stream, progress)
            except OSError as error:
                self._refuse(str(file), f"can't be read: {error.strerror}")

    def _standard_input(self, progress: _Progress) -> Iterator[_Keyed]:
        stream = sys.stdin.buffer
        first = stream.readline()
        if first.lstrip().startswith(b"{"):
            yield from self._lines("stdin", chain([first], stream), progress)
        else:
            yield from self._text("stdin", "stdin", stream, progress, first)

    def _lines(self, name: str, lines: Iterable[bytes], progress: _Progress) -> Iterator[_Keyed]:
        for number, line in enumerate(lines, 1):
            progress.advance(len(line))
            if line.strip():
                yield from self._checked(f"{name}:{number}", line.rstrip(b"\r\n"))

    def _text(
        self, name: str, usual_id: str, stream: BinaryIO, progress: _Progress, first: bytes = b""
    ) -> Iterator[_Keyed]:
        data = first + stream.read(self.limits.document_bytes + 1)
        progress.advance(len(data))
        if len(data) > self.limits.document_bytes:
            self._refuse(name, f"document_too_large: over {self.limits.document_bytes} bytes")
            return
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._refuse(name, f"invalid_utf8: at byte {error.start}")
            return
        document = {"document_id": self.document_id or _utf8(usual_id), "text": text}
        given = {"language": self.language, "tenant": self.tenant}
        document |= {name: value for name, value in given.items() if value is not None}
        yield from self._checked(name, msgspec.json.encode(document))

    def _checked(self, where: str, value: bytes) -> Iterator[_Keyed]:
        """Yield a JSON document that a worker would take."""
        try:
            document = decode(Record(where, 0, 0, None, value, HEADERS), self.limits)
        except RejectedDocument as rejected:
            self._refuse(where, str(rejected))
        else:
            yield document.document_id.encode(), value

    def _refuse(self, where: str, reason: str) -> None:
        self.refused += 1
        click.echo(f"{where}: {reason}", err=True)


def _utf8(name: str) -> str:
    """Return a file's name as text, also where it is no UTF-8."""
    return name.encode(errors="replace").decode()
