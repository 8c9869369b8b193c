"""Draws an overview for people: tables that fit 80 columns, or one line for each worker.

Names, reasons and labels come over the network: they are printed as text, never as markup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from onoma.cli.overview import LanguageRow, Overview, ReasonRow, Row
from onoma.cli.terminal import printable
from onoma.metrics import LATENCIES

UNKNOWN = "-"
LINES = 8
"""Languages and reasons that are shown; the rest is a line."""
WORKER_WIDTH, STATE_WIDTH, NAME_WIDTH = 21, 9, 18
HASH_DIGITS = 12
_STYLES = {"ready": "green", "no answer": "red", "stuck": "red"}
_MILLION = 1e6
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def tables(found: Overview, now: float) -> RenderableType:
    """Return the whole view at the Unix time `now`."""
    below = Table.grid(padding=(0, 4))
    below.add_row(_languages(found.languages), _dead_letters(found.dead_letters))
    parts: list[RenderableType] = [_workers(found), *_problems(found.workers), _sums(found)]
    return Group(*parts, Text(), below, Text(), _served(found, now))


def lines(found: Overview) -> list[str]:
    """Return a line for each worker, and one for all where there are several."""
    rows = found.workers if len(found.workers) == 1 else (*found.workers, found.all_workers)
    return [_line(row) for row in rows]


def _line(row: Row) -> str:
    start = f"{printable(row.worker)} {row.state}"
    if row.state == "no answer":
        return f"{start}: {printable(row.problem or '')}"
    problem = f" ({printable(row.problem)})" if row.problem else ""
    return (
        f"{start}{problem}: documents/s {number(row.documents_per_second)}, "
        f"words/s {number(row.words_per_second)}, lag {number(row.lag_records)}, "
        f"p50 s {seconds(row.latency_p50_seconds)}, p99 s {seconds(row.latency_p99_seconds)}, "
        f"dead letters/s {number(row.dead_letters_per_second)}, "
        f"alerts/s {number(row.alerts_per_second)}"
    )


def number(value: float | None) -> str:
    """Return a count or a rate: small rates with their decimals, millions with two of theirs, the
    rest whole.
    """
    if value is None:
        return UNKNOWN
    if value >= _MILLION:
        return f"{value / _MILLION:,.2f} M"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def seconds(value: float | None) -> str:
    """Return a time in seconds; one above the histogram's last bound says so."""
    if value is None:
        return UNKNOWN
    if math.isinf(value):
        return f">{LATENCIES[-1]:.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def age(length_seconds: float) -> str:
    """Return how long ago something was, in its largest unit."""
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if length_seconds >= unit:
            return f"{length_seconds / unit:.0f} {name} ago"
    return f"{max(length_seconds, 0):.0f} s ago"


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.pad_edge, table.header_style = False, "dim"
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.columns[0].justify = "left"
    return table


def _workers(found: Overview) -> Table:
    over = "" if found.seconds is None else f", rates over {found.seconds:.0f} s"
    releases = ", ".join(map(printable, found.releases))
    table = _table(f"Onoma {releases}{over}".replace("  ", " "), "worker", "state", "doc/s")
    for name in ("words/s", "lag", "p50 s", "p99 s", "queue"):
        table.add_column(name, justify="right", no_wrap=True)
    table.columns[1].justify = "left"
    rows = found.workers if len(found.workers) == 1 else (found.all_workers, *found.workers)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[Text]:
    name = Text(printable(row.worker))
    name.truncate(WORKER_WIDTH, overflow="ellipsis")
    state = Text(row.state, style=_STYLES.get(row.state, "yellow"))
    if row.state == "no answer":
        return [name, state]
    figures = (
        number(row.documents_per_second),
        number(row.words_per_second),
        number(row.lag_records),
        seconds(row.latency_p50_seconds),
        seconds(row.latency_p99_seconds),
        number(row.queue_documents),
    )
    return [name, state, *map(Text, figures)]


def _problems(rows: Iterable[Row]) -> list[Text]:
    return [
        Text(f"{printable(row.worker)} {row.state}: {printable(row.problem)}", style="red")
        for row in rows
        if row.problem
    ]


def _sums(found: Overview) -> Text:
    row = found.all_workers
    return Text(
        f"documents {number(row.documents)}, "
        f"dead letters {number(row.dead_letters)} ({number(row.dead_letters_per_second)}/s), "
        f"alerts {number(row.alerts)} ({number(row.alerts_per_second)}/s)"
    )


def _languages(rows: Sequence[LanguageRow]) -> Table:
    table = _table("Languages", "language", "doc/s", "names/s", "names")
    for row in rows[:LINES]:
        table.add_row(
            _named(row.language),
            number(row.documents_per_second),
            number(row.entities_per_second),
            number(row.entities),
        )
    _rest(table, len(rows))
    return table


def _dead_letters(rows: Sequence[ReasonRow]) -> Table:
    table = _table("Dead letters", "reason", "/s", "all")
    for row in rows[:LINES]:
        table.add_row(_named(row.reason), number(row.per_second), number(row.dead_letters))
    _rest(table, len(rows))
    return table


def _named(name: str) -> Text:
    text = Text(printable(name))
    text.truncate(NAME_WIDTH, overflow="ellipsis")
    return text


def _rest(table: Table, rows: int) -> None:
    if rows == 0:
        table.add_row("none")
    elif rows > LINES:
        table.add_row(f"{rows - LINES} more")


def _served(found: Overview, now: float) -> Table:
    answering = sum(row.state != "no answer" for row in found.workers)
    table = _table("Served", "model or list", "version", "sha256", "entries", "loaded", "workers")
    for row in found.served:
        everywhere = row.workers == answering
        table.add_row(
            _named(row.name),
            _named(row.version),
            printable(row.sha256[:HASH_DIGITS]),
            "" if row.entries is None else number(row.entries),
            age(now - row.loaded_at),
            Text(f"{row.workers} of {answering}", style="" if everywhere else "yellow"),
        )
    return table
