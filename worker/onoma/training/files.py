"""Finds and opens annotated files of any layout: what a data scientist has, beside our corpora.

A part (`train`, `dev`) is every file below a directory whose name opens with it: `dev.conll`,
`dev.conll.gz`, `dev.jsonl`, `dev.json` (Label Studio). Two folders above a file are its corpus and
its language. Needs no torch. The rule: without a `labelmap.json` each label stands for itself, and
a corpus annotates all labels that any of its parts has.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from onoma.errors import WrongUseError
from onoma.evaluation.annotations import read_json_lines, read_label_studio
from onoma.evaluation.corpora import Corpus, Scheme, Sentence, read_sentences
from onoma.evaluation.schemes import Tagging
from onoma.text.offsets import OffsetUnit
from onoma.training.sources import code_of, languages_of, read_corpora, read_schemes

LABEL_MAP = "labelmap.json"
TEXT_FOLDER = "text"
NO_LANGUAGE = "und"
_CONLL = (".conll", ".iob2", ".iob", ".bio", ".tsv", ".txt")
_JSON_LINES = (".jsonl", ".ndjson")
_LABEL_STUDIO = (".json",)


@dataclass(frozen=True, slots=True)
class Reading:
    """What has to be said about files beforehand: the scheme of tags (unset: found out), the unit
    of offsets in JSON lines.
    """

    tagging: Tagging | None = None
    unit: OffsetUnit = "unicode_code_point"


@dataclass(frozen=True, slots=True)
class AnnotatedFile:
    """One file, with what its folders say about it."""

    path: Path
    corpus: str
    language: str
    part: str

    @property
    def name(self) -> str:
        """Return `corpus/language`."""
        return f"{self.corpus}/{self.language}"


def find_files(place: Path) -> tuple[AnnotatedFile, ...]:
    """Return the annotated files below the directory `place`, or `place` itself, by path."""
    if place.is_file():
        return (_described(place, place.parent),)
    root = place / "ner" if (place / "ner" / "open").is_dir() else place
    found = sorted(path for path in root.rglob("*.*") if _is_annotated(path.relative_to(root)))
    files = [_described(path, root) for path in found]
    if not files:
        raise WrongUseError(
            f"{place}: found no annotated files; wanted such as train.conll, dev.conll.gz, "
            "train.jsonl, or train.json from Label Studio"
        )
    return tuple(files)


def read_part(
    place: Path, part: str, reading: Reading | None = None, languages: Collection[str] = ()
) -> tuple[Corpus, ...]:
    """Return the corpora of `part` below `place`, our own layout or any files: all of them, or
    those in `languages`, of which each must have one.
    """
    if (place / "ner" / "open").is_dir():
        tagging = reading.tagging if reading else None
        return read_corpora(place, part, tagging=tagging, languages=languages)
    files = find_files(place)
    chosen = [file for file in files if file.part == part or place.is_file()]
    if not chosen:
        raise WrongUseError(f"{place}: found no file of the part {part!r}, such as {part}.conll")
    wanted = languages_of(place, part, (file.language for file in chosen), languages)
    chosen = [file for file in chosen if code_of(file.language) in wanted]
    schemes = schemes_beside(place)
    corpora = [corpus_of(file, schemes.get(file.corpus), reading or Reading()) for file in chosen]
    if schemes:
        return tuple(corpora)
    return tuple(_annotating(corpus, files, reading or Reading()) for corpus in corpora)


def languages_with(place: Path, part: str) -> frozenset[str]:
    """Return the languages in which the directory `place` has a file of `part`."""
    if not place.is_dir():
        return frozenset()
    files = find_files(place / "ner" / "open" if (place / "ner" / "open").is_dir() else place)
    return frozenset(code_of(file.language) for file in files if file.part == part)


def schemes_beside(place: Path) -> dict[str, Scheme]:
    """Return the label schemes of the directory `place`, none without a `labelmap.json`."""
    directory = place.parent if place.is_file() else place
    return read_schemes(directory) if (directory / LABEL_MAP).is_file() else {}


def corpus_of(file: AnnotatedFile, scheme: Scheme | None, reading: Reading) -> Corpus:
    """Return `file` as a corpus. Raises WrongUseError, one line with file and line."""
    sentences = tuple(_sentences(file, scheme, reading))
    annotates = scheme.annotates if scheme else _labels(sentences)
    return Corpus(file.name, code_of(file.language), annotates, sentences)


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file, packed or not. Raises WrongUseError for one that is no text."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
                yield from lines
        else:
            with path.open(encoding="utf-8", newline="\n") as plain:
                yield from plain
    except UnicodeDecodeError as error:
        raise WrongUseError(f"{path}: is not UTF-8: {error.reason}") from error
    except (OSError, EOFError) as error:
        raise WrongUseError(f"{path}: can't be read: {error}") from error


def is_conll(path: Path) -> bool:
    """Return whether `path` is read as a file of tokens and tags."""
    return _kind(path) in _CONLL


def _sentences(file: AnnotatedFile, scheme: Scheme | None, reading: Reading) -> Iterator[Sentence]:
    kind, name = _kind(file.path), str(file.path)
    if kind in _JSON_LINES:
        return read_json_lines(lines_of(file.path), scheme, name=name, unit=reading.unit)
    if kind in _LABEL_STUDIO:
        return read_label_studio("".join(lines_of(file.path)), scheme, name=name)
    return read_sentences(lines_of(file.path), scheme, name=name, tagging=reading.tagging)


def _annotating(corpus: Corpus, files: tuple[AnnotatedFile, ...], reading: Reading) -> Corpus:
    """Return `corpus` with the labels of all its parts: a small part may lack a type by chance."""
    labels = corpus.annotates
    for file in files:
        if file.name == corpus.name:
            labels |= _labels(tuple(_sentences(file, None, reading)))
    return replace(corpus, annotates=labels)


def _labels(sentences: tuple[Sentence, ...]) -> frozenset[str]:
    return frozenset(tag[2:] for s in sentences for tag in s.tags if tag != "O")


def _described(path: Path, root: Path) -> AnnotatedFile:
    folders = path.relative_to(root).parts[:-1]
    language = folders[-1] if folders else NO_LANGUAGE
    corpus = folders[-2] if len(folders) > 1 else root.resolve().name
    return AnnotatedFile(path, corpus, language, path.name.split(".")[0])


def _is_annotated(path: Path) -> bool:
    """Return whether a file is taken for annotated: no text without labels, no list of corpora."""
    if path.parts[0] == TEXT_FOLDER or path.name == LABEL_MAP:
        return False
    return bool(_kind(path)) and not path.name.endswith("manifest.json")


def _kind(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    suffix = Path(name).suffix
    return suffix if suffix in (*_CONLL, *_JSON_LINES, *_LABEL_STUDIO) else ""
