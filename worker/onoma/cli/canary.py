"""`onoma canary`: synthetic documents through the real topics, and what a policy has to know of
them.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import click
import msgspec

from onoma.cli import config_option, json_option, load_settings


@click.group("canary")
def command() -> None:
    """Watch the whole way with documents of invented names."""


@command.command("run")
@config_option
def run(config: Path | None) -> None:
    """Send canaries at an interval, and measure what comes back.

    Until SIGTERM or Ctrl-C. Each round gives every partition a text with invented names, marked as
    synthetic. Latency, names that were found and planted entries that were hit are metrics, served
    on server.host and server.port: run it beside no worker, or on another port. The policy needs
    the hashes of the texts (`onoma canary show --policy`).

    \b
    Example:
      onoma canary run --config onoma.yaml
    """
    # Until the canary listens to signals there is nothing to finish: a stop is simply an end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    from onoma.stream import canary

    canary.run(load_settings(config))


@command.command("show")
@click.option("--policy", is_flag=True, help="Print the hashes, for `canaries` of a policy.v1.")
@click.option(
    "--entries",
    is_flag=True,
    help="Print the entries to plant, for `onoma gazetteer build --format jsonl`.",
)
@json_option
@config_option
def show(policy: bool, entries: bool, as_json: bool, config: Path | None) -> None:
    """Show the texts, the names to find in them and the entries to hit.

    \b
    Examples:
      onoma canary show --policy
      onoma canary show --entries > entries.jsonl
      onoma gazetteer build entries.jsonl --format jsonl --name onoma-canary --out lists/canary
    """
    if policy + entries + as_json > 1:
        raise click.UsageError("give one of --policy, --entries and --json")
    from onoma.stream import canaries

    found = canaries.load(load_settings(config).canary.path)
    if policy:
        click.echo(json.dumps(sorted(canary.text_sha256 for canary in found.canaries), indent=2))
    elif entries:
        for entry in found.entries:
            click.echo(json.dumps(entry, ensure_ascii=False))
    elif as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        for canary in found.canaries:
            click.echo(f"{canary.name} {canary.text_sha256}\n  {canary.text}")
            click.echo("  names: " + ", ".join(f"{n.text} {n.label}" for n in canary.names))
            click.echo("  hits: " + ", ".join(f"{h.gazetteer} {h.entry_id}" for h in canary.hits))
