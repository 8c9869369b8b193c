"""Looks for what is wrong with corpora before anybody trains on them: `onoma train lint`.

Needs no torch. Everything is counted, and the first places of each finding are named as file:line.
The rule: a sentence of a development or test part that also stands in a training part is leakage
and makes the data unfit; all else is reported, and people decide.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onoma.errors import WrongUseError
from onoma.evaluation.conll import Rows, read_rows, tagging_of_rows
from onoma.evaluation.corpora import Scheme, letters_and_digits
from onoma.evaluation.schemes import Tagging, damaged, spans_in
from onoma.evaluation.spans import Span
from onoma.training.files import (
    AnnotatedFile,
    Reading,
    corpus_of,
    find_files,
    is_conll,
    lines_of,
    schemes_beside,
)
from onoma.training.sources import LANGUAGES

SHOWN_PLACES = 5
MANIFESTS = ("ner_manifest.json", "manifest.json")
TRAINING_PREFIX = "train"

WHAT = {
    "leakage": "sentences of this part that are also in a training part",
    "contradictions": "sentences that stand twice with different tags",
    "duplicates": "sentences that stand twice with the same tags",
    "invalid tags": "tags that can't follow the one before",
    "unknown labels": "labels that the label map does not know",
    "not NFC": "tokens whose letters are not composed",
    "replacement characters": "tokens with U+FFFD: letters that an earlier conversion lost",
    "control characters": "tokens with control characters",
    "format characters": "tokens with invisible characters, such as direction marks",
    "blanks in tokens": "tokens that hold a blank",
}
"""Every finding, from the gravest; only the first makes data unfit."""
_JOINERS = "\u200c\u200d"


@dataclass(slots=True)
class Finding:
    """How often something was found in a file, and where it was found first."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, place: str) -> None:
        """Count one more at `place`."""
        self.count += 1
        if len(self.places) < SHOWN_PLACES:
            self.places.append(place)


@dataclass(slots=True)
class FileReport:
    """What was found in one file; `labels` counts its spans, `unseen` is the share of mentions
    that its training part does not have.
    """

    name: str
    part: str
    path: str
    tagging: str = ""
    licence: str = ""
    sentences: int = 0
    tokens: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    unseen: float | None = None
    findings: dict[str, Finding] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        """Count one finding of `kind` at `place`."""
        self.findings.setdefault(kind, Finding()).add(place)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "set": self.name,
            "part": self.part,
            "path": self.path,
            "tagging": self.tagging,
            "licence": self.licence,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "labels": dict(self.labels.most_common()),
            "unseen_mention_share": None if self.unseen is None else round(self.unseen, 4),
            "findings": {
                kind: {"count": self.findings[kind].count, "places": self.findings[kind].places}
                for kind in WHAT
                if kind in self.findings
            },
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """A sentence seen before: where, and its spans."""

    place: str
    spans: tuple[Span, ...]


def lint(place: Path, reading: Reading | None = None) -> tuple[FileReport, ...]:
    """Return what is found in the files below `place`. Raises WrongUseError for unreadable ones."""
    reading = reading or Reading()
    schemes, licences = schemes_beside(place), licences_of(place)
    files = sorted(find_files(place), key=lambda file: not file.part.startswith(TRAINING_PREFIX))
    training: dict[str, dict[str, str]] = {}
    mentions: dict[str, set[str]] = {}
    reports = []
    for file in files:
        report = FileReport(file.name, file.part, str(file.path))
        report.licence = licences.get(f"{file.name}/{file.part}", "")
        rows = _rows(file, schemes.get(file.corpus), reading, report)
        _look(rows, file, schemes.get(file.corpus), report)
        is_training = file.part.startswith(TRAINING_PREFIX)
        _compare(
            rows,
            report,
            training.setdefault(LANGUAGES.get(file.language, file.language), {}),
            is_training,
        )
        _count_mentions(rows, report, mentions.setdefault(file.name, set()), is_training)
        reports.append(report)
    return tuple(sorted(reports, key=lambda report: report.path))


def is_unfit(reports: Iterable[FileReport]) -> bool:
    """Return whether any file leaks into a training part."""
    return any("leakage" in report.findings for report in reports)


