"""`onoma demo`: the whole job on an embedded broker, printed for people."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from onoma.cli import model_option
from onoma.cli.terminal import console, printable
from onoma.errors import WrongUseError

if TYPE_CHECKING:
    from onoma.stream.demo import Annotated, Figures, Measured, Row, Serving, Shown
    from onoma.stream.demo_gathering import Alert, Outcome, Waiting

NARROW = 90
"""Below this many columns the table says less."""
ENTITIES_SHOWN = 3
ENVIRONMENT = "ONOMA_"


@click.command("demo")
@click.option("--serve", is_flag=True, help="Stay, and show every further event, until Ctrl-C.")
@click.option(
    "--delivery",
    type=click.Choice(["at_least_once", "exactly_once"]),
    default="at_least_once",
    show_default=True,
    help="exactly_once is refused: the embedded broker has no transactions.",
)
@model_option
def command(serve: bool, delivery: str, model_directory: Path | None) -> None:
    """Show the whole job on a broker inside this process: no Kafka, no configuration.

    Sample documents in many languages are published, a worker reads them and screens the names
    against an invented watch list, and its events, alerts and dead letters are printed; then a
    load, and where the metrics are. Everything is on loopback and in memory, and is gone at the
    end. The broker is an imitation for this purpose, not Kafka.
    """
    from onoma.stream import demo

    if delivery == "exactly_once":
        raise WrongUseError(
            "--delivery: found exactly_once on the demo's embedded broker, which has no "
            "transactions; wanted at_least_once here, or `onoma run` on a real Kafka, where "
            "exactly_once is the default"
        )
    _forget_environment()
    printer = Printer(console())
    told = asyncio.run(demo.run(serve=serve, model=model_directory, show=printer.show))
    if not told:
        printer.line("stopped")
        if not serve:
            raise click.Abort


def _forget_environment() -> None:
    """Take our settings out of this process: the demo must not reach a real broker by them."""
    found = sorted(name for name in os.environ if name.startswith(ENVIRONMENT))
    for name in found:
        del os.environ[name]
    if found:
        click.echo(f"the demo ignores {', '.join(found)} of this environment", err=True)


class Printer:
    """Prints the steps of the demo as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str = "") -> None:
        """Print one line as it is, for the terminal to wrap: paths stay whole."""
        self._console.print(Text(text), soft_wrap=True)

    def show(self, shown: Shown) -> None:
        """Print one step."""
        from onoma.stream import demo, demo_gathering

        match shown:
            case demo.Started():
                self.line(f"demo broker on {shown.bootstrap} (an imitation, not Kafka)")
                self.line(
                    "delivery at_least_once: the embedded broker has no transactions; "
                    "on a real Kafka exactly_once is the default"
                )
            case demo_gathering.Waiting():
                self._waiting(shown)
            case demo.Annotated():
                self._annotated(shown)
            case demo.Measured():
                self._measured(shown)
            case demo.Figures():
                self._figures(shown)
            case demo.Serving():
                self._serving(shown)
            case demo_gathering.Outcome():
                self.line(f"{printable(shown.document_id)}: {_short(shown)}")
            case demo_gathering.Alert():
                self._alert(shown)

    def _waiting(self, shown: Waiting) -> None:
        self.line(
            f"still waiting after {shown.seconds:.0f} s: the worker has answered "
            f"{shown.outcomes:,} of {shown.documents:,} documents, and {shown.alerts:,} alerts "
            "came; a busy machine takes its time, Ctrl-C ends it"
        )

    def _annotated(self, shown: Annotated) -> None:
        wide = self._console.width >= NARROW
        table = Table()
        for heading, of_number in _COLUMNS if wide else (("document", False),):
            table.add_column(heading, justify="right" if of_number else "left", no_wrap=True)
        table.add_column("entities, or why it is a dead letter", ratio=1, overflow="fold")
        for row in shown.rows:
            *about, entities = _cells(row)
            cells = about if wide else [_stacked(about)]
            style = "red" if row.outcome.event is None else None
            table.add_row(*map(Text, (*cells, entities)), style=style)
        self._console.print(table)
        self.line(
            f"{len(shown.rows)} documents in {shown.seconds:.1f} s, the worker's start included"
        )
        self.line()
        self.line(f"{len(shown.alerts)} alerts from an invented watch list:")
        for alert in shown.alerts:
            self._alert(alert)

    def _alert(self, alert: Alert) -> None:
        """Print who was found where, and why in the words that were compared."""
        entry, match = alert.entry, alert.match
        self.line(
            f"  {printable(alert.document_id)}: {printable(alert.entity.text)} may be "
            f"{printable(match.name.text)} ({entry.type} {printable(entry.entry_id)} of "
            f"{alert.gazetteer.name})"
        )
        words = [
            f"{pair.mention} | {pair.entry} {pair.kind} {pair.similarity:.2f}"
            for pair in match.pairs
        ]
        self.line(
            f"    score {match.score:.1f}, alert from {alert.thresholds.alert:g}, found by "
            f"{match.path}: {', '.join(words)}"
        )

    def _measured(self, shown: Measured) -> None:
        self.line()
        self.line(
            f"throughput: {shown.documents:,} short documents in {shown.seconds:.2f} s, "
            f"{shown.documents / shown.seconds:,.0f} documents/s, "
            f"{shown.words / shown.seconds:,.0f} words/s"
        )

    def _figures(self, shown: Figures) -> None:
        self.line()
        self.line(f"metrics of the worker: {shown.url}")
        for line in shown.lines:
            self.line(f"  {line}")

    def _serving(self, shown: Serving) -> None:
        onoma = shlex.join(_program())
        config = shlex.quote(str(shown.config))
        self.line()
        self.line("it goes on running; in a second terminal:")
        self.line(f"  {onoma} publish my.txt --config {config}")
        self.line(f"  {onoma} deadletters list --config {config}")
        self.line(f"  {onoma} top {shown.metrics_url}")
        self.line(f"  curl {shown.metrics_url}")
        self.line("each event appears here as it arrives; Ctrl-C ends it")


