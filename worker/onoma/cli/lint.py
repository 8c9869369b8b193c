"""`onoma train lint`: what is wrong with corpora, as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from onoma.cli import json_option
from onoma.cli.annotated import reading_options
from onoma.training.files import Reading
from onoma.training.lint import WHAT, FileReport, is_unfit, lint


@click.command("lint")
@click.argument("place", metavar="DATA", type=click.Path(exists=True, path_type=Path))
@reading_options
@json_option
def command(place: Path, reading: Reading, as_json: bool) -> None:
    """Look for what is wrong with the annotated files in DATA: leakage, damage, contradictions.

    Files are named by their part: train.conll, dev.conll.gz, dev.jsonl, train.json. The exit code
    is 1 if a sentence of another part is also in a training part of its language.
    """
    reports = lint(place, reading)
    if as_json:
        record = {"unfit": is_unfit(reports), "files": [report.as_record() for report in reports]}
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        _print(reports)
    if is_unfit(reports):
        click.echo(
            "unfit: a sentence of another part is also in a training part; take it out of one",
            err=True,
        )
        raise click.exceptions.Exit(1)


def _print(reports: Sequence[FileReport]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title="annotated files")
    for column in ("set", "part", "tags", "licence", "labels"):
        table.add_column(column, overflow="fold")
    for column in ("sentences", "tokens", "unseen mentions"):
        table.add_column(column, justify="right")
    for report in reports:
        table.add_row(
            report.name,
            report.part,
            report.tagging,
            report.licence[:40] or "not stated",
            " ".join(f"{label} {count:,}" for label, count in report.labels.most_common()),
            f"{report.sentences:,}",
            f"{report.tokens:,}",
            "" if report.unseen is None else f"{report.unseen:.0%}",
        )
    console.print(table)
    for kind, what in WHAT.items():
        found = [(report, report.findings[kind]) for report in reports if kind in report.findings]
        if found:
            total = sum(finding.count for _, finding in found)
            console.print(f"{total:,} {what}:", highlight=False)
            for report, finding in found:
                places = ", ".join(finding.places)
                line = f"  {report.name} {report.part}: {finding.count:,}, first at {places}"
                console.print(line, highlight=False, markup=False, soft_wrap=True)
