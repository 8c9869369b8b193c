"""Reads annotated corpora: lines in, sentences with mapped tags out, and how their spans lie on our
own units.

Used alike by training and by scoring. Pure: it gets lines, never a path. The rule: a corpus says
which types it annotates at all, and that travels with every sentence, because a type that is
missing there is unknown, not negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onoma.errors import WrongUseError
from onoma.evaluation.conll import Rows, read_rows, tagging_of_rows
from onoma.evaluation.schemes import Tagging, parsed, spans_in
from onoma.evaluation.spans import OUTSIDE, Span, tags_of
from onoma.text.segmentation import Units, segment


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a corpus's own labels become ours: None drops a label; `annotates` are the types it
    marks at all.
    """

    labels: Mapping[str, str | None]
    annotates: frozenset[str]


@dataclass(frozen=True, slots=True)
class JoinedText:
    """A running text in which token i is `text[starts[i]:ends[i]]`."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens of a sentence as its corpus cut them, and one mapped IOB2 tag for each.

    `origin` is the text they were cut from, where the corpus has it; else a reader meets the tokens
    joined by blanks.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    origin: JoinedText | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """One part (say `dev`) of one corpus in one language; `name` is `corpus/language`."""

    name: str
    language: str
    annotates: frozenset[str]
    sentences: tuple[Sentence, ...]


def schemes_of(label_map: Mapping[str, Mapping[str, object]]) -> dict[str, Scheme]:
    """Return the scheme of every corpus in the decoded `labelmap.json`."""
    schemes: dict[str, Scheme] = {}
    for corpus, entry in label_map.items():
        labels, annotates = entry.get("map"), entry.get("annotates")
        if not isinstance(labels, dict) or not isinstance(annotates, list):
            raise WrongUseError(f"the label map of {corpus} has no `map` or no `annotates`")
        schemes[corpus] = Scheme(labels, frozenset(annotates))
    return schemes


def read_sentences(
    lines: Iterable[str],
    scheme: Scheme | None,
    *,
    name: str = "corpus",
    tagging: Tagging | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of CoNLL `lines` with mapped IOB2 tags; see `conll.py` for the layout.

    Without `scheme` each label stands for itself. Without `tagging` the scheme of the tags is found
    out. Raises WrongUseError, one line that opens with `name:line`.
    """
    rows = read_rows(lines, name)
    tagging = tagging_of_rows(rows, name, tagging)
    for row in rows:
        yield Sentence(row.tokens, _mapped(row, scheme, tagging, name))


def _mapped(row: Rows, scheme: Scheme | None, tagging: Tagging, name: str) -> tuple[str, ...]:
    if scheme is None:
        return tags_of(spans_in(row.tags, tagging), len(row.tags))
    for line, tag in zip(row.lines, row.tags, strict=True):
        label = parsed(tag).label
        if label and label not in scheme.labels:
            known = ", ".join(sorted(scheme.labels))
            raise WrongUseError(
                f"{name}:{line}: found the label {label!r}, the label map knows {known}"
            )
    if tagging == "IOB2":
        # As they stand, damaged sequences too: the spans are the same.
        return tuple(_relabelled(tag, scheme) for tag in row.tags)
    spans = [
        Span(span.start, span.end, ours)
        for span in spans_in(row.tags, tagging)
        if (ours := scheme.labels[span.label])
    ]
    return tags_of(spans, len(row.tags))


def _relabelled(tag: str, scheme: Scheme) -> str:
    prefix, _, name = tag.partition("-")
    label = scheme.labels[name] if name else None
    return f"{prefix}-{label}" if label else OUTSIDE


def letters_and_digits(tokens: Iterable[str]) -> str:
    """Return the key of a sentence: equal keys are the same sentence in another layout."""
    return "".join(c for token in tokens for c in token if c.isalnum()).casefold()


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
    joined = sentence.origin or join(sentence.tokens)
    units = segment(joined.text)
    return units.strings(), on_units(on_characters(spans, joined), units)
