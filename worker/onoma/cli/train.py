"""`onoma train`: trains a model on the open corpora and writes a scored bundle; `onoma train lint`
looks at corpora first.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from onoma.cli import require_extra

_COMMANDS = {
    "encoder": "Fine-tune a local Hugging Face encoder instead.",
    "lint": "Look for what is wrong with corpora before training on them.",
}


class _Commands(click.Group):
    """Imports a command's module when it is asked for; linting needs no torch."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(name for name in _COMMANDS if find_spec(f"onoma.cli.{name}"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(context):
            return None
        command: click.Command = importlib.import_module(f"onoma.cli.{name}").command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _COMMANDS[name]) for name in self.list_commands(context)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


reference_option = click.option(
    "--keep-reference",
    "reference",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for the model in full precision (ONNX), for `onoma model gate --reference`.",
)


@click.group("train", cls=_Commands, invoke_without_command=True)
@click.option(
    "--recipe",
    "recipe_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file with the numbers of the run; without it the defaults of a short run.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Directory with ner/open, text/open and labelmap.json; ../shared/data if it exists.",
)
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="New or empty directory for the bundle; checkpoints lie beside it until it is there.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoints of an interrupted run.")
@click.option(
    "--init",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bundle of the kind wordhash to start from, instead of chance and masked words.",
)
@click.option("--seed", type=int, help="Start of all chance, instead of the recipe's.")
@reference_option
@click.pass_context
def command(
    context: click.Context,
    recipe_path: Path | None,
    data: Path | None,
    directory: Path | None,
    resume: bool,
    init: Path | None,
    seed: int | None,
    reference: Path | None,
) -> None:
    """Train a `wordhash` model: masked words, labelled names, export, scores, bundle."""
    if context.invoked_subcommand is not None:
        return
    if directory is None:
        raise click.UsageError("Missing option '--out'.")
    more = ("onnxscript",) if reference else ()
    require_extra("training", "torch", "onnx", "safetensors", *more)
    # Only here: serving has none of them.
    from dataclasses import replace

    from onoma.training.pieces import Place, run
    from onoma.training.recipes import Recipe, read_recipe

    recipe = read_recipe(recipe_path) if recipe_path else Recipe()
    if seed is not None:
        recipe = replace(recipe, seed=seed)
    place = Place(
        data or Path("../shared/data"), directory, resume=resume, init=init, reference=reference
    )
    try:
        manifest = run(place, recipe, Console())
    except KeyboardInterrupt:
        click.echo(f"stopped; go on with --resume, the checkpoints are in {place.work}", err=True)
        context.exit(130)
    macro = manifest.scores["macro_f1"]
    click.echo(f"macro dev F1: {macro['tokens']:.4f} on corpus tokens, {macro['raw']:.4f} on text")
    click.echo(f"wrote {directory}")
