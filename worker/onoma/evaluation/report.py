"""Counts a labeller over corpora: one row per set, and the macro in which each set counts once.

The quick score, of label numbers alone: training watches it, and it works on a network that is no
bundle yet. What is said about a finished model is `scorecard.py`. The rule: whole sets and whole
sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.judging import TEXTS_PER_CALL
from onoma.evaluation.spans import Counts, added, count, macro_f1, micro, spans_of
from onoma.evaluation.texts import Form, texts_of

Label = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[int]]]
"""Label numbers of every unit of each sentence."""


@dataclass(frozen=True, slots=True)
class SetScore:
    """Counts by label of one set."""

    name: str
    language: str
    sentences: int
    by_label: dict[str, Counts]

    @property
    def counts(self) -> Counts:
        """Return the counts of all labels together."""
        return micro(self.by_label)


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of one recogniser on the sets it was asked for."""

    form: Form
    sets: tuple[SetScore, ...]

    @property
    def macro_f1(self) -> float:
        """Return the mean strict F1 over the sets."""
        return macro_f1(score.counts for score in self.sets)


def evaluate(
    label: Label, labels: Sequence[str], corpora: Iterable[Corpus], form: Form = "tokens"
) -> Report:
    """Return the scores of `label`, whose numbers are places in `labels`, on `corpora`."""
    return Report(form, tuple(_score(label, labels, corpus, form) for corpus in corpora))


def _score(label: Label, labels: Sequence[str], corpus: Corpus, form: Form) -> SetScore:
    total: dict[str, Counts] = {}
    texts = texts_of(corpus, form)
    for first in range(0, len(texts), TEXTS_PER_CALL):
        chunk = texts[first : first + TEXTS_PER_CALL]
        paths = label([text.units for text in chunk])
        for text, path in zip(chunk, paths, strict=True):
            predicted = spans_of([labels[number] for number in path])
            total = added(total, count(predicted, text.gold, corpus.annotates))
    return SetScore(corpus.name, corpus.language, len(corpus.sentences), total)
