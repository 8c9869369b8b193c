"""Reads spans marked on running text: JSON lines, and the JSON export of Label Studio.

Both give sentences as a CoNLL file does, their tokens cut by our own segmentation and at the edges
of the spans, with the text they came from. The rules: the unit of the offsets is declared, never
guessed, but for Label Studio, whose front end counts UTF-16 units while its API keeps what it gets:
there the words beside each span decide. A span that is not what it says is refused with its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import JoinedText, Scheme, Sentence
from onoma.evaluation.spans import Span, tags_of
from onoma.text.offsets import OffsetUnit, convert
from onoma.text.segmentation import segment


def read_json_lines(
    lines: Iterable[str],
    scheme: Scheme | None,
    *,
    name: str = "corpus",
    unit: OffsetUnit = "unicode_code_point",
) -> Iterator[Sentence]:
    """Yield a sentence for each line `{"text": ..., "spans": [{"start", "end", "label"}]}`.

    `unit` is what the offsets count; a span may repeat its words as `text`, which are then checked.
    """
    number = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"{name}:{number}"
            row = _object(_decoded(line, where), where)
            text = _text(row, where)
            spans = [_span(text, span, unit, where) for span in _list(row, "spans", where)]
            yield sentence_of(text, _mapped(spans, scheme, where), where)
    if not number:
        raise WrongUseError(f"{name}:1: found no line; wanted one object a line")


def read_label_studio(
    export: str, scheme: Scheme | None, *, name: str = "export", field: str = "text"
) -> Iterator[Sentence]:
    """Yield a sentence for each finished task of Label Studio's export of the type JSON.

    Of several annotations the one marked as ground truth counts, else the latest.
    """
    tasks = _decoded(export, f"{name}:1")
    if not isinstance(tasks, list) or not tasks:
        raise WrongUseError(f"{name}:1: found no task; wanted Label Studio's export of type JSON")
    for number, task in enumerate(tasks, start=1):
        where = f"{name}: task {_object(task, f'{name}: task {number}').get('id', number)}"
        annotation = _annotation(task, where)
        if annotation is not None:
            data = _object(task.get("data"), where)
            text = _text({"text": data.get(field)}, where)
            spans = _regions(text, _list(annotation, "result", where), where)
            yield sentence_of(text, _mapped(spans, scheme, where), where)


def sentence_of(text: str, spans: Sequence[Span], where: str = "text") -> Sentence:
    """Return `text` with character `spans` as tokens and tags; spans must not overlap."""
    ordered = sorted(spans)
    for before, span in pairwise(ordered):
        if span.start < before.end:
            raise WrongUseError(
                f"{where}: the spans {before.start}-{before.end} and {span.start}-{span.end} "
                "overlap; wanted spans that stand apart"
            )
    units = segment(text)
    edges = sorted({edge for span in ordered for edge in (span.start, span.end)})
    cuts = list(_cut(units.starts.tolist(), units.ends.tolist(), edges))
    starts, ends = tuple(a for a, _ in cuts), tuple(b for _, b in cuts)
    inside = [
        Span(
            sum(start < span.start for start in starts),
            sum(start < span.end for start in starts),
            span.label,
        )
        for span in ordered
    ]
    tokens = tuple(text[a:b] for a, b in cuts)
    return Sentence(tokens, tags_of(inside, len(tokens)), JoinedText(text, starts, ends))


def _cut(
    starts: Sequence[int], ends: Sequence[int], edges: Sequence[int]
) -> Iterator[tuple[int, int]]:
    for start, end in zip(starts, ends, strict=True):
        inner = [edge for edge in edges if start < edge < end]
        yield from zip((start, *inner), (*inner, end), strict=True)


def _annotation(task: dict[str, Any], where: str) -> dict[str, Any] | None:
    finished = [
        annotation
        for annotation in (_object(one, where) for one in _list(task, "annotations", where))
        if not annotation.get("was_cancelled")
    ]
    return max(
        finished,
        key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at", ""))),
        default=None,
    )


def _regions(text: str, result: Sequence[Any], where: str) -> list[Span]:
    values = [
        _object(_object(region, where).get("value"), where)
        for region in result
        if _object(region, where).get("type") == "labels"
    ]
    try:
        return [_region(text, value, "unicode_code_point", where) for value in values]
    except WrongUseError:
        try:
            return [_region(text, value, "utf16_code_unit", where) for value in values]
        except WrongUseError:
            pass
        raise


def _region(text: str, value: dict[str, Any], unit: OffsetUnit, where: str) -> Span:
    labels = value.get("labels")
    if not isinstance(labels, list) or len(labels) != 1:
        raise WrongUseError(f"{where}: found the labels {labels!r}, wanted one label for a span")
    return _span(text, {**value, "label": labels[0]}, unit, where)


def _span(text: str, value: object, unit: OffsetUnit, where: str) -> Span:
    span = _object(value, where)
    start, end, label = span.get("start"), span.get("end"), span.get("label")
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(label, str) and label):
        raise WrongUseError(f"{where}: found the span {span}, wanted start, end and label")
    try:
        first, last = convert(text, (start, end), source=unit, target="unicode_code_point")
    except ValueError as error:
        raise WrongUseError(f"{where}: {error}") from error
    if first >= last or not text[first:last].strip():
        raise WrongUseError(f"{where}: the span {start}-{end} holds no word")
    words = span.get("text")
    if isinstance(words, str) and words != text[first:last]:
        raise WrongUseError(
            f"{where}: the span {start}-{end} says it holds other words than the text has there; "
            f"offsets were read as {unit}"
        )
    return Span(first, last, label)


def _mapped(spans: Sequence[Span], scheme: Scheme | None, where: str) -> list[Span]:
    if scheme is None:
        return list(spans)
    mapped = []
    for span in spans:
        if span.label not in scheme.labels:
            known = ", ".join(sorted(scheme.labels))
            raise WrongUseError(
                f"{where}: found the label {span.label!r}, the label map knows {known}"
            )
        label = scheme.labels[span.label]
        if label:
            mapped.append(Span(span.start, span.end, label))
    return mapped


def _decoded(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise WrongUseError(f"{where}: is not JSON: {error}") from error


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongUseError(f"{where}: found {type(value).__name__}, wanted an object")
    return value


def _list(row: dict[str, Any], key: str, where: str) -> list[Any]:
    value = row.get(key)
    if not isinstance(value, list):
        raise WrongUseError(f"{where}: found no list {key!r}")
    return value


def _text(row: dict[str, Any], where: str) -> str:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise WrongUseError(f"{where}: found no words under 'text'")
    return text