def licences_of(place: Path) -> dict[str, str]:
    """Return the licence of each `corpus/language/part` that a manifest beside the files names."""
    directory = place if place.is_dir() else place.parent
    path = next((directory / n for n in MANIFESTS if (directory / n).is_file()), None)
    if path is None:
        return {}
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {f"{r['corpus']}/{r['lang']}/{r['split']}": str(r["licence"]) for r in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongUseError(
            f"{path}: is no list of objects with corpus, lang, split and licence: {error!r}"
        ) from error


@dataclass(frozen=True, slots=True)
class _Row:
    """A sentence with the line of each token, its tags as they stand and its spans."""

    row: Rows
    spans: tuple[Span, ...]
    path: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.row.lines[0]}"


def _rows(
    file: AnnotatedFile, scheme: Scheme | None, reading: Reading, report: FileReport
) -> list[_Row]:
    path = str(file.path)
    if is_conll(file.path):
        rows = read_rows(lines_of(file.path), path)
        tagging = tagging_of_rows(rows, path, reading.tagging)
    else:
        tagging = "IOB2"
        sentences = corpus_of(file, scheme, reading).sentences
        rows = [
            Rows((number,) * len(s.tokens), s.tokens, s.tags)
            for number, s in enumerate(sentences, start=1)
        ]
    report.tagging = tagging
    report.sentences = len(rows)
    report.tokens = sum(len(row.tokens) for row in rows)
    found = [_Row(row, spans_in(row.tags, tagging), path) for row in rows]
    _check_tags(found, tagging, report)
    return found


def _check_tags(rows: Iterable[_Row], tagging: Tagging, report: FileReport) -> None:
    for row in rows:
        for place in damaged(row.row.tags, tagging):
            report.add("invalid tags", f"{row.path}:{row.row.lines[place]}")


def _look(
    rows: Iterable[_Row], file: AnnotatedFile, scheme: Scheme | None, report: FileReport
) -> None:
    """Look at labels and letters."""
    known = scheme.labels if scheme and is_conll(file.path) else None
    for row in rows:
        for span in row.spans:
            report.labels[span.label] += 1
            if known is not None and span.label not in known:
                report.add("unknown labels", f"{row.path}:{row.row.lines[span.start]}")
        for line, token in zip(row.row.lines, row.row.tokens, strict=True):
            if not token.isascii() or not token.isprintable() or " " in token:
                for kind in _faults(token):
                    report.add(kind, f"{row.path}:{line}")


def _faults(token: str) -> Iterator[str]:
    if not unicodedata.is_normalized("NFC", token):
        yield "not NFC"
    if "\ufffd" in token:
        yield "replacement characters"
    categories = {unicodedata.category(c) for c in token if c not in _JOINERS}
    if categories & {"Cc", "Cs", "Cn"}:
        yield "control characters"
    if "Cf" in categories:
        yield "format characters"
    if any(c.isspace() for c in token):
        yield "blanks in tokens"


def _compare(
    rows: Iterable[_Row], report: FileReport, training: dict[str, str], is_training: bool
) -> None:
    """Look for sentences that stand twice, here or in a training part of the same language."""
    here: dict[str, _Known] = {}
    for row in rows:
        key = letters_and_digits(row.row.tokens)
        if not key:
            continue
        if key in here:
            same = here[key].spans == row.spans
            kind = "duplicates" if same else "contradictions"
            report.add(kind, f"{row.place} (as {_line(here[key].place)})")
        else:
            here[key] = _Known(row.place, row.spans)
        if not is_training and key in training:
            report.add("leakage", f"{row.place} (in {training[key]})")
    if is_training:
        for key, one in here.items():
            training.setdefault(key, one.place)


def _count_mentions(
    rows: Iterable[_Row], report: FileReport, mentions: set[str], is_training: bool
) -> None:
    found = [letters_and_digits(row.row.tokens[s.start : s.end]) for row in rows for s in row.spans]
    if is_training:
        mentions.update(found)
    elif mentions and found:
        report.unseen = sum(mention not in mentions for mention in found) / len(found)


def _line(place: str) -> str:
    return f"line {place.rpartition(':')[2]}"
