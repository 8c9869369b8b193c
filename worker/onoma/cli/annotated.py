"""The options of every command that reads annotated files, and what it makes of them.

The rule: a file is read in one way by all of them, so that what was linted is what is trained on
and what is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.schemes import TAGGINGS, Tagging
from onoma.evaluation.slices import Known, known_mentions
from onoma.text.offsets import OffsetUnit
from onoma.training.files import Reading, has_part, read_part
from onoma.training.sources import scored

USUAL_DATA = Path("../shared/data")
OFFSET_UNITS: tuple[OffsetUnit, ...] = get_args(OffsetUnit)

data_option = click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help=f"Annotated files or a directory of them; {USUAL_DATA} if it exists.",
)


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--tagging` and `--offsets`, which `command` gets as one `reading`."""

    @click.option(
        "--tagging",
        type=click.Choice(TAGGINGS),
        help="Scheme of the tags in CoNLL files; without it, it is found out.",
    )
    @click.option(
        "--offsets",
        "unit",
        type=click.Choice(OFFSET_UNITS),
        default=OFFSET_UNITS[0],
        show_default=True,
        help="What offsets in JSON lines count.",
    )
    @wraps(command)
    def told(*arguments: Any, tagging: Tagging | None, unit: OffsetUnit, **given: Any) -> None:
        command(*arguments, reading=Reading(tagging, unit), **given)

    return told


@dataclass(frozen=True, slots=True)
class Sets:
    """What is scored, the names that count in the macro, and what training had seen of each."""

    corpora: tuple[Corpus, ...]
    counted: frozenset[str]
    known: Known


def data_directory(given: Path | None) -> Path:
    """Return `given`, or the usual directory where it exists."""
    if given is not None:
        return given
    if not USUAL_DATA.is_dir():
        raise WrongUseError(f"found no {USUAL_DATA}: give the corpora's directory with --data")
    return USUAL_DATA


def sets_of(place: Path, part: str, reading: Reading, languages: Sequence[str] = ()) -> Sets:
    """Return the sets of `part` below `place`, all or those in `languages`."""
    corpora = read_part(place, part, reading)
    there = {corpus.language for corpus in corpora}
    for language in languages:
        if language not in there:
            listed = ", ".join(sorted(there))
            raise WrongUseError(f"{place}: found no {part} set in {language!r}, but in {listed}")
    chosen = tuple(c for c in corpora if not languages or c.language in languages)
    counted = frozenset(corpus.name for corpus in scored(chosen)) or frozenset(
        corpus.name for corpus in chosen
    )
    return Sets(chosen, counted, _known(place, {corpus.name for corpus in chosen}, reading))


def _known(place: Path, names: set[str], reading: Reading) -> Known:
    """Return the mentions of the sets' training parts, of those that have one."""
    training = read_part(place, "train", reading) if has_part(place, "train") else ()
    return known_mentions(corpus for corpus in training if corpus.name in names)
