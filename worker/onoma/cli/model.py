"""`onoma model`: what a bundle is and whether it is whole."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from onoma.cli import json_option
from onoma.registry import bundle
from onoma.registry.manifest import CARD_NAME

directory_argument = click.argument(
    "directory",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)


@click.group("model")
def command() -> None:
    """Show and verify model bundles; without DIRECTORY the one that ships with Onoma."""


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
    """Check every file against the manifest, load the model and run it once."""
    model = bundle.load(directory or bundle.default_directory())
    version = model.version
    if as_json:
        click.echo(msgspec.json.encode(version).decode())
        return
    files = len(model.manifest.files)
    click.echo(
        f"{version.name} {version.version}: {files} files as in the manifest, loads and runs; "
        f"sha256 {version.sha256}, gate {version.gate}"
    )
