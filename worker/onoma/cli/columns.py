"""Options of generic lists: which column holds what, as one value for the command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from onoma.errors import WrongUseError
from onoma.gazetteer.entries import EntryType
from onoma.gazetteer.readers.columns import USUAL, Columns


def column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of csv and jsonl, which `command` gets as one `columns`."""

    @click.option(
        "--column",
        "named",
        multiple=True,
        metavar="FIELD=COLUMN",
        help=f"csv, jsonl: which column is {', '.join(USUAL)}. Usual headings are known.",
    )
    @click.option("--delimiter", default=",", show_default=True, help="csv: what parts cells.")
    @click.option(
        "--separator",
        default=";",
        show_default=True,
        help="csv: what parts the values in one cell.",
    )
    @click.option(
        "--type",
        "kind",
        type=click.Choice([str(kind) for kind in EntryType]),
        default=str(EntryType.OTHER),
        show_default=True,
        help="csv, jsonl: what entries are whose record doesn't say.",
    )
    @wraps(command)
    def told(
        *arguments: Any,
        named: tuple[str, ...],
        delimiter: str,
        separator: str,
        kind: str,
        **given: Any,
    ) -> None:
        columns = Columns(
            named=_map(named), delimiter=delimiter, separator=separator, type=EntryType(kind)
        )
        command(*arguments, columns=columns, **given)

    return told


def _map(named: Sequence[str]) -> dict[str, str]:
    columns = {}
    for pair in named:
        field, _, column = pair.partition("=")
        if not field or not column:
            raise WrongUseError(f"found --column {pair!r}, wanted FIELD=COLUMN")
        columns[field] = column
    return columns
