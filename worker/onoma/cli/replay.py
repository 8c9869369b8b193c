"""`onoma replay`: compute a range again from the versions its events name, and compare bytes.

Reads topics and the store, writes nothing. Tells ids, places and names of fields, never a text.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from onoma import settings
from onoma.cli import config_option, json_option
from onoma.cli.bounds import from_option, to_option

if TYPE_CHECKING:
    from onoma.stream.replay import Difference, Replay


@click.command("replay")
@from_option
@to_option
@json_option
@config_option
def command(
    begin: int | datetime | None, end: int | datetime | None, as_json: bool, config: Path | None
) -> None:
    """Compute a range of documents again and compare events and alerts byte for byte; exit 1 unless
    all are equal.

    Each event names its model, lists and policy by their hashes: they come from the store, or are
    those of the settings or the shipped model, where these are the same. Rejected documents have to
    be rejected again for the same reason. What can't be computed again, as without its model, is
    listed and makes the exit code 1, too. The outcomes of the range are held in memory.

    \b
    Examples:
      onoma replay --from 2026-01-31 --to 2026-02-01
      ONOMA_PROCESSING__THREADS=2 onoma replay --from 1200 --to 2400 --json
    """
    from onoma.registry.runtime import worker_version
    from onoma.stream import app
    from onoma.stream import replay as replaying

    loaded = settings.load(config)
    limits = app.load_policy(loaded.policy.path).policy.limits
    found = asyncio.run(replaying.replay(loaded, limits, begin, end))
    here = worker_version()
    elsewhere = sum(number for worker, number in found.workers.items() if worker != here)
    if as_json:
        click.echo(json.dumps(_described(found) | {"other_worker_versions": elsewhere}))
    else:
        _print(found)
        if elsewhere:
            click.echo(f"made by another release, code or runtime than this: {elsewhere:,}")
    if not found.proven:
        raise click.exceptions.Exit(1)


def _described(found: Replay) -> dict[str, Any]:
    return {
        "equal": found.equal,
        "alerts": found.alerts,
        "different": [_described_difference(each) for each in found.differences],
        "not_compared": found.not_compared,
        "without_outcome": found.without_outcome,
        "models": [
            {"name": model.name, "version": model.version, "sha256": model.sha256, "events": number}
            for model, number in found.models.items()
        ],
    }


def _described_difference(each: Difference) -> dict[str, Any]:
    return {
        "event_id": each.event_id,
        "partition": each.partition,
        "offset": each.offset,
        "was": each.was,
        "now": each.now,
        "fields": each.fields,
    }


def _print(found: Replay) -> None:
    click.echo(f"equal: {found.equal:,}, with {found.alerts:,} alerts")
    click.echo(f"different: {len(found.differences):,}")
    click.echo(f"not compared: {found.not_compared.total():,}")
    click.echo(f"without an outcome yet: {found.without_outcome:,}")
    for model, number in found.models.items():
        click.echo(f"model {model.name} {model.version} (sha256 {model.sha256}): {number:,}")
    for reason, number in found.not_compared.items():
        click.echo(f"not compared, {reason}: {number:,}")
    for each in found.differences:
        place = f"partition {each.partition}, offset {each.offset}"
        what = ", ".join(each.fields) if each.fields else f"was {each.was}, now {each.now}"
        click.echo(f"different: {each.event_id or 'no event'} ({place}): {what}")
