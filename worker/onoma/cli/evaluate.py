"""`onoma evaluate`: how good a model is on annotated corpora, as a table or as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from onoma.cli import json_option, model_option
from onoma.errors import WrongUseError
from onoma.evaluation.report import Form, Report, evaluate
from onoma.registry import bundle
from onoma.training.sources import read_corpora, scored

USUAL_DATA = Path("../shared/data")


@click.command("evaluate")
@model_option
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=f"Directory with ner/open and labelmap.json; {USUAL_DATA} if it exists.",
)
@click.option(
    "--text",
    "form",
    type=click.Choice(["tokens", "raw"]),
    default="tokens",
    show_default=True,
    help="The corpora's own tokens, or the tokens joined by blanks and cut by our segmentation.",
)
@json_option
def command(model_directory: Path | None, data: Path | None, form: Form, as_json: bool) -> None:
    """Score a model on the open development sets: strict F1 of whole spans, each set once."""
    model = bundle.load(model_directory or bundle.default_directory())
    corpora = scored(read_corpora(_data_directory(data), "dev"))
    report = evaluate(model.recogniser.label, model.manifest.labels, corpora, form)
    if as_json:
        named = {
            "name": model.manifest.name,
            "version": model.manifest.version,
            "sha256": model.sha256,
        }
        click.echo(json.dumps({"model": named, **report.as_record()}, ensure_ascii=False))
    else:
        title = f"{model.manifest.name} {model.manifest.version}, development sets, {form}"
        Console().print(_table(report, title))


def _data_directory(given: Path | None) -> Path:
    if given is not None:
        return given
    if not USUAL_DATA.is_dir():
        raise WrongUseError(f"found no {USUAL_DATA}: give the corpora's directory with --data")
    return USUAL_DATA


def _table(report: Report, title: str) -> Table:
    table = Table(title=title)
    table.add_column("set")
    for column in ("sentences", "entities", "precision", "recall", "F1"):
        table.add_column(column, justify="right")
    for score in report.sets:
        counts = score.counts
        table.add_row(
            score.name,
            f"{score.sentences:,}",
            f"{counts.gold:,}",
            f"{counts.precision:.3f}",
            f"{counts.recall:.3f}",
            f"{counts.f1:.3f}",
        )
    table.add_section()
    table.add_row(f"macro of {len(report.sets)} sets", "", "", "", "", f"{report.macro_f1:.4f}")
    return table
