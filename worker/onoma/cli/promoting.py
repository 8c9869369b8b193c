"""`promote` and `rollback` of `onoma model` and `onoma gazetteer`: which version workers serve."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onoma.cli import config_option, json_option, load_settings
from onoma.cli.building import list_directory
from onoma.contracts.notice import MODEL_KEY, Kind, Notice, encode
from onoma.registry import bundle
from onoma.registry.signing import read_private_key

if TYPE_CHECKING:
    from onoma.stream.desk import Desk

sign_option = click.option(
    "--sign-with",
    type=click.Path(path_type=Path),
    help="PEM file of an Ed25519 private key; workers with store.public_key_file take signed "
    "notices only.",
)


@click.command("promote")
@click.argument(
    "directory",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@config_option
@sign_option
@json_option
def promote_command(
    directory: Path | None, config: Path | None, sign_with: Path | None, as_json: bool
) -> None:
    """Announce a gated bundle, which all workers swap to.

    It is put into the store, and no worker is restarted. Each document keeps the model with which
    it entered, and its event names it. Where the first version is announced, what workers served
    until then is kept too, for `rollback`.

    \b
    Keys for signing, the private one for those who promote, the public one for workers:
      openssl genpkey -algorithm ed25519 -out private.pem
      openssl pkey -in private.pem -pubout -out public.pem
    """
    from onoma.stream import promoting

    desk = desk_of(config, sign_with)
    notice = asyncio.run(promoting.promote(desk, directory or bundle.default_directory()))
    _tell(notice, desk, as_json)


@click.command("rollback")
@config_option
@json_option
def rollback_command(config: Path | None, as_json: bool) -> None:
    """Announce again what was served before the newest version.

    One message, as it was signed then; twice in a row goes back two versions.
    """
    _roll_back("model", MODEL_KEY, config, as_json)


@click.command("promote")
@click.argument("directory", type=list_directory)
@config_option
@sign_option
@json_option
def promote_list_command(
    directory: Path, config: Path | None, sign_with: Path | None, as_json: bool
) -> None:
    """Announce a list, which all workers swap to.

    It is put into the store, and no worker is restarted. A change goes there with all that it
    stands on; a list of exclusions goes the same way. Each document keeps the lists with which it
    entered, and its event and its alerts name them. Signing is as for `onoma model promote`. Before
    the first version of a list is announced, the one of gazetteers.lists is kept too, for
    `rollback`, or an empty list where none was screened against.
    """
    from onoma.stream import promoting

    desk = desk_of(config, sign_with)
    _tell(asyncio.run(promoting.promote_list(desk, directory)), desk, as_json)


@click.command("rollback")
@click.argument("name")
@config_option
@json_option
def rollback_list_command(name: str, config: Path | None, as_json: bool) -> None:
    """Announce again what was served before the newest version.

    NAME is the name of the list. One message, as it was signed then; twice in a row goes back two
    versions. Where none was screened against before the first version, an empty list called
    `nothing` takes its place.
    """
    _roll_back("gazetteer", name, config, as_json)


def _roll_back(kind: Kind, key: str, config: Path | None, as_json: bool) -> None:
    from onoma.stream import promoting

    desk = desk_of(config)
    _tell(asyncio.run(promoting.roll_back(desk, kind, key)), desk, as_json)


def desk_of(config: Path | None, sign_with: Path | None = None) -> Desk:
    """Return where versions are announced, as the settings say. Raises FatalError."""
    from onoma.stream import app
    from onoma.stream.desk import Desk

    loaded = load_settings(config)
    return Desk(
        settings=loaded,
        limits=app.load_policy(loaded.policy.path).policy.limits,
        store=app.open_store(loaded),
        keys=app.public_keys(loaded),
        sign_with=read_private_key(sign_with) if sign_with else None,
    )


def _tell(notice: Notice, desk: Desk, as_json: bool) -> None:
    if as_json:
        click.echo(encode(notice).decode())
        return
    signed = "unsigned" if notice.signature is None else "signed"
    before = notice.base
    follows = f", after {before.name} {before.version}" if before else ", after none that is known"
    click.echo(
        f"announced {notice.name} {notice.version} in {desk.topic(notice.kind)}, {signed}{follows}"
    )
    click.echo(f"sha256 {notice.sha256}")
