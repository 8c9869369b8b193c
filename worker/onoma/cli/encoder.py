"""`onoma train encoder`: fine-tunes a local Hugging Face encoder and writes a scored bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.console import Console

from onoma.cli import require_extra
from onoma.cli.annotated import data_directory, data_option, reading_options
from onoma.cli.importing import NEEDED, precision_option
from onoma.cli.train import reference_option
from onoma.training.files import Reading

if TYPE_CHECKING:
    from onoma.training.encoder_layers import Tuning
    from onoma.training.recipes import Recipe


@click.command("encoder")
@click.argument("encoder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@reading_options
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="New or empty directory for the bundle; checkpoints lie beside it until it is there.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoints of an interrupted run.")
@click.option("--name", help="Name of the model in events; without it the encoder's directory's.")
@click.option("--version", default="1", show_default=True, help="Its version in events.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Processor seconds for the training itself; with few sentences longer is better.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Steps instead of seconds: repeatable.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=3e-5,
    show_default=True,
    help="Rate of the head after warm-up; it falls to nothing.",
)
@click.option(
    "--depth-decay",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.95,
    show_default=True,
    help="Each layer has the rate of the one above it times this; 1 is off.",
)
@click.option(
    "--layers", type=click.IntRange(min=0), help="Only so many upper layers train; without it all."
)
@click.option("--freeze-embeddings", is_flag=True, help="Better under about a thousand sentences.")
@click.option(
    "--draw-anew",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="So many upper layers start from chance: one or two may help with few sentences.",
)
@click.option(
    "--evaluate-every",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Score the development sets every so many steps; 0 is off.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Stop after so many scores without a better one; 0 is off.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Start of all chance.")
@precision_option
@reference_option
@click.option("--float32", is_flag=True, help="Train in float32: slower, where a model needs it.")
@click.pass_context
def command(
    context: click.Context,
    /,
    encoder: Path,
    data: Path | None,
    reading: Reading,
    directory: Path,
    resume: bool,
    precision: Literal["int8", "fp32"],
    reference: Path | None,
    **given: Any,
) -> None:
    """Fine-tune the Hugging Face encoder in the directory ENCODER; writes a scored bundle.

    ENCODER holds config.json, *.safetensors and tokenizer.json. Nothing is fetched, no pickle is
    opened and no code of the checkpoint is run. The data is read as by `onoma train`.
    """
    require_extra("training", *NEEDED)
    # Only here: serving has none of these.
    from onoma.training.encoder import open_checkpoint
    from onoma.training.encoder_run import run
    from onoma.training.pieces import Place

    place = Place(
        data_directory(data), directory, resume=resume, reading=reading, reference=reference
    )
    # Units stand apart; a byte-level tokenizer is told so, in training and in the bundle.
    checkpoint = open_checkpoint(encoder, prefix_space=True)
    recipe, tuning = _recipe(encoder, given), _tuning(given)
    try:
        manifest = run(place, checkpoint, recipe, tuning, precision, Console())
    except KeyboardInterrupt:
        click.echo(f"stopped; go on with --resume, the checkpoints are in {place.work}", err=True)
        context.exit(130)
    if macro := manifest.scores.get("macro_f1"):
        on_text = f"{macro['tokens']:.4f} on corpus tokens, {macro['raw']:.4f} on text"
        click.echo(f"macro dev F1: {on_text}")
    click.echo(f"wrote {directory}")


def _recipe(encoder: Path, given: dict[str, Any]) -> Recipe:
    from onoma.training.finetuning import SCHEDULE
    from onoma.training.recipes import Recipe

    named = ("seconds", "steps", "learning_rate", "depth_decay", "evaluate_every", "patience")
    return Recipe(
        name=given["name"] or encoder.resolve().name,
        version=given["version"],
        seed=given["seed"],
        schedule=replace(SCHEDULE, **{name: given[name] for name in named}),
    )


def _tuning(given: dict[str, Any]) -> Tuning:
    from onoma.training.encoder_layers import Tuning

    return Tuning(
        layers=given["layers"],
        embeddings=not given["freeze_embeddings"],
        drawn_anew=given["draw_anew"],
        bfloat16=not given["float32"],
    )
