"""Reads annotated corpora: lines in, sentences with mapped tags out, and how their spans lie on our
own units.

Used alike by training and by scoring. Pure: it gets lines, never a path. The rule: a corpus says
which types it annotates at all, and that travels with every sentence, because a type that is
missing there is unknown, not negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from onoma.errors import WrongUseError
from onoma.evaluation.spans import OUTSIDE, Span
from onoma.text.segmentation import Units, segment


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a corpus's own labels become ours: None drops a label; `annotates` are the types it
    marks at all.
    """

    labels: Mapping[str, str | None]
    annotates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens of a sentence as its corpus cut them, and one mapped IOB2 tag for each."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One part (say `dev`) of one corpus in one language; `name` is `corpus/language`."""

    name: str
    language: str
    annotates: frozenset[str]
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class JoinedText:
    """Tokens joined by blanks, as a reader meets them: token i is `text[starts[i]:ends[i]]`."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def schemes_of(label_map: Mapping[str, Mapping[str, object]]) -> dict[str, Scheme]:
    """Return the scheme of every corpus in the decoded `labelmap.json`."""
    schemes: dict[str, Scheme] = {}
    for corpus, entry in label_map.items():
        labels, annotates = entry.get("map"), entry.get("annotates")
        if not isinstance(labels, dict) or not isinstance(annotates, list):
            raise WrongUseError(f"the label map of {corpus} has no `map` or no `annotates`")
        schemes[corpus] = Scheme(labels, frozenset(annotates))
    return schemes


def read_sentences(lines: Iterable[str], scheme: Scheme) -> Iterator[Sentence]:
    """Yield the sentences of CoNLL `lines`, `token<TAB>tag`, a blank line after each sentence."""
    tokens: list[str] = []
    tags: list[str] = []
    for number, line in enumerate(chain(lines, ("",)), start=1):
        row = line.rstrip("\r\n")
        if row.strip():
            token, tab, tag = row.rpartition("\t")
            if not tab or not token:
                raise WrongUseError(f"line {number} is no `token<TAB>tag`")
            tokens.append(token)
            tags.append(_mapped(tag, scheme, number))
        elif tokens:
            yield Sentence(tuple(tokens), tuple(tags))
            tokens, tags = [], []


def _mapped(tag: str, scheme: Scheme, line: int) -> str:
    if tag == OUTSIDE:
        return OUTSIDE
    prefix, _, name = tag.partition("-")
    if prefix not in ("B", "I") or name not in scheme.labels:
        raise WrongUseError(f"line {line} has the tag {tag!r}, which the label map does not know")
    label = scheme.labels[name]
    return f"{prefix}-{label}" if label else OUTSIDE


def join(tokens: Sequence[str]) -> JoinedText:
    """Join `tokens` by single blanks."""
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for token in tokens:
        starts.append(position)
        ends.append(position + len(token))
        position += len(token) + 1
    return JoinedText(" ".join(tokens), tuple(starts), tuple(ends))


def on_characters(spans: Iterable[Span], joined: JoinedText) -> tuple[Span, ...]:
    """Return token `spans` as character spans of the joined text."""
    return tuple(
        Span(joined.starts[span.start], joined.ends[span.end - 1], span.label) for span in spans
    )


def on_units(spans: Sequence[Span], units: Units) -> tuple[Span, ...]:
    """Return character `spans`, sorted and apart, as unit spans: every unit that begins inside
    belongs to it.

    A span without any unit (a token of blanks) becomes an empty one, so that scoring counts it as
    missed.
    """
    starts = units.starts
    edges = starts.searchsorted([edge for span in spans for edge in (span.start, span.end)])
    pairs = edges.reshape(-1, 2).tolist()
    return tuple(
        Span(first, last, span.label) for span, (first, last) in zip(spans, pairs, strict=True)
    )


def resegmented(sentence: Sentence, spans: Sequence[Span]) -> tuple[list[str], tuple[Span, ...]]:
    """Return the sentence as serving will see it, our units of its joined text, and `spans` on
    these units.
    """
    joined = join(sentence.tokens)
    units = segment(joined.text)
    return units.strings(), on_units(on_characters(spans, joined), units)
