"""Labelled sentences as a source of the loop, and the score that training is watched by.

Between `examples.py` and `loop.py`. The rule: encoder and head are separate arguments, so that
several sets of labels, each with its head, can be learned over one encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.report import Label, evaluate
from onoma.gazetteer.channel import Gazetteer
from onoma.ner.decoding import Decoder
from onoma.training.batches import Collator
from onoma.training.examples import Example, Examples
from onoma.training.feeds import Feed, Source
from onoma.training.network import LabelHead, WordHash
from onoma.training.optimisers import Group
from onoma.training.precision import products
from onoma.training.recipes import Recipe
from onoma.training.teachers import Teachers


def labelled(
    network: WordHash,
    head: LabelHead,
    corpora: Sequence[Corpus],
    labels: Sequence[str],
    recipe: Recipe,
    *,
    name: str = "names",
    weight: float = 1.0,
    gazetteer: Gazetteer | None = None,
    teachers: Teachers | None = None,
    trust: float = 1.0,
) -> Source[list[Example]]:
    """Return `corpora`, labelled with `labels`, as a source that trains `network` and `head`.

    `trust` of the loss is what the `teachers` say, the rest is the annotation.
    """
    examples = Examples(corpora, labels, recipe, recipe.seed)
    collator = Collator(labels, [corpus.annotates for corpus in corpora], gazetteer)

    def loss(chosen: list[Example]) -> tuple[Tensor, int]:
        batch = collator.batch(chosen)
        # The sums of the CRF stay in float32.
        with products():
            emissions = head(network.hidden(batch))
        units = int(batch.inside.sum())
        if teachers is None:
            return head.loss(emissions, batch), units
        soft = teachers.loss(head, emissions, batch)
        if trust == 1:
            return soft, units
        return trust * soft + (1 - trust) * head.loss(emissions, batch), units

    return Source(name, weight, Feed(examples.chunk), loss)


def groups_of(network: WordHash) -> list[Group]:
    """Return the parameters of `network` by depth; a test holds that none is missing."""
    parameters = dict(network.named_parameters())
    groups = []
    for below_top, names in enumerate(network.depths()):
        tables = tuple((n, parameters[n]) for n in names if n.startswith("tables."))
        rest = tuple((n, parameters[n]) for n in names if not n.startswith("tables."))
        groups += [Group(rest, below_top), Group(tables, below_top, sparse=True)]
    return groups


def label_with(
    network: WordHash, labels: Sequence[str], gazetteer: Gazetteer | None = None
) -> Label:
    """Return what labels sentences with `network` as it stands, in full precision."""
    collator = Collator(labels, [frozenset(label[2:] for label in labels)], gazetteer)

    def label(sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        head = network.head
        decoder = Decoder(
            labels=labels, start=head.start.tolist(), transitions=head.transitions.tolist()
        )
        batch = collator.batch([Example(tuple(s), (0,) * len(s), 0) for s in sentences])
        with torch.no_grad():
            emissions = network(batch)[0][batch.rows[batch.inside]].numpy()
        lengths = [len(sentence) for sentence in sentences]
        path = decoder.best_paths(emissions, lengths).tolist()
        ends = np.cumsum(lengths).tolist()
        return [tuple(path[end - n : end]) for end, n in zip(ends, lengths, strict=True)]

    return label


def macro_dev(
    network: WordHash,
    dev: Sequence[Corpus],
    labels: Sequence[str],
    sentences: int,
    gazetteer: Gazetteer | None = None,
) -> Callable[[], float]:
    """Return a function that scores `network` on the first `sentences` of each dev set."""
    parts = [replace(corpus, sentences=corpus.sentences[:sentences]) for corpus in dev]
    label = label_with(network, labels, gazetteer)
    return lambda: evaluate(label, labels, parts).macro_f1
