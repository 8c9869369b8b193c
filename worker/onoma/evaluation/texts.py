"""Makes the texts that a recogniser is scored on: a corpus's own tokens, running text, documents.

The same sentences in four forms. `tokens`: as the corpus cut them. `raw`: the running text, cut by
our own segmentation, as serving does. `documents` and `lines`: ten to forty neighbouring sentences
as one running text, joined by blanks or by line ends. The rule: a gold span is never lost on the
way; one without any unit of ours stays as an empty span and counts as missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from onoma.evaluation.corpora import Corpus, JoinedText, Sentence, join, on_characters, on_units
from onoma.evaluation.spans import Span, spans_of
from onoma.text.segmentation import segment

Form = Literal["tokens", "raw", "documents", "lines"]
FORMS: tuple[Form, ...] = get_args(Form)

SHORTEST_DOCUMENT, LONGEST_DOCUMENT = 10, 40
DOCUMENT_SEED = 11


@dataclass(frozen=True, slots=True)
class Text:
    """Units as a recogniser gets them, and the gold spans on these units."""

    units: tuple[str, ...]
    gold: tuple[Span, ...]


def texts_of(corpus: Corpus, form: Form) -> tuple[Text, ...]:
    """Return the texts of `corpus` in `form`, in their order."""
    if form == "tokens":
        return tuple(Text(s.tokens, spans_of(s.tags)) for s in corpus.sentences)
    if form == "raw":
        return tuple(_cut([sentence], "") for sentence in corpus.sentences)
    between = " " if form == "documents" else "\n"
    return tuple(_cut(group, between) for group in _groups(corpus.sentences))


def _groups(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """Yield neighbouring sentences in tens to forties; what is left at the end is one more."""
    chance = np.random.default_rng(DOCUMENT_SEED)
    start = 0
    while start < len(sentences):
        size = int(chance.integers(SHORTEST_DOCUMENT, LONGEST_DOCUMENT, endpoint=True))
        yield sentences[start : start + size]
        start += size


def _cut(sentences: Sequence[Sentence], between: str) -> Text:
    """Join `sentences` and cut the whole by our segmentation."""
    parts: list[str] = []
    spans: list[Span] = []
    position = 0
    for sentence in sentences:
        joined: JoinedText = sentence.origin or join(sentence.tokens)
        for span in on_characters(spans_of(sentence.tags), joined):
            spans.append(Span(position + span.start, position + span.end, span.label))
        parts.append(joined.text)
        position += len(joined.text) + len(between)
    units = segment(between.join(parts))
    return Text(tuple(units.strings()), on_units(spans, units))
