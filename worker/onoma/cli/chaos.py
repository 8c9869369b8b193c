"""`onoma chaos`: a seeded plan of kills on the user's cluster, and an account of every document."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onoma.cli import config_option, load_settings

if TYPE_CHECKING:
    from onoma.stream.chaos.report import Report


@click.command("chaos")
@config_option
@click.option("--seed", type=click.IntRange(min=0), help="Of the plan; without it one of chance.")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True)
@click.option("--faults", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--partitions", type=click.IntRange(1, 64), default=6, show_default=True)
@click.option(
    "--replication",
    type=click.IntRange(1, 9),
    default=1,
    show_default=True,
    help="Copies of each partition of the topics that are made.",
)
@click.option(
    "--rate",
    "per_second",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Documents a second that are published meanwhile.",
)
@click.option(
    "--session-seconds",
    type=click.FloatRange(6, 300),
    default=10.0,
    show_default=True,
    help="Session time of the workers; faults come further apart than this.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the report goes; without it chaos-SEED.json here.",
)
def command(
    config: Path | None,
    seed: int | None,
    workers: int,
    faults: int,
    partitions: int,
    replication: int,
    per_second: int,
    session_seconds: float,
    out: Path | None,
) -> None:
    """Kill, stop and freeze workers on your cluster, and account for every document.

    It makes topics with a random prefix of their own, starts workers with your settings on them,
    publishes sample documents, and hurts these workers by a plan that follows from the seed. Then
    every input offset is accounted for, a report is written, and the topics are deleted. Nothing
    else on the cluster is touched, and no process that it did not start.

    It needs the rights to create and delete topics named onoma-chaos-*, and for a group and
    transactional ids of that prefix. The exit code is 1 if a document was lost, came twice or out
    of order.

    \b
    Example:
      onoma chaos --config onoma.yaml --seed 1
    """
    from onoma.stream import app
    from onoma.stream.chaos.play import Options, play

    loaded = load_settings(config)
    options = Options(
        seed=random.randrange(10_000) if seed is None else seed,  # noqa: S311 (a plan, no secret)
        workers=workers,
        partitions=partitions,
        replication=replication,
        faults=faults,
        per_second=per_second,
        session_seconds=session_seconds,
    )
    limits = app.load_policy(loaded.policy.path).policy.limits
    try:
        report = asyncio.run(play(loaded, limits, config, options, click.echo))
    except asyncio.CancelledError:
        raise click.Abort from None
    path = out or Path(f"chaos-{options.seed}.json")
    path.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    _tell(report, path)
    if not report.account.faultless:
        raise SystemExit(1)


def _tell(report: Report, path: Path) -> None:
    account, found = report.account, report.figures
    click.echo(
        f"{account.documents:,} documents: {account.events:,} events, "
        f"{account.dead_letters:,} dead letters"
    )
    click.echo(
        f"lost {account.lost}, twice {account.twice}, out of order {account.out_of_order}, "
        f"misplaced {account.misplaced}, wrong offsets {account.wrong_offsets}"
    )
    if report.delivery == "at_least_once":
        click.echo(f"again with the same event_id: {account.repeated}")
    click.echo(
        f"longest stall {found.longest_stall_seconds} s, recovery "
        f"{found.median_recovery_seconds} s, at most {found.longest_recovery_seconds} s"
    )
    click.echo(f"report: {path}")
