"""`onoma model promote` and `rollback`: which version workers serve."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from onoma.cli import config_option, json_option, load_settings
from onoma.contracts.notice import Notice, encode
from onoma.registry import bundle
from onoma.registry.signing import read_private_key


@click.command("promote")
@click.argument(
    "directory",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@config_option
@click.option(
    "--sign-with",
    type=click.Path(path_type=Path),
    help="PEM file of an Ed25519 private key; workers with store.public_key_file take signed "
    "notices only.",
)
@json_option
def promote_command(
    directory: Path | None, config: Path | None, sign_with: Path | None, as_json: bool
) -> None:
    """Put a gated bundle into the store and announce it: workers swap to it without a restart.

    Each document keeps the model with which it entered, and its event names it. Where the first
    version is announced, what workers served until then is kept too, for `rollback`.

    \b
    Keys for signing, the private one for those who promote, the public one for workers:
      openssl genpkey -algorithm ed25519 -out private.pem
      openssl pkey -in private.pem -pubout -out public.pem
    """
    from onoma.stream import app, promoting

    loaded = load_settings(config)
    store, keys = app.open_store(loaded), app.public_keys(loaded)
    limits = app.load_policy(loaded.policy.path).policy.limits
    notice = asyncio.run(
        promoting.promote(
            loaded,
            limits,
            directory or bundle.default_directory(),
            store=store,
            keys=keys,
            sign_with=read_private_key(sign_with) if sign_with else None,
        )
    )
    _tell(notice, loaded.topics.models, as_json)


@click.command("rollback")
@config_option
@json_option
def rollback_command(config: Path | None, as_json: bool) -> None:
    """Announce again the version that was served before the newest one.

    One message, as it was signed then; twice in a row goes back two versions.
    """
    from onoma.stream import app, promoting

    loaded = load_settings(config)
    store, keys = app.open_store(loaded), app.public_keys(loaded)
    limits = app.load_policy(loaded.policy.path).policy.limits
    notice = asyncio.run(promoting.roll_back(loaded, limits, store=store, keys=keys))
    _tell(notice, loaded.topics.models, as_json)


def _tell(notice: Notice, topic: str, as_json: bool) -> None:
    if as_json:
        click.echo(encode(notice).decode())
        return
    signed = "unsigned" if notice.signature is None else "signed"
    before = notice.base
    follows = f", after {before.name} {before.version}" if before else ""
    click.echo(f"announced {notice.name} {notice.version} in {topic}, {signed}{follows}")
    click.echo(f"sha256 {notice.sha256}")
