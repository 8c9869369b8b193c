"""`onoma train`: trains a model on the open corpora and writes a scored bundle."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from onoma.errors import WrongUseError


@click.command("train")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data"),
    show_default=True,
    help="Directory with ner/open, labelmap.json and ner_manifest.json.",
)
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="New or empty directory for the bundle.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=1400.0,
    show_default=True,
    help="Processor seconds of one core for the training itself; reading and scoring come on top.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Start of all chance.")
def command(data: Path, directory: Path, seconds: float, seed: int) -> None:
    """Train a `wordhash` model on the open corpora: train, export, score, write the bundle."""
    absent = [name for name in ("torch", "onnx") if find_spec(name) is None]
    if absent:
        raise WrongUseError(
            f"training needs {' and '.join(absent)}, not installed here: install onoma[train]"
        )
    # Only here: serving has neither.
    from onoma.training.bundle import make, open_corpora
    from onoma.training.loop import Recipe

    manifest = make(
        open_corpora(data), Recipe(seconds=seconds, seed=seed), directory, report=click.echo
    )
    macro = manifest.scores["macro_f1"]
    click.echo(f"macro dev F1: {macro['tokens']:.4f} on corpus tokens, {macro['raw']:.4f} on text")
    click.echo(f"wrote {directory}")
