"""`onoma model import`: makes a bundle of a fine-tuned Hugging Face checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from onoma.cli import require_extra
from onoma.contracts.language import canonical
from onoma.errors import WrongUseError

NEEDED = ("torch", "transformers", "safetensors", "onnx", "onnxscript")


precision_option = click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    default="int8",
    show_default=True,
    help="int8 is several times smaller and faster; fp32 keeps the weights as they are.",
)


@click.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="New or empty directory for the bundle.",
)
@click.option("--name", help="Name of the model in events; without it the directory's.")
@click.option("--version", default="1", show_default=True, help="Its version in events.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="A language it was trained on, as BCP 47 or ISO 639-3 code; may be given many times.",
)
@precision_option
@click.option(
    "--window-tokens",
    type=click.IntRange(min=8),
    default=256,
    show_default=True,
    help="Longest window; fewer where the model has fewer positions.",
)
@click.option(
    "--overlap-tokens",
    type=click.IntRange(min=0),
    default=32,
    show_default=True,
    help="Tokens that two neighbouring windows share at most.",
)
def import_command(
    directory: Path,
    out: Path,
    name: str | None,
    version: str,
    languages: tuple[str, ...],
    precision: Literal["int8", "fp32"],
    window_tokens: int,
    overlap_tokens: int,
) -> None:
    """Make a bundle of a fine-tuned Hugging Face checkpoint.

    Nothing is trained. DIRECTORY holds config.json with the labels, *.safetensors and
    tokenizer.json. Nothing is fetched, no pickle is opened and no code of the checkpoint is run.
    """
    require_extra("importing", *NEEDED)
    # Only here: serving has none of these.
    from onoma.training.importing import import_checkpoint

    manifest = import_checkpoint(
        directory,
        out,
        precision=precision,
        name=name,
        version=version,
        languages=[_canonical(language) for language in languages],
        window_tokens=window_tokens,
        overlap_tokens=overlap_tokens,
    )
    types = ", ".join(label[2:] for label in manifest.labels if label.startswith("B-"))
    click.echo(f"{manifest.name} {manifest.version} finds {types}; wrote {out}")
    click.echo("It has no gate record yet: onoma model gate judges it")


def _canonical(language: str) -> str:
    try:
        return canonical(language)
    except ValueError as error:
        raise WrongUseError(f"--language {language}: {error}") from error
