"""Scores a recogniser over corpora: one row per set, and the macro in which each set counts once.

What `onoma evaluate` prints and what stands in a model card. The rule: whole sets and whole
sentences, in one of two forms of the text: `tokens` as the corpus cut them, or `raw`, the tokens
joined by blanks and cut by our own segmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from onoma.evaluation.corpora import Corpus, Sentence, resegmented
from onoma.evaluation.spans import Counts, Span, added, count, macro_f1, micro, spans_of

Form = Literal["tokens", "raw"]
Label = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[int]]]
"""Label numbers of every unit of each sentence."""

SENTENCES_PER_CALL = 64


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

    def as_record(self) -> dict[str, object]:
        """Return what is written as JSON, scores to four decimals."""
        return {
            "text": self.form,
            "scheme": "IOB2",
            "matching": "strict",
            "macro_f1": round(self.macro_f1, 4),
            "sets": {
                score.name: {
                    "language": score.language,
                    "sentences": score.sentences,
                    **_figures(score.counts),
                    "by_label": {k: _figures(c) for k, c in sorted(score.by_label.items())},
                }
                for score in self.sets
            },
        }


def evaluate(
    label: Label, labels: Sequence[str], corpora: Iterable[Corpus], form: Form = "tokens"
) -> Report:
    """Return the scores of `label`, whose numbers are places in `labels`, on `corpora`."""
    return Report(form, tuple(_score(label, labels, corpus, form) for corpus in corpora))


def _score(label: Label, labels: Sequence[str], corpus: Corpus, form: Form) -> SetScore:
    total: dict[str, Counts] = {}
    for first in range(0, len(corpus.sentences), SENTENCES_PER_CALL):
        chunk = corpus.sentences[first : first + SENTENCES_PER_CALL]
        texts = [_text(sentence, form) for sentence in chunk]
        paths = label([units for units, _ in texts])
        for (_, gold), path in zip(texts, paths, strict=True):
            predicted = spans_of([labels[number] for number in path])
            total = added(total, count(predicted, gold, corpus.annotates))
    return SetScore(corpus.name, corpus.language, len(corpus.sentences), total)


def _text(sentence: Sentence, form: Form) -> tuple[Sequence[str], tuple[Span, ...]]:
    spans = spans_of(sentence.tags)
    return resegmented(sentence, spans) if form == "raw" else (sentence.tokens, spans)


def _figures(counts: Counts) -> dict[str, float]:
    return {
        "f1": round(counts.f1, 4),
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "right": counts.right,
        "predicted": counts.predicted,
        "gold": counts.gold,
    }
