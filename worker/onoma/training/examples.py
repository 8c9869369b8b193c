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
from itertools import accumulate

from onoma.evaluation.corpora import Corpus, Sentence, letters_and_digits, resegmented
from onoma.evaluation.spans import Span, spans_of, tags_of
from onoma.ner.features import strip_marks
from onoma.text.script import dominant_script
from onoma.training.recipes import Recipe, Variation


@dataclass(frozen=True, slots=True)
class Example:
    """Units, the number of the label of each, and the corpus they came from."""

    units: tuple[str, ...]
    labels: tuple[int, ...]
    corpus: int


Noise = Callable[[str, random.Random], str]
Mentions = Mapping[str, Sequence[tuple[str, ...]]]

CHUNK_BATCHES = 50
MOST_JOINED = 6


class Examples:
    """An endless supply of batches, in chunks that are functions of seed and number.

    A corpus is drawn with a probability of its size to the power `exponent`: below 1, small corpora
    are seen more often than their size says, and none is forgotten.
    """

    def __init__(
        self, corpora: Sequence[Corpus], labels: Sequence[str], recipe: Recipe, seed: int
    ) -> None:
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._corpora = corpora
        self._recipe = recipe
        self._seed = seed
        self._mentions = [mentions_of(corpus.sentences) for corpus in corpora]
        self._shared = shared_mentions(self._mentions) if recipe.variation.borrowed else {}
        self._noises, self._noise_weights = noises_of(recipe.variation)
        self._places = [
            (c, s) for c, corpus in enumerate(corpora) for s in range(len(corpus.sentences))
        ]
        self._weights = list(
            accumulate(
                len(corpus.sentences) ** (recipe.exponent - 1)
                for corpus in corpora
                for _ in corpus.sentences
            )
        )

    def chunk(self, number: int) -> list[list[Example]]:
        """Return about 50 batches of examples of similar length."""
        chance = random.Random(f"{self._seed}/examples/{number}")  # noqa: S311 (repeatable)
        size = self._recipe.batch * CHUNK_BATCHES
        drawn = chance.choices(self._places, cum_weights=self._weights, k=size)
        examples = [e for place in drawn for e in self._example(*place, chance)]
        examples.sort(key=lambda example: len(example.units))
        batches = list(batched(examples, self._recipe.batch, self._recipe.batch_units))
        chance.shuffle(batches)
        return batches

    def _example(self, corpus: int, place: int, chance: random.Random) -> Iterator[Example]:
        variation = self._recipe.variation
        sentences = self._corpora[corpus].sentences
        sentence = sentences[place]
        if chance.random() < variation.joined:
            sentence = joined(sentences[place : place + chance.randint(2, MOST_JOINED)])
        if chance.random() < variation.replacement:
            sentence = self._replaced(sentence, corpus, chance)
        if chance.random() < variation.noise:
            noise = chance.choices(self._noises, self._noise_weights)[0]
            sentence = Sentence(tuple(noise(t, chance) for t in sentence.tokens), sentence.tags)
        units: Sequence[str] = sentence.tokens
        tags = sentence.tags
        if chance.random() < variation.resegmented:
            units, spans = resegmented(sentence, spans_of(sentence.tags))
            tags = tags_of(spans, len(units))
        for start, end in pieces(tags, self._recipe.longest):
            numbers = tuple(self._numbers[tag] for tag in tags[start:end])
            yield Example(tuple(units[start:end]), numbers, corpus)

    def _replaced(self, sentence: Sentence, corpus: int, chance: random.Random) -> Sentence:
        own = self._mentions[corpus]
        if chance.random() >= self._recipe.variation.borrowed:
            return replace_mentions(sentence, own, chance)
        script = dominant_script("".join(sentence.tokens))
        return replace_mentions(sentence, {**own, **self._shared.get(script, {})}, chance)


def batched(examples: Sequence[Example], most: int, units: int) -> Iterator[list[Example]]:
    """Yield `examples`, sorted by length, in batches of at most `most`, and of at most `units` if
    that is more than one.
    """
    batch: list[Example] = []
    total = 0
    for example in examples:
        if batch and (len(batch) == most or total + len(example.units) > units):
            yield batch
            batch, total = [], 0
        batch.append(example)
        total += len(example.units)
    if batch:
        yield batch


def joined(sentences: Sequence[Sentence]) -> Sentence:
    """Return neighbours as one text; to the model a blank and a line's end are the same."""
    return Sentence(
        tuple(token for sentence in sentences for token in sentence.tokens),
        tuple(tag for sentence in sentences for tag in sentence.tags),
    )


def shared_mentions(corpora: Iterable[Mentions]) -> dict[str, dict[str, list[tuple[str, ...]]]]:
    """Return the mentions of all corpora by script and label, each once."""
    shared: dict[str, dict[str, dict[tuple[str, ...], None]]] = {}
    for mentions in corpora:
        for label, all_ in mentions.items():
            for mention in all_:
                script = dominant_script("".join(mention))
                shared.setdefault(script, {}).setdefault(label, {})[mention] = None
    return {
        script: {label: list(found) for label, found in by_label.items()}
        for script, by_label in shared.items()
    }


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
    return letters_and_digits(sentence.tokens)


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


def other_apostrophe(word: str, chance: random.Random) -> str:
    """Return `word` with another of the signs that are typed as an apostrophe."""
    if not any(sign in word for sign in APOSTROPHES):
        return word
    return word.translate(dict.fromkeys(map(ord, APOSTROPHES), chance.choice(APOSTROPHES)))


APOSTROPHES = "'’ʼ‘`"
NOISES: tuple[Noise, ...] = (lower, without_marks, misspelt)
"""What robustness is measured with."""


def noises_of(variation: Variation) -> tuple[tuple[Noise, ...], tuple[float, ...]]:
    """Return what may be done to the words of a sentence, and how often each."""
    weights = (variation.lower, variation.marks, variation.letters, variation.apostrophes)
    return (lower, without_marks, misspelt, other_apostrophe), weights
