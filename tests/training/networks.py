"""Small runs of the real loop, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from onoma.evaluation.corpora import Corpus
from onoma.gazetteer.channel import Gazetteer
from onoma.training.loop import Saving, Trained, Watch, train
from onoma.training.names import groups_of, labelled
from onoma.training.network import Shape, WordHash
from onoma.training.progress import Line
from onoma.training.recipes import Architecture, Recipe, Schedule, Variation
from onoma.training.teachers import Teachers
from tests.training.sentences import LABELS, corpus

PLAIN = Variation(joined=0, resegmented=0, noise=0, replacement=0)
RECIPE = Recipe(
    architecture=Architecture(width=32, layers=2),
    schedule=Schedule(
        steps=120, average_from=0.9, average_decay=0.5, learning_rate=5e-3, checkpoint_every=1000
    ),
    batch=8,
    variation=replace(PLAIN, resegmented=0.3),
)


def silent(line: Line) -> None:
    """Show nothing."""


def small_network(labels: int = len(LABELS), seed: int = 0, width: int = 32) -> WordHash:
    torch.manual_seed(seed)
    return WordHash(Shape(labels, width, 2))


def trained_network(
    recipe: Recipe = RECIPE,
    *,
    corpora: Sequence[Corpus] = (corpus(),),
    network: WordHash | None = None,
    watch: Watch | None = None,
    saving: Saving | None = None,
    gazetteer: Gazetteer | None = None,
    teachers: Teachers | None = None,
) -> tuple[WordHash, Trained]:
    network = network or small_network(seed=recipe.seed)
    source = labelled(
        network, network.head, corpora, LABELS, recipe, gazetteer=gazetteer, teachers=teachers
    )
    trained = train(
        network,
        groups_of(network),
        [source],
        recipe.schedule,
        seed=recipe.seed,
        progress=silent,
        watch=watch,
        saving=saving,
    )
    return network, trained
