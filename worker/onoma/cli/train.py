"""`onoma train`: trains a model on annotated files and writes a scored bundle; `onoma train lint`
looks at them first.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from onoma.cli import require_extra
from onoma.cli.annotated import data_directory, data_option, reading_options
from onoma.registry import bundle
from onoma.training.files import Reading

SHIPPED = "shipped"
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


def _bundle(context: click.Context, _: click.Parameter, given: Path | None) -> Path | None:
    if given == Path(SHIPPED) and not given.exists():
        return bundle.default_directory()
    if given is not None and not given.is_dir():
        raise click.BadParameter(
            f"{given} is no directory; wanted a bundle's, or `{SHIPPED}`", context
        )
    return given


def _bundles(
    context: click.Context, parameter: click.Parameter, given: tuple[Path, ...]
) -> tuple[Path, ...]:
    return tuple(path for one in given if (path := _bundle(context, parameter, one)))


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
@data_option
@reading_options
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="New or empty directory for the bundle; checkpoints lie beside it until it is there.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoints of an interrupted run.")
@click.option(
    "--init",
    type=click.Path(path_type=Path),
    callback=_bundle,
    help="Bundle of the kind wordhash to start from, instead of chance and masked words; `shipped` "
    "is the one that ships with Onoma.",
)
@click.option(
    "--teacher",
    "teachers",
    type=click.Path(path_type=Path),
    multiple=True,
    callback=_bundles,
    help="Bundle of the kind wordhash whose opinion of each sentence the model learns beside the "
    "labels, and of text without labels; several are heard as one. May be given more than once. "
    "Best start from one of them, with --init.",
)
@click.option("--name", help="Name of the model in events, instead of the recipe's.")
@click.option("--version", help="Its version in events, instead of the recipe's.")
@click.option("--seed", type=int, help="Start of all chance, instead of the recipe's.")
@reference_option
@click.pass_context
def command(
    context: click.Context,
    /,
    recipe_path: Path | None,
    data: Path | None,
    reading: Reading,
    directory: Path | None,
    resume: bool,
    init: Path | None,
    teachers: tuple[Path, ...],
    reference: Path | None,
    **given: Any,
) -> None:
    """Train a `wordhash` model: masked words, labelled names, export, scores, bundle.

    Files are named by their part: train.conll, dev.conll.gz, dev.jsonl, train.json from Label
    Studio; the two folders above a file are its corpus and its language (as BCP 47). Without a
    labelmap.json each label stands for itself, and a corpus annotates the types that it has: others
    are unknown in it, not absent. Words are learned from text/open/LANGUAGE.txt.gz as well, a
    sentence on each line, where that is there.

    \b
    Examples:
      onoma train --recipe recipes/default.yaml --data corpora --out models/mine
      onoma train --init shipped --data more --name mine --version 2 --out models/mine-2
    """
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
    recipe = replace(recipe, **{name: value for name, value in given.items() if value is not None})
    place = Place(
        data_directory(data),
        directory,
        resume=resume,
        init=init,
        teachers=teachers,
        reading=reading,
        reference=reference,
    )
    try:
        manifest = run(place, recipe, Console())
    except KeyboardInterrupt:
        click.echo(f"stopped; go on with --resume, the checkpoints are in {place.work}", err=True)
        context.exit(130)
    macro = manifest.scores["macro_f1"]
    click.echo(f"macro dev F1: {macro['tokens']:.4f} on corpus tokens, {macro['raw']:.4f} on text")
    click.echo(f"wrote {directory}")