_COLUMNS = (
    ("document", False),
    ("language", False),
    ("script", False),
    ("words", True),
    ("characters", True),
    ("read", True),
)
"""The columns before the entities, and whether they hold numbers."""


def _cells(row: Row) -> tuple[str, ...]:
    """Return the cells of `_COLUMNS`, then the entities or the reason."""
    outcome = row.outcome
    name = printable(outcome.document_id)
    if outcome.event is None:
        return (name, "", "", "", "", "", _short(outcome))
    language, coverage = outcome.event.language, outcome.event.coverage
    return (
        name,
        _language(language.declared, language.support),
        language.script,
        f"{row.words:,}",
        f"{coverage.characters_read:,}",
        _share(coverage.ratio),
        _short(outcome),
    )


def _stacked(cells: Sequence[str]) -> str:
    """Return the cells of `_COLUMNS` as one, for a narrow terminal."""
    name, language, script, words, _, read = cells
    return f"{name}\n{language} {script}\n{words} words\n{read} read" if read else name


def _language(declared: str | None, support: str) -> str:
    if declared is None:
        return support
    return declared if support == "trained" else f"{declared} ({support})"


def _share(ratio: float) -> str:
    """Return a ratio in percent, never rounded up to all."""
    return f"{int(ratio * 1000) / 10:g} %"


def _short(outcome: Outcome) -> str:
    """Return the first entities with label and score, or the reason of a dead letter."""
    if outcome.event is None:
        return f"dead letter: {outcome.reason}"
    entities = outcome.event.entities
    named = [
        f"{printable(' '.join(entity.text.split()))} {entity.label} {entity.score:.2f}"
        for entity in entities[:ENTITIES_SHOWN]
    ]
    more = len(entities) - len(named)
    return ", ".join([*named, *([f"+{more:,} more"] if more else [])]) or "no entities"


def _program() -> list[str]:
    """Return how to call the program that runs now from another terminal."""
    beside = Path(sys.executable).with_name("onoma")
    on_path = shutil.which("onoma")
    if on_path and Path(on_path).resolve() == beside.resolve():
        return ["onoma"]
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "onoma"]
