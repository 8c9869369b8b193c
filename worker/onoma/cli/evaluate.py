"""`onoma evaluate`: how good a model is on annotated corpora, as a table, JSON or a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from onoma.cli import json_option, model_option
from onoma.cli.annotated import data_directory, data_option, reading_options, sets_of
from onoma.evaluation.learning import Curve, curve_of, learning_record
from onoma.evaluation.texts import FORMS, Form
from onoma.registry import bundle
from onoma.registry.manifest import Manifest
from onoma.registry.scoring import Scoring
from onoma.training.files import Reading
from onoma.training.reports import open_directory, read_curves, write_report


@click.command("evaluate")
@model_option
@data_option
@reading_options
@click.option("--part", default="dev", show_default=True, help="The files to score on, by name.")
@click.option("--language", "languages", multiple=True, help="Only these languages (BCP 47).")
@click.option(
    "--text",
    "form",
    type=click.Choice(FORMS),
    default="tokens",
    show_default=True,
    help="The corpora's own tokens; raw text, cut by our segmentation; 10 to 40 sentences joined "
    "to documents, by blanks or by line ends.",
)
@click.option("--robustness", is_flag=True, help="Score lower-cased, stripped and misspelt too.")
@click.option("--documents", is_flag=True, help="Score sentences joined to documents too.")
@click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another bundle: differences on the same texts, with intervals and p values.",
)
@click.option(
    "--report",
    "report_directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for report.md, report.json and plots (plots need onoma[train]).",
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Learning curve to draw beside the model's own: the log that `onoma train` keeps at "
    "OUT.checkpoints/names.jsonl while it runs, or JSON lines with step, f1, units, seconds.",
)
@json_option
def command(
    model_directory: Path | None,
    data: Path | None,
    reading: Reading,
    part: str,
    languages: tuple[str, ...],
    form: Form,
    robustness: bool,
    documents: bool,
    against: Path | None,
    report_directory: Path | None,
    logs: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Score a model on annotated sets: strict F1 of whole spans, each set once in the macro.

    A bundle needs no gate record to be scored.
    """
    if report_directory is not None:
        # First: nobody should wait for scores that can't be drawn.
        open_directory(report_directory)
    model = bundle.load(model_directory or bundle.default_directory(), allow_ungated=True)
    curves = {**own_curve(model.manifest), **read_curves(logs)}
    sets = sets_of(data_directory(data), part, reading, languages)
    scoring = Scoring(model, sets.corpora, counted=sets.counted, known=sets.known, told=_told)
    record = scoring.record(form)
    if robustness:
        record["robustness"] = scoring.robustness()
    if documents:
        record["joined"] = scoring.joined()
    if against is not None:
        record["against"] = scoring.against(bundle.load(against, allow_ungated=True), form)
    if curves:
        record["learning"] = {name: learning_record(curve) for name, curve in curves.items()}
    if report_directory is not None:
        write_report(record, report_directory)
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        _print(record)


def own_curve(manifest: Manifest) -> dict[str, Curve]:
    """Return the learning curve that stands in a manifest, if one does."""
    named = f"{manifest.name} {manifest.version}"
    rows = manifest.training.get("learning", ())
    return {named: curve_of(rows, f"{named}: training.learning")} if rows else {}


def _told(name: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"reading {name}", err=True)


def _print(record: dict[str, Any]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(_table(record))
    calibration = record["calibration"]
    console.print(
        f"calibration error of mentions {calibration['ece']:.3f}; "
        f"{calibration['fitted_ece']:.3f} with a temperature fitted on the other half"
    )
    for name, row in {**record.get("robustness", {}), **record.get("joined", {})}.items():
        console.print(f"{name}: macro F1 {row['macro_f1']:.4f} {_range(row['macro_interval'])}")
    if "against" in record:
        macro = record["against"]["macro"]
        console.print(
            f"against {record['against']['model']['name']}: macro F1 {macro['difference']:+.4f} "
            f"{_range([macro['low'], macro['high']])}, p {macro['p']:.4f}"
        )
    console.print(record["signature"]["line"], soft_wrap=True)


def _table(record: dict[str, Any]) -> Table:
    named = record["model"]
    table = Table(title=f"{named['name']} {named['version']}, {record['text']}")
    table.add_column("set")
    for column in ("sentences", "entities", "precision", "recall", "F1", "95 %", "unseen F1"):
        table.add_column(column, justify="right")
    for name, row in record["sets"].items():
        table.add_row(name, *_cells(row))
    table.add_section()
    count = len(record["sets"])
    table.add_row(
        f"macro of {count} sets",
        *([""] * 4),
        f"{record['macro_f1']:.4f}",
        _range(record["macro_interval"]),
        "",
    )
    for name, row in record["beside"].items():
        table.add_row(f"beside: {name}", *_cells(row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    unseen = row.get("mentions", {}).get("unseen")
    return [
        f"{row['sentences']:,}",
        f"{row['gold']:,}",
        *(f"{row[figure]:.3f}" for figure in ("precision", "recall", "f1")),
        _range(row["interval"]),
        f"{unseen['f1']:.3f}" if unseen else "",
    ]


def _range(interval: Sequence[float]) -> str:
    return f"{interval[0]:.3f}-{interval[1]:.3f}"
