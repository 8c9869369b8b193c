"""`onoma model`: what a bundle is, whether it is whole, and whether it may be served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from onoma.cli import json_option
from onoma.cli.annotated import reading_options, sets_of
from onoma.cli.importing import import_command
from onoma.cli.promoting import promote_command, rollback_command
from onoma.registry import bundle
from onoma.registry.gate import Evidence, gate, reference_of
from onoma.registry.gate_record import Check
from onoma.registry.manifest import CARD_NAME
from onoma.training.files import Reading
from onoma.training.finishing import Grounds, write_scores

directory_argument = click.argument(
    "directory",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)


@click.group("model")
def command() -> None:
    """Show, verify, gate and promote model bundles; without DIRECTORY the one that ships with
    Onoma.
    """


command.add_command(import_command)
command.add_command(promote_command)
command.add_command(rollback_command)


@command.command("show")
@directory_argument
@json_option
def show(directory: Path | None, as_json: bool) -> None:
    """Print the model card, or the manifest with --json."""
    directory = directory or bundle.default_directory()
    manifest, sha256 = bundle.verify(directory)
    if as_json:
        described = {"sha256": sha256, **msgspec.to_builtins(manifest)}
        click.echo(msgspec.json.encode(described).decode())
        return
    click.echo(f"{directory}\nmanifest sha256 {sha256}\n")
    card = directory / CARD_NAME
    click.echo(card.read_text(encoding="utf-8") if card.is_file() else "The bundle has no card.")


@command.command("verify")
@directory_argument
@json_option
def verify(directory: Path | None, as_json: bool) -> None:
    """Check every file, load the model and run it once.

    Files are compared with the manifest's hashes. The last words are the sha256 of its gate record,
    or `none` for a bundle that is not served.
    """
    model = bundle.load(directory or bundle.default_directory(), allow_ungated=True)
    version = model.version
    if as_json:
        click.echo(msgspec.json.encode(version).decode())
        return
    files = len(model.manifest.files)
    click.echo(
        f"{version.name} {version.version}: {files} files as in the manifest, loads and runs; "
        f"sha256 {version.sha256}, gate {version.gate}"
    )


@command.command("gate")
@directory_argument
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help="Annotated files or a directory of them, with a part dev; without it nothing is scored.",
)
@reading_options
@click.option("--score", is_flag=True, help="First score on --data: writes scores and card anew.")
@click.option(
    "--reference",
    type=click.Path(exists=True, path_type=Path),
    help="The same model in full precision: the file of `onoma train --keep-reference`, or a "
    "bundle (`--precision fp32`).",
)
@click.option("--date", help="Day of the judgement, YYYY-MM-DD; today in UTC.")
@json_option
def gate_command(
    directory: Path | None,
    data: Path | None,
    reading: Reading,
    score: bool,
    reference: Path | None,
    date: str | None,
    as_json: bool,
) -> None:
    """Judge a bundle, and write the gate record workers ask for.

    Exit 1 if it failed. It has to read plain sentences in its languages, and a document's
    neighbours may not change its bits. With --data, calibration on the development sets; with
    --reference too, what int8 costs each language and label. The record names the sha256 of every
    file, so it fits this bundle only.
    """
    directory = directory or bundle.default_directory()
    evidence = Evidence()
    if data is not None:
        exact = reference_of(directory, reference) if reference is not None else None
        sets = sets_of(data, "dev", reading)
        evidence = Evidence(sets.corpora, sets.counted, exact)
        if score:
            write_scores(directory, Grounds(sets.corpora, sets.counted, sets.known))
    elif reference is not None or score:
        raise click.UsageError("--reference and --score need --data: its sets are scored")
    date = date or datetime.now(UTC).date().isoformat()
    checks = gate(directory, evidence, date=date)
    failed = [check.name for check in checks if check.passed is False]
    if as_json:
        record = {"passed": not failed, "checks": msgspec.to_builtins(checks)}
        click.echo(msgspec.json.encode(record).decode())
    else:
        Console(soft_wrap=True).print(_checks(checks))
        click.echo(f"not gated: {', '.join(failed)}" if failed else f"gated {directory}")
    if failed:
        raise click.exceptions.Exit(1)


def _checks(checks: tuple[Check, ...]) -> Table:
    table = Table()
    for column in ("check", "result", "measured", "limit"):
        table.add_column(column)
    words = {True: "passed", False: "FAILED", None: "not made"}
    for check in checks:
        measured = check.note or ", ".join(f"{k} {v}" for k, v in check.measured.items())
        limits = ", ".join(f"{k} {v}" for k, v in check.limits.items())
        table.add_row(check.name, words[check.passed], measured, limits)
    return table
