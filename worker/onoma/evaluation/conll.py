"""Reads CoNLL files: a token and its tag a line, a blank line after each sentence.

Columns stand apart by tabs, or by blanks in files without any tab; the token is the first column
and the tag the last, and a token between tabs may hold blanks. Lines before a sentence that open
with `# ` and have no tab are remarks. Pure: lines in, never a path; a fault is one line that names
where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from onoma.errors import WrongUseError
from onoma.evaluation.schemes import SchemeError, Tagging, checked, tagging_of

DOCUMENT_START = "-DOCSTART-"


@dataclass(frozen=True, slots=True)
class Rows:
    """One sentence as it stands in the file: the number of the line of each token, and its tag."""

    lines: tuple[int, ...]
    tokens: tuple[str, ...]
    tags: tuple[str, ...]


def read_rows(lines: Iterable[str], name: str) -> list[Rows]:
    """Return the sentences of `lines`. Raises WrongUseError that opens with `name:line`."""
    sentences: list[Rows] = []
    open_rows: list[tuple[int, str, str]] = []
    for number, line in enumerate(chain(lines, ("",)), start=1):
        row = line.rstrip("\r\n")
        if row.strip():
            if not (_is_remark(row) and not open_rows):
                open_rows.append((number, *_columns(row, name, number)))
        elif open_rows:
            if open_rows[0][1] != DOCUMENT_START:
                numbers, tokens, tags = zip(*open_rows, strict=True)
                sentences.append(Rows(numbers, tokens, tags))
            open_rows = []
    if not sentences:
        raise WrongUseError(f"{name}:1: found no sentence; wanted lines of `token<TAB>tag`")
    return sentences


def tagging_of_rows(rows: Sequence[Rows], name: str, declared: Tagging | None) -> Tagging:
    """Return the scheme of the tags, which must be `declared` where that is given."""
    tags = [row.tags for row in rows]
    try:
        if declared is None:
            return tagging_of(tags)
        checked(tags, declared)
    except SchemeError as error:
        # One place more for the end of each sentence, as `tagging_of` counts.
        places = chain.from_iterable((*row.lines, row.lines[-1]) for row in rows)
        line = next(islice(places, error.place, None))
        advice = "" if declared else "; mend the file or declare its scheme"
        raise WrongUseError(f"{name}:{line}: {error}{advice}") from error
    return declared


def _is_remark(row: str) -> bool:
    return row.startswith("# ") and "\t" not in row


def _columns(row: str, name: str, number: int) -> tuple[str, str]:
    columns = row.split("\t") if "\t" in row else row.split()
    token, tag = columns[0], columns[-1]
    if len(columns) < 2 or not tag:
        raise WrongUseError(f"{name}:{number}: found one column, wanted `token<TAB>tag`")
    if not token:
        raise WrongUseError(f"{name}:{number}: found the tag {tag!r} without a token")
    return token, tag
