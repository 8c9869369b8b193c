"""Lets a recogniser read whole sets, and keeps what it found beside the gold spans.

First step of an evaluation; every figure after it is computed from what is kept here, so that a set
is read once. The rule: a recogniser is asked as serving asks it, through windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.spans import Span
from onoma.evaluation.texts import Form, Text, texts_of
from onoma.ner.recogniser import AnyRecogniser, Emissions, stitched
from onoma.ner.spans import Mention

TEXTS_PER_CALL = 64


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """One set as it was read: texts, the scores of their units, and the mentions found in each."""

    name: str
    language: str
    annotates: frozenset[str]
    sentences: int
    texts: tuple[Text, ...]
    emissions: tuple[Emissions, ...]
    found: tuple[tuple[Mention, ...], ...]

    def pairs(self) -> Iterable[tuple[Text, tuple[Span, ...], tuple[Mention, ...]]]:
        """Yield each text with its gold spans and the mentions found, of annotated types only."""
        for text, found in zip(self.texts, self.found, strict=True):
            yield (
                text,
                tuple(span for span in text.gold if span.label in self.annotates),
                tuple(mention for mention in found if mention.label in self.annotates),
            )


Told = Callable[[str], None]


def judge(
    recogniser: AnyRecogniser,
    corpora: Iterable[Corpus],
    form: Form = "tokens",
    told: Told = lambda name: None,
) -> tuple[JudgedSet, ...]:
    """Return `corpora` as `recogniser` read them; `told` hears the name of each set before it."""
    judged = []
    for corpus in corpora:
        told(corpus.name)
        judged.append(_judged(recogniser, corpus, form))
    return tuple(judged)


def _judged(recogniser: AnyRecogniser, corpus: Corpus, form: Form) -> JudgedSet:
    texts = texts_of(corpus, form)
    emissions: list[Emissions] = []
    found: list[tuple[Mention, ...]] = []
    for first in range(0, len(texts), TEXTS_PER_CALL):
        chunk = [text.units for text in texts[first : first + TEXTS_PER_CALL]]
        scores = read(recogniser, chunk)
        emissions += scores
        found += recogniser.mentions(scores)
    return JudgedSet(
        corpus.name,
        corpus.language,
        corpus.annotates,
        len(corpus.sentences),
        texts,
        tuple(emissions),
        tuple(found),
    )


def read(recogniser: AnyRecogniser, texts: Sequence[Sequence[str]]) -> list[Emissions]:
    """Return the scores `(units, labels)` of each text's units."""
    prepared = [recogniser.prepare(units) for units in texts]
    scores = recogniser.emissions([row for document in prepared for row in document.rows])
    edges = pairwise(accumulate((len(document.rows) for document in prepared), initial=0))
    return [
        stitched(
            tuple(zip(document.windows, scores[first:last], strict=True)),
            len(units),
            recogniser.labels,
        )
        for units, document, (first, last) in zip(texts, prepared, edges, strict=True)
    ]
