"""`onoma reconcile`: what became of every document of a range, and whether one is missing.

Reads topics and commits nothing. Prints places and counts, never a document.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from onoma import settings
from onoma.cli import config_option, json_option
from onoma.cli.bounds import from_option, to_option
from onoma.cli.terminal import console

if TYPE_CHECKING:
    from onoma.stream.ledger import Account
    from onoma.stream.reconciliation import Reconciliation


@click.command("reconcile")
@from_option
@to_option
@json_option
@config_option
def command(
    begin: int | datetime | None, end: int | datetime | None, as_json: bool, config: Path | None
) -> None:
    """Account for every document of a range: exit 1 if one is missing.

    Each offset is annotated (its event is there), dead_lettered, pending (not committed yet),
    no_record (a transaction marker, or a record that was aborted or compacted away),
    outcome_expired (older than the oldest event that is still kept), or missing. The counts add up
    to the length of the range. --json also lists the offsets themselves, as half-open ranges.

    \b
    Examples:
      onoma reconcile --from 2026-01-31 --to 2026-02-01
      onoma reconcile --from 1200 --to 2400 --json
    """
    from onoma.stream import app, reconciliation

    loaded = settings.load(config)
    limits = app.load_policy(loaded.policy.path).policy.limits
    found = asyncio.run(reconciliation.reconcile(loaded, limits, begin, end))
    if as_json:
        click.echo(json.dumps(_described(found)))
    else:
        _print(found)
    if any(account.counts()["missing"] for account in found.accounts):
        raise click.exceptions.Exit(1)


def _described(found: Reconciliation) -> dict[str, Any]:
    counts, reasons = _totals(found)
    return {
        "topic": found.topic,
        "group": found.group,
        "offsets": sum(account.end - account.begin for account in found.accounts),
        "counts": counts,
        "reasons": reasons,
        "repeated": sum(account.repeated for account in found.accounts),
        "other_events": found.other_events,
        "partitions": [_described_account(account) for account in found.accounts],
    }


def _described_account(account: Account) -> dict[str, Any]:
    return {
        "partition": account.partition,
        "from": account.begin,
        "to": account.end,
        "committed": account.committed,
        "counts": account.counts(),
        "reasons": account.reasons(),
        "repeated": account.repeated,
        "ranges": [
            {"from": run.begin, "to": run.end, "outcome": run.fate}
            | ({} if run.reason is None else {"reason": run.reason})
            for run in account.runs
        ],
    }


def _totals(found: Reconciliation) -> tuple[Counter[str], Counter[str]]:
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for account in found.accounts:
        counts.update(account.counts())
        reasons.update(account.reasons())
    return counts, reasons


def _print(found: Reconciliation) -> None:
    counts, reasons = _totals(found)
    table = Table(title=f"{found.topic}, group {found.group}")
    for heading in ("partition", "from", "to", "committed", *counts):
        table.add_column(heading.replace("_", " "), justify="right")
    for account in found.accounts:
        committed = "none" if account.committed is None else str(account.committed)
        numbers = [f"{number:,}" for number in account.counts().values()]
        table.add_row(
            str(account.partition), str(account.begin), str(account.end), committed, *numbers
        )
    console().print(table)
    for reason, number in reasons.most_common():
        click.echo(f"dead letters, {reason}: {number}")
    for what, number in (
        ("outcomes beyond a document's first", sum(a.repeated for a in found.accounts)),
        ("events of another cluster name or run", found.other_events),
    ):
        if number:
            click.echo(f"{what}: {number}")
    for account in found.accounts:
        for run in account.runs:
            if run.fate == "missing":
                click.echo(f"missing: partition {account.partition}, {run.begin} to {run.end - 1}")
