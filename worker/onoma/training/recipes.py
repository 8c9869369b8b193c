"""A recipe: every number of a training run, read from one YAML file.

`onoma train --recipe` reads it here; each field is explained where it stands. The rule: a file may
leave a field out and gets the default, but a field that is not known is refused, because a
misspelt one would silently train something else.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml

from onoma.errors import WrongUseError

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How weights move.

    The budget is `steps`, which gives the same weights again, or `seconds` of one processor, which
    adapts to the machine. `learning_rate` falls linearly to `last_learning_rate` after a warm-up
    over `warm_up` of the budget. The tables have their own rate because they have their own
    optimiser. `depth_decay` multiplies the rate once for each layer below the top; 1 is off.
    `average_decay` is per step; averaging starts after `average_from` of the budget, when the
    weights no longer race. Development sets are scored every `evaluate_every` steps, and after
    `patience` scores without a better one training stops; 0 never scores, never stops.
    """

    seconds: float = 1400.0
    steps: int | None = None
    learning_rate: float = 2e-3
    last_learning_rate: float = 6e-5
    table_learning_rate: float = 0.4
    warm_up: float = 0.04
    clip: float = 1.0
    weight_decay: float = 0.01
    depth_decay: float = 1.0
    average_decay: float = 0.9995
    average_from: float = 0.3
    average_every: int = 10
    evaluate_every: int = 0
    evaluate_sentences: int = 40
    patience: int = 0
    checkpoint_every: int = 2000


@dataclass(frozen=True, slots=True)
class Variation:
    """How often a drawn sentence is changed, each a share of 1; 0 switches it off.

    `joined`: followed by one to five of its neighbours, as in a document. `resegmented`: cut by our
    segmentation instead of the corpus's tokens. `noise`: one of lower case, marks stripped, letters
    lost or doubled, another apostrophe, with the weights of the four fields after it.
    `replacement`: mentions exchanged for others of the same label; `borrowed` of these come from
    any corpus in the same script instead of the same corpus.
    """

    joined: float = 0.25
    resegmented: float = 0.5
    noise: float = 0.33
    lower: float = 0.5
    marks: float = 0.22
    letters: float = 0.22
    apostrophes: float = 0.06
    replacement: float = 0.15
    borrowed: float = 0.0


@dataclass(frozen=True, slots=True)
class Architecture:
    """Sizes of the network; its scores reach `layers` units to each side."""

    width: int = 256
    layers: int = 4
    word_dropout: float = 0.3
    input_dropout: float = 0.3


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Masked words, before any label is seen.

    `hidden` is the share of words to be guessed. Text in languages without labelled sentences is
    drawn with `other_languages` times the weight; `labelled` adds the labelled sentences' text,
    which is all there is of some languages. `longest` bounds the units of one line.
    """

    schedule: Schedule = field(default_factory=lambda: Schedule(seconds=0.0, warm_up=0.02))
    hidden: float = 0.18
    other_languages: float = 0.4
    exponent: float = 0.8
    labelled: bool = True
    batch: int = 32
    longest: int = 80


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of names that the network may look words up in; the bundle carries the names.

    `places`, `people` and `organisations` are files below --data: `.txt` with one name a line, or
    `.tsv` and `.csv` with a column `name`; each may be packed (`.gz`). Or they are directories that
    `onoma gazetteer build` wrote, of which the entries of that type are taken, and those of none. A
    word loses all that the lists say of it with a chance of `dropout`, so that names are learned by
    their form too.
    """

    places: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    dropout: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3


@dataclass(frozen=True, slots=True)
class Teaching:
    """What is learned from the models that `--teacher` names; without any it says nothing.

    On labelled sentences `trust` of the loss is theirs, the rest the annotation's. Beside these the
    model learns from them alone on at most `text` lines of unlabelled text of each language, a step
    of which is drawn with `weight` times the chance of a labelled one.
    """

    trust: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    text: Annotated[int, msgspec.Meta(ge=0)] = 5000
    weight: Annotated[float, msgspec.Meta(ge=0)] = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. A corpus is drawn with a chance of its size to the power `exponent`: below 1,
    small ones are seen more often than their size says.

    `batch` bounds the sentences of a step, `batch_units` its units, `longest` the units of one
    example. `distant` adds corpora whose labels no person made, each sentence with that weight.
    """

    name: str = "wordhash-open"
    version: str = "0.2.0"
    seed: int = 0
    architecture: Architecture = field(default_factory=Architecture)
    pretraining: Pretraining = field(default_factory=Pretraining)
    schedule: Schedule = field(default_factory=Schedule)
    variation: Variation = field(default_factory=Variation)
    exponent: float = 0.6
    batch: int = 32
    batch_units: int = 900
    longest: int = 120
    distant: float = 0.0
    teaching: Teaching = field(default_factory=Teaching)
    sentences: int | None = None
    """At most so many sentences of each corpus, for a run that only shows that all works."""
    gazetteer: Lists | None = None
    """Without it the graph has no channel for lists of names; with few labels they help."""


def read_recipe(path: Path) -> Recipe:
    """Read the recipe at `path`."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WrongUseError(f"the recipe {path} can't be read: {error}") from error
    if found is not None and not isinstance(found, dict):
        raise WrongUseError(f"the recipe {path} holds no fields: write `name: value` lines")
    try:
        _refuse_unknown(Recipe, found or {}, "")
        return msgspec.convert(found or {}, Recipe)
    except (msgspec.ValidationError, WrongUseError) as error:
        raise WrongUseError(f"the recipe {path} can't be used: {error}") from error


def _refuse_unknown(part: type[Any], found: Mapping[str, Any], before: str) -> None:
    """Refuse names that `part` does not have; msgspec passes over them in a dataclass."""
    kinds = typing.get_type_hints(part)
    known = {f.name for f in fields(part)}
    for name, value in found.items():
        if name not in known:
            raise WrongUseError(f"{before}{name} is no field; known are {', '.join(sorted(known))}")
        # A part that may be left out is a union with None.
        parts = [
            kind for kind in (kinds[name], *typing.get_args(kinds[name])) if is_dataclass(kind)
        ]
        if parts and isinstance(value, dict):
            _refuse_unknown(typing.cast(type[Any], parts[0]), value, f"{before}{name}.")
