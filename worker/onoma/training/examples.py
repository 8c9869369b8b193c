"""Draws training examples: a sentence, varied, as units with label numbers.

First half of the training flow; `loop.py` turns the batches into tensors. The rules: a training
sentence that is also in the same corpus's dev part is dropped; all chance comes from one generator
that is passed in; nearly half of what is drawn is cut by our own segmentation of the running text,
so that serving sees what training saw.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onoma.evaluation.corpora import Corpus, Sentence, resegmented
from onoma.evaluation.spans import Span, spans_of, tags_of
from onoma.ner.features import strip_marks


@dataclass(frozen=True, slots=True)
class Variation:
    """How often a drawn sentence is changed, each a share of 1; 0 switches it off.

    `resegmented`: cut by our segmentation instead of the corpus's tokens. `noise`: a third each
    lower case, marks stripped, letters lost or doubled. `replacement`: mentions exchanged for
    others of the same corpus and label.
    """

    resegmented: float = 0.45
    noise: float = 0.3
    replacement: float = 0.15


@dataclass(frozen=True, slots=True)
class Example:
    """Units, the number of the label of each, and the corpus they came from."""

    units: tuple[str, ...]
    labels: tuple[int, ...]
    corpus: int


Noise = Callable[[str, random.Random], str]
Mentions = Mapping[str, Sequence[tuple[str, ...]]]


class Examples:
    """An endless supply of batches.

    A corpus is drawn with a probability of its size to the power `exponent`: below 1, small corpora
    are seen more often than their size says, and none is forgotten.
    """

    def __init__(
        self,
        corpora: Sequence[Corpus],
        labels: Sequence[str],
        *,
        variation: Variation,
        exponent: float,
        longest: int,
        chance: random.Random,
    ) -> None:
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._corpora = corpora
        self._variation = variation
        self._longest = longest
        self._chance = chance
        self._mentions = [mentions_of(corpus.sentences) for corpus in corpora]
        self._places = [(c, s) for c, corpus in enumerate(corpora) for s in corpus.sentences]
        self._weights = [
            len(corpus.sentences) ** (exponent - 1) for corpus in corpora for _ in corpus.sentences
        ]

    def batches(self, size: int, chunk: int = 50) -> Iterator[list[Example]]:
        """Yield batches of about `size` examples of similar length, for ever."""
        chance = self._chance
        while True:
            drawn = chance.choices(self._places, self._weights, k=size * chunk)
            examples = [e for corpus, sentence in drawn for e in self._example(corpus, sentence)]
            examples.sort(key=lambda example: len(example.units))
            batches = [examples[i : i + size] for i in range(0, len(examples), size)]
            chance.shuffle(batches)
            yield from batches

    def _example(self, corpus: int, sentence: Sentence) -> Iterator[Example]:
        chance, variation = self._chance, self._variation
        if chance.random() < variation.replacement:
            sentence = replace_mentions(sentence, self._mentions[corpus], chance)
        if chance.random() < variation.noise:
            noise = chance.choice(NOISES)
            sentence = Sentence(tuple(noise(t, chance) for t in sentence.tokens), sentence.tags)
        units: Sequence[str] = sentence.tokens
        tags = sentence.tags
        if chance.random() < variation.resegmented:
            units, spans = resegmented(sentence, spans_of(sentence.tags))
            tags = tags_of(spans, len(units))
        for start, end in pieces(tags, self._longest):
            numbers = tuple(self._numbers[tag] for tag in tags[start:end])
            yield Example(tuple(units[start:end]), numbers, corpus)


def pieces(tags: Sequence[str], longest: int) -> Iterator[tuple[int, int]]:
    """Yield `[start, end)` of pieces of at most `longest` tags that part no span, unless a span
    is longer.
    """
    start = 0
    while start < len(tags):
        end = min(start + longest, len(tags))
        cut = end
        while cut < len(tags) and cut > start + 1 and tags[cut].startswith("I"):
            cut -= 1
        if cut > start + 1:
            end = cut
        yield start, end
        start = end


def without_dev(corpora: Iterable[Corpus], dev: Iterable[Corpus]) -> tuple[Corpus, ...]:
    """Return the training `corpora` without the sentences that are also in the dev part of the
    same corpus.
    """
    known = {corpus.name: {key_of(s) for s in corpus.sentences} for corpus in dev}
    return tuple(
        Corpus(
            corpus.name,
            corpus.language,
            corpus.annotates,
            tuple(s for s in corpus.sentences if _is_new(s, known.get(corpus.name, set()))),
        )
        for corpus in corpora
    )


def key_of(sentence: Sentence) -> str:
    """Return the letters and digits of `sentence`: equal keys are the same sentence in another
    layout.
    """
    return "".join(c for token in sentence.tokens for c in token if c.isalnum()).casefold()


def _is_new(sentence: Sentence, known: set[str]) -> bool:
    key = key_of(sentence)
    return not key or key not in known


def mentions_of(sentences: Iterable[Sentence]) -> dict[str, list[tuple[str, ...]]]:
    """Return the tokens of every span by label."""
    mentions: dict[str, list[tuple[str, ...]]] = {}
    for sentence in sentences:
        for span in spans_of(sentence.tags):
            mentions.setdefault(span.label, []).append(sentence.tokens[span.start : span.end])
    return mentions


def replace_mentions(sentence: Sentence, mentions: Mentions, chance: random.Random) -> Sentence:
    """Exchange about half of the spans for other mentions of their label."""
    tokens: list[str] = []
    spans: list[Span] = []
    done = 0
    for span in spans_of(sentence.tags):
        tokens += sentence.tokens[done : span.start]
        mention = sentence.tokens[span.start : span.end]
        if chance.random() < 0.5:
            mention = chance.choice(mentions[span.label])
        spans.append(Span(len(tokens), len(tokens) + len(mention), span.label))
        tokens += mention
        done = span.end
    tokens += sentence.tokens[done:]
    return Sentence(tuple(tokens), tags_of(spans, len(tokens)))


def lower(word: str, chance: random.Random) -> str:
    """Return `word` as people write who never reach for the shift key."""
    return word.lower()


def without_marks(word: str, chance: random.Random) -> str:
    """Return `word` without the diacritics of alphabets that have them."""
    return strip_marks(word)


def misspelt(word: str, chance: random.Random) -> str:
    """Return `word`; one in five over three letters has an inner letter lost or doubled."""
    if len(word) <= 3 or chance.random() >= 0.2:
        return word
    place = chance.randrange(1, len(word) - 1)
    if chance.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[: place + 1] + word[place:]


NOISES: tuple[Noise, ...] = (lower, without_marks, misspelt)
