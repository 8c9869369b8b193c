"""`onoma topics`: making the topics with the sizes that a worker needs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from onoma.cli import config_option, json_option, load_settings


@click.group("topics")
def command() -> None:
    """Create the topics."""


@command.command("create")
@config_option
@json_option
@click.option("--partitions", default=4, show_default=True, help="Partitions of each topic.")
@click.option("--replication", default=1, show_default=True, help="Copies of each partition.")
def create(config: Path | None, as_json: bool, partitions: int, replication: int) -> None:
    """Create the topics that are not there.

    Their sizes follow from the policy's limits. All topics get the same number of partitions: an
    output goes to the partition with its input's number. A topic that exists is left as it is;
    `onoma check` says whether it fits.
    """
    from onoma.stream import app, topics

    loaded = load_settings(config)
    limits = app.load_policy(loaded.policy.path).policy.limits
    done = asyncio.run(
        topics.create(loaded, limits, partitions=partitions, replication=replication)
    )
    if as_json:
        click.echo(json.dumps(done))
        return
    for name, what in done.items():
        click.echo(f"{name}: {what}")
