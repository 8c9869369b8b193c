"""Teachers: trained networks whose opinion of a batch a student learns beside its labels.

Used by `names.py`. Runs of one recipe differ by chance, and the mean of several finds more names
than any of them; a student that learns that mean keeps most of it at the cost of one. The rule:
teachers read the very batch that the student reads, with all that was varied in it, so text that
nobody labelled teaches as well.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus, Sentence
from onoma.evaluation.spans import OUTSIDE
from onoma.text.segmentation import segment
from onoma.training.corpora import Corpora
from onoma.training.dequantising import network_of
from onoma.training.examples import key_of
from onoma.training.files import lines_of
from onoma.training.network import Batch, LabelHead, WordHash
from onoma.training.precision import products
from onoma.training.pretraining import SHORTEST, text_files
from onoma.training.sources import Folder, code_of

Counts = tuple[Tensor, Tensor, Tensor]
"""Expected counts of label paths: of labels at units (sentences, longest, labels), of moves from
one label to the next (labels, labels) and of first labels (labels), over all sentences.
"""


class Teachers:
    """Networks of one set of labels, as one model: the mean of their scores. None is trained."""

    def __init__(self, networks: Sequence[WordHash]) -> None:
        self._networks = [network.eval() for network in networks]
        self._head = LabelHead(1, networks[0].shape.labels)
        heads = [network.head for network in networks]
        with torch.no_grad():
            self._head.transitions.copy_(torch.stack([h.transitions for h in heads]).mean(0))
            self._head.start.copy_(torch.stack([h.start for h in heads]).mean(0))

    def counts(self, batch: Batch) -> Counts:
        """Return what the teachers expect in `batch`.

        The derivative of the log partition function by a score is the expected count of what is
        scored (Wainwright and Jordan 2008, proposition 3.1): one pass back gives all three.
        """
        with torch.no_grad(), products():
            emissions = torch.stack([network(batch)[0] for network in self._networks]).mean(0)
        scores = emissions[batch.rows].requires_grad_()
        weights = self._head.log_weights(scores, batch.inside, 1.0).sum()
        units, moves, start = torch.autograd.grad(
            weights, (scores, self._head.transitions, self._head.start)
        )
        return units, moves, start

    def loss(self, head: LabelHead, emissions: Tensor, batch: Batch) -> Tensor:
        """Return the cross entropy between the label paths of the teachers and those of a student
        with `head` and `emissions` (rows, labels), per unit.

        A chain's score is linear in its counts, so the expected counts are all it needs (structural
        knowledge distillation, Wang et al. 2021).
        """
        units, moves, start = self.counts(batch)
        scores = emissions[batch.rows]
        expected = (
            (units * scores).sum() + (moves * head.transitions).sum() + (start * head.start).sum()
        )
        every = head.log_weights(scores, batch.inside, 1.0).sum()
        return (every - expected) / batch.inside.sum()


def teachers_of(directories: Sequence[Path], labels: Sequence[str]) -> Teachers | None:
    """Return the `wordhash` bundles in `directories` as teachers of `labels`; None without any."""
    networks = []
    for directory in directories:
        network, manifest = network_of(directory)
        if tuple(manifest.labels) != tuple(labels):
            raise WrongUseError(
                f"{directory} has the labels {', '.join(manifest.labels)}; the model to be has "
                f"{', '.join(labels)}: a teacher must have the same ones in the same order"
            )
        networks.append(network)
    return Teachers(networks) if networks else None


def unlabelled(
    data: Path, corpora: Corpora, most: int, seed: int, folders: Sequence[Folder] = ("open",)
) -> tuple[Corpus, ...]:
    """Return at most `most` lines, drawn by chance, of each file of text below `data` in a language
    that training sets have: cut by our segmentation, in corpora that annotate no type.

    Lines that are development sentences stay out: teachers would pass on what they guess of them.
    """
    languages = {corpus.language for corpus in corpora.train}
    dev = {key_of(sentence) for corpus in corpora.dev for sentence in corpus.sentences}
    found = []
    for file in text_files(data, folders):
        code = file.name.partition(".")[0]
        if code_of(code) not in languages:
            continue
        lines = [line.strip() for line in lines_of(file)]
        random.Random(f"{seed}/{file.name}").shuffle(lines)  # noqa: S311 (repeatable on purpose)
        sentences = (_bare(line) for line in lines[:most])
        kept = tuple(s for s in sentences if len(s.tokens) >= SHORTEST and key_of(s) not in dev)
        found.append(Corpus(f"{file.parent.name}/{code}", code_of(code), frozenset(), kept))
    return tuple(found)


def _bare(line: str) -> Sentence:
    units = segment(line).strings()
    return Sentence(tuple(units), (OUTSIDE,) * len(units))
