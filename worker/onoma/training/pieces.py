"""A whole training run in pieces that can be resumed: masked words, labelled names, bundle.

`onoma train` calls `run`. The rule: each piece leaves a checkpoint beside the bundle's directory, a
finished piece is not done again, and the checkpoints go away only when the bundle is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import nn

from onoma.errors import FatalError, WrongUseError
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.learning import rows_of
from onoma.registry import bundle
from onoma.registry.manifest import Manifest
from onoma.training import checkpoints
from onoma.training.bundle import claim, write
from onoma.training.corpora import Corpora, labels_of, read_data, types_of
from onoma.training.dequantising import network_of
from onoma.training.examples import Example
from onoma.training.feeds import Source
from onoma.training.files import Reading
from onoma.training.gazetteers import names_of
from onoma.training.loop import Saving, Trained, Watch, train
from onoma.training.names import groups_of, labelled, macro_dev
from onoma.training.network import Shape, WordHash
from onoma.training.pretraining import (
    TEXT,
    Lines,
    WordGuesser,
    hidden_words,
    read_text,
    text_files,
)
from onoma.training.progress import shown
from onoma.training.recipes import Lists, Recipe, Schedule
from onoma.training.reference import keep_reference, reference_graph
from onoma.training.sources import scored
from onoma.training.teachers import Teachers, teachers_of, unlabelled


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes: data, the bundle to be, and the bundle to start from.

    `teachers` are bundles whose opinion the model learns too. `reading` is for annotated files that
    can't say themselves how they are to be read; `reference` is where the graph of full precision
    is kept, for `onoma model gate --reference`.
    """

    data: Path
    directory: Path
    resume: bool = False
    init: Path | None = None
    teachers: tuple[Path, ...] = ()
    reading: Reading = field(default_factory=Reading)
    reference: Path | None = None

    @property
    def work(self) -> Path:
        """Return where the checkpoints lie until the bundle is there."""
        return self.directory.with_name(self.directory.name + ".checkpoints")

    def refuse_taken(self) -> None:
        """Refuse a place where something lies that this run would have to overwrite."""
        if self.directory.exists():
            claim(self.directory)
        if not self.resume and self.work.exists():
            raise WrongUseError(
                f"{self.work} holds the checkpoints of an earlier run: go on with --resume, or "
                "remove them"
            )
        if self.reference is not None:
            self._refuse_reference(self.reference)

    def _refuse_reference(self, path: Path) -> None:
        if path.exists():
            raise WrongUseError(
                f"{path} exists and is never overwritten: take it away, or give --keep-reference "
                "another file"
            )
        for directory in (self.directory, self.work):
            if directory.resolve() in path.resolve().parents:
                raise WrongUseError(
                    f"{path} lies in {directory}, which holds nothing but its own files: give "
                    "--keep-reference a file beside it"
                )


def run(place: Place, recipe: Recipe, console: Console) -> Manifest:
    """Train as `recipe` says and write a scored bundle, which no file may be in the way of."""
    place.refuse_taken()
    console.print("reading the corpora", highlight=False)
    corpora = read_data(place.data, recipe, place.reading)
    corpora = replace(corpora, names=names_of(place.data, recipe.gazetteer, place.init))
    claim(place.directory)
    labels = labels_for(corpora.train, place.init or next(iter(place.teachers), None))
    teachers = teachers_of(place.teachers, labels)
    if teachers:
        untaught = unlabelled(place.data, corpora, recipe.teaching.text, recipe.seed)
        corpora = replace(corpora, text=untaught)
    network, costs = fresh_network(recipe, labels, place.init), {}
    if place.init is None and is_wanted(recipe.pretraining.schedule):
        if not text_files(place.data):
            console.print(f"no {TEXT} below {place.data}: words come from the labelled sentences")
        text = read_text(place.data, corpora.train, recipe.pretraining)
        costs["words"] = train_words(
            network, text, recipe, _saving(place, network, "words"), console
        )
    costs["names"] = train_names(
        network, corpora, labels, recipe, _saving(place, network, "names"), console, teachers
    )
    console.print("calibrating, exporting, scoring", highlight=False)
    if place.reference is not None:
        keep_reference(reference_graph(network), place.reference)
    try:
        manifest = write(
            network,
            corpora,
            labels,
            recipe,
            cost_of(costs, place),
            place.directory,
            lambda line: console.print(line, highlight=False),
        )
    except OSError as error:
        raise FatalError(
            f"{place.directory} can't be written: {error}; the weights are in {place.work}: "
            "empty the directory, make room and go on with --resume"
        ) from error
    shutil.rmtree(place.work, ignore_errors=True)
    return manifest


def labels_for(train: Sequence[Corpus], known: Path | None) -> tuple[str, ...]:
    """Return the labels of the model to be: those of the bundle `known` where they have every type
    that is annotated, since what it knows of others then stays; else those of the types.
    """
    types = types_of(train)
    if known is not None:
        manifest, _ = bundle.verify(known)
        if {*types} <= {label[2:] for label in manifest.labels}:
            return tuple(manifest.labels)
    return labels_of(types)


