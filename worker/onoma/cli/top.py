"""`onoma top`: a live view of running workers, from the metrics that they serve anyway.

For whoever has no Grafana at hand. It reads over HTTP alone: neither Kafka nor a model is loaded,
and the workers don't notice.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.live import Live

from onoma import settings
from onoma.cli import config_option, json_option
from onoma.cli.overview import History, Overview, overview
from onoma.cli.overview_tables import lines, tables
from onoma.cli.scraping import METRICS, Answer, NoAnswer, ask_all, base_address, local_address
from onoma.cli.terminal import console
from onoma.errors import FatalError


@click.command("top")
@click.argument("urls", nargs=-1, metavar="[URL]...")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Look twice, print what came in between, and end.")
@json_option
@config_option
def command(
    urls: tuple[str, ...], interval: float, once: bool, as_json: bool, config: Path | None
) -> None:
    """Watch running workers: throughput, lag, latency, languages, dead letters, versions.

    URL is the address of a worker's metrics (http://HOST:PORT or HOST:PORT), any number of them;
    without one it is the local worker of the settings, server.host and server.port. Rates and
    latencies are over the last ten seconds, counts since the start of each worker. Ctrl-C ends it.

    On a terminal the view renews itself; elsewhere there is a line for each worker, and with --json
    an object, every --interval seconds. The exit code is 1 if no worker answers at the first look.

    \b
    Examples:
      onoma top
      onoma top 10.1.2.3:9108 10.1.2.4:9108 --interval 5
      onoma top --once --json
    """
    # Without this a closed terminal would leave its cursor hidden.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    addresses = tuple(dict.fromkeys(map(base_address, urls))) or (
        local_address(settings.load(config).server),
    )
    looks = _looks(addresses, interval)
    try:
        if once:
            next(looks)
            _print(next(looks), as_json=as_json, whole=True)
        elif as_json or not sys.stdout.isatty():
            for found in looks:
                _print(found, as_json=as_json, whole=False)
        else:
            _show(looks)
    except KeyboardInterrupt:
        return  # the usual end


def _looks(addresses: Sequence[str], interval: float) -> Iterator[Overview]:
    """Yield an overview every `interval` seconds; raise FatalError if none answers at first."""
    history = History()
    due = time.monotonic()
    answers = ask_all(addresses)
    _refuse_silence(addresses, answers)
    while True:
        yield overview(answers, history.stretches(answers))
        due = max(due + interval, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        answers = ask_all(addresses)


def _refuse_silence(addresses: Sequence[str], answers: Sequence[Answer]) -> None:
    silent = [answer for answer in answers if isinstance(answer, NoAnswer)]
    if len(silent) < len(answers):
        return
    tried = "; ".join(
        f"{address}{METRICS}: {answer.problem}"
        for address, answer in zip(addresses, silent, strict=True)
    )
    raise FatalError(
        f"no worker answers ({tried}). Is one running (onoma run)? Name the address that it serves "
        "on, server.host and server.port of its settings: onoma top http://HOST:PORT"
    )


def _print(found: Overview, *, as_json: bool, whole: bool) -> None:
    at = datetime.now(UTC)
    if as_json:
        click.echo(json.dumps({"at": at.isoformat(timespec="milliseconds")} | found.as_json()))
    elif whole:
        console().print(tables(found, at.timestamp()))
    else:
        for line in lines(found):
            click.echo(f"{at:%H:%M:%S} {line}")
    sys.stdout.flush()


def _show(looks: Iterator[Overview]) -> None:
    first = next(looks)
    with Live(tables(first, time.time()), auto_refresh=False) as live:
        for found in looks:
            live.update(tables(found, time.time()), refresh=True)
