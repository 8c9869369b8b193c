"""The options of every command that reads annotated files, and what it makes of them.

The rule: a file is read in one way by all of them, so that what was linted is what is trained on
and what is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
from onoma.training.files import Reading, languages_with, read_part
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


def sets_of(place: Path, part: str, reading: Reading, languages: Collection[str] = ()) -> Sets:
    """Return the sets of `part` below `place`, all or those in `languages`."""
    corpora = read_part(place, part, reading, languages)
    names = frozenset(corpus.name for corpus in corpora)
    counted = frozenset(corpus.name for corpus in scored(corpora))
    return Sets(corpora, counted, _known(place, names, reading, languages))


def _known(
    place: Path, names: Collection[str], reading: Reading, languages: Collection[str]
) -> Known:
    """Return the mentions of the sets' training parts, of those that have one."""
    there = languages_with(place, "train")
    trained = there.intersection(languages) if languages else there
    training = read_part(place, "train", reading, trained) if trained else ()
    return known_mentions(corpus for corpus in training if corpus.name in names)
