"""What a run learns from: annotated sets in any layout, with their types, labels and licences.

Read by `pieces.py` and `encoder_run.py` alike; needs no torch. The rule: a sentence of a
development set never trains, in whatever layout it comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus
from onoma.gazetteer.channel import Gazetteer
from onoma.training.examples import without_dev
from onoma.training.files import Reading, read_part
from onoma.training.gazetteers import Names
from onoma.training.recipes import Recipe
from onoma.training.sources import NOT_STATED, Licence, read_licences

TYPES = ("PER", "LOC", "ORG", "DATE")
"""The types that come first, in this order."""
_NOT_STATED = Licence("", "", NOT_STATED, NOT_STATED)


@dataclass(frozen=True, slots=True)
class Corpora:
    """What a run reads: training sets without their dev sentences, dev sets, licences by set.

    `distant` are labels that no person made, `text` has none at all and is for teachers to label,
    `names` is what the channel is filled from.
    """

    train: tuple[Corpus, ...]
    dev: tuple[Corpus, ...]
    licences: Mapping[str, Licence] = field(default_factory=dict)
    distant: tuple[Corpus, ...] = ()
    text: tuple[Corpus, ...] = ()
    names: Names | None = None

    @property
    def gazetteer(self) -> Gazetteer | None:
        """Return the names to look up, None for a network without the channel."""
        return self.names.gazetteer if self.names else None

    def described(self) -> dict[str, dict[str, Any]]:
        """Return what the manifest says of each training set."""
        return {
            corpus.name: {
                "language": corpus.language,
                "sentences": len(corpus.sentences),
                "tokens": sum(len(sentence.tokens) for sentence in corpus.sentences),
                "licence": self.licences.get(corpus.name, _NOT_STATED).licence,
                "source": self.licences.get(corpus.name, _NOT_STATED).source,
            }
            for corpus in self.train
        }


def read_data(data: Path, recipe: Recipe, reading: Reading) -> Corpora:
    """Read the sets below `data` that `recipe` asks for. Raises WrongUseError."""
    dev = read_part(data, "dev", reading)
    train = without_dev(read_part(data, "train", reading), dev)
    if not any(corpus.sentences for corpus in train):
        raise WrongUseError(
            f"{data}: every training sentence is also in a development set; wanted parts of their "
            "own, such as train.conll and dev.conll"
        )
    distant = read_part(data, "train_distant", reading) if recipe.distant else ()
    return Corpora(
        _first(train, recipe),
        _first(dev, recipe),
        read_licences(data),
        _first(without_dev(distant, dev), recipe),
    )


def _first(corpora: Sequence[Corpus], recipe: Recipe) -> tuple[Corpus, ...]:
    first = slice(recipe.sentences)
    return tuple(replace(corpus, sentences=corpus.sentences[first]) for corpus in corpora)


def types_of(corpora: Sequence[Corpus]) -> tuple[str, ...]:
    """Return the types that any corpus annotates: ours in their order, then others by name."""
    found = {kind for corpus in corpora for kind in corpus.annotates}
    if not found:
        raise WrongUseError("the training sets annotate no type")
    return (*(kind for kind in TYPES if kind in found), *sorted(found - {*TYPES}))


def labels_of(types: Sequence[str]) -> tuple[str, ...]:
    """Return the IOB2 labels of `types`, `O` first."""
    return ("O", *(f"{position}-{kind}" for kind in types for position in "BI"))