def is_wanted(schedule: Schedule) -> bool:
    """Say whether there is any budget."""
    return bool(schedule.steps) if schedule.steps is not None else schedule.seconds > 0


def fresh_network(recipe: Recipe, labels: Sequence[str], init: Path | None = None) -> WordHash:
    """Return the network to train: by chance, or that of the bundle `init`; its head stays only
    where its labels are ours, its channel of names stays.
    """
    torch.manual_seed(recipe.seed)
    sizes = recipe.architecture
    shape = Shape(
        len(labels),
        sizes.width,
        sizes.layers,
        sizes.word_dropout,
        sizes.input_dropout,
        gazetteer=recipe.gazetteer is not None,
        gazetteer_dropout=(recipe.gazetteer or Lists()).dropout,
    )
    if init is None:
        return WordHash(shape)
    start, manifest = network_of(init)
    has_channel = shape.gazetteer or start.shape.gazetteer
    began = replace(shape, width=start.shape.width, layers=start.shape.layers)
    network = WordHash(replace(began, gazetteer=has_channel))
    if network.gazetteer is not None:
        # Where the bundle has no channel, one that says nothing yet.
        nn.init.zeros_(network.gazetteer)
    weights = start.state_dict()
    if manifest.labels != tuple(labels):
        weights = {n: w for n, w in weights.items() if not n.startswith("head.")}
    network.load_state_dict(weights, strict=False)
    return network


def train_words(
    network: WordHash, text: Sequence[Lines], recipe: Recipe, saving: Saving, console: Console
) -> Trained:
    """Train the encoder of `network` on masked words of `text`."""
    settings = recipe.pretraining
    guesser = WordGuesser(network)
    with shown("words", console) as progress:
        return train(
            guesser,
            guesser.groups(),
            [hidden_words(guesser, text, settings, recipe.seed)],
            settings.schedule,
            seed=recipe.seed,
            progress=progress,
            saving=saving,
        )


def train_names(
    network: WordHash,
    corpora: Corpora,
    labels: Sequence[str],
    recipe: Recipe,
    saving: Saving,
    console: Console,
    teachers: Teachers | None = None,
) -> Trained:
    """Train `network` on labelled sentences, on distant labels if the recipe wants them, and on
    what `teachers` say of both and of text.
    """
    learn = partial(
        labelled,
        network,
        network.head,
        labels=labels,
        recipe=recipe,
        gazetteer=corpora.gazetteer,
        teachers=teachers,
    )
    teaching = recipe.teaching
    sources: list[Source[list[Example]]] = [learn(corpora.train, trust=teaching.trust)]
    if corpora.distant:
        sources.append(
            learn(corpora.distant, name="distant", weight=recipe.distant, trust=teaching.trust)
        )
    if teachers and any(corpus.sentences for corpus in corpora.text):
        sources.append(learn(corpora.text, name="text", weight=teaching.weight))
    schedule = recipe.schedule
    watch = None
    if schedule.evaluate_every:
        dev, sentences = scored(corpora.dev), schedule.evaluate_sentences
        score = macro_dev(network, dev, labels, sentences, corpora.gazetteer)
        watch = Watch(score, schedule.evaluate_every, schedule.patience)
    with shown("names", console) as progress:
        return train(
            network,
            groups_of(network),
            sources,
            schedule,
            seed=recipe.seed,
            progress=progress,
            watch=watch,
            saving=saving,
        )


def _saving(place: Place, network: WordHash, piece: str) -> Saving:
    shape = network.shape
    directory = place.work / piece
    channel = ", lists of names" if shape.gazetteer else ""
    return Saving(
        directory,
        f"wordhash of width {shape.width}, {shape.layers} layers, {shape.labels} labels{channel} "
        f"({piece})",
        resume=place.resume and checkpoints.exists(directory),
    )


def cost_of(costs: Mapping[str, Trained], place: Place) -> dict[str, Any]:
    """Return what stands in the manifest of how long training took and whom it learned from."""
    names = costs["names"]
    cost = {
        "seconds": round(sum(trained.seconds for trained in costs.values())),
        "steps": names.steps,
        "units": sum(trained.units for trained in costs.values()),
        "pieces": {
            piece: {"seconds": round(t.seconds), "steps": t.steps, "units": t.units}
            for piece, t in costs.items()
        },
        "learning": rows_of(names.scores),
    }
    if place.init is not None:
        cost["started_from"] = _name_of(place.init)
    if place.teachers:
        cost["teachers"] = [_name_of(directory) for directory in place.teachers]
    return cost


def _name_of(directory: Path) -> dict[str, str]:
    manifest, _ = bundle.verify(directory)
    return {"name": manifest.name, "version": manifest.version}
