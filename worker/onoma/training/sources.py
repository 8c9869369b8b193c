"""Opens the corpora directory: which sets there are, in which language, under which licence.

The only reader of those files, for training and for `onoma evaluate` alike; needs no torch. The
rule: `open` is the only folder that may train what ships, and the folder is part of what is asked
for, so nothing else slips in. `nc` is for benchmarks whose weights are thrown away.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus, Scheme, read_sentences, schemes_of
from onoma.evaluation.schemes import Tagging

LANGUAGES = {
    "amh": "am",
    "ben": "bn",
    "dan_ddt": "da",
    "deu": "de",
    "eng": "en",
    "eng_ewt": "en",
    "est": "et",
    "fin": "fi",
    "hau": "ha",
    "hin": "hi",
    "hrv_set": "hr",
    "ind": "id",
    "kaz": "kk",
    "lav": "lv",
    "nep": "ne",
    "nno": "nn",
    "por": "pt",
    "qaf_arabizi": "qaf",
    "ron": "ro",
    "rus": "ru",
    "sin": "si",
    "slk_snk": "sk",
    "srp_set": "sr",
    "tam": "ta",
    "tur": "tr",
    "urd": "ur",
    "yor": "yo",
}
"""BCP 47 of the folder names; Arabizi has no code of its own, `qaf` is in the range for private
use.
"""

NOT_SCORED = ("german_ler", "indonlu_nerp", "multiner_lk")
"""Corpora that train and are reported beside the macro, not in it."""


NOT_STATED = "not stated"
"""What stands for a licence or a source that nobody named."""

Folder = Literal["open", "nc"]


@dataclass(frozen=True, slots=True)
class Licence:
    """What the card says about one training file."""

    corpus: str
    language: str
    licence: str
    source: str


def read_corpora(
    directory: Path,
    part: str,
    *,
    folder: Folder = "open",
    corpus: str = "*",
    tagging: Tagging | None = None,
    languages: Collection[str] = (),
) -> tuple[Corpus, ...]:
    """Return the `part` (`train`, `dev`, `train_distant`) of every corpus in `folder` that has
    one, by name; all of them, or those in `languages`.
    """
    pattern = f"ner/{folder}/{corpus}/*/{part}.conll.gz"
    files = sorted(directory.glob(pattern))
    if not files:
        raise WrongUseError(f"{directory} has no {pattern}: give --data")
    schemes = read_schemes(directory)
    wanted = languages_of(directory, part, (file.parent.name for file in files), languages)
    chosen = [file for file in files if code_of(file.parent.name) in wanted]
    return tuple(_read_corpus(file, schemes, tagging) for file in chosen)


def code_of(folder: str) -> str:
    """Return the language of a folder's name as BCP 47, or the name that stands for one."""
    return LANGUAGES.get(folder, folder)


def languages_of(
    place: Path, part: str, folders: Iterable[str], wanted: Collection[str]
) -> frozenset[str]:
    """Return the languages of `folders`, or `wanted`, of which each must be among them."""
    there = {code_of(folder) for folder in folders}
    for language in wanted:
        if language not in there:
            listed = ", ".join(sorted(there))
            raise WrongUseError(f"{place}: found no {part} set in {language!r}, but in {listed}")
    return frozenset(wanted or there)


def scored(corpora: Iterable[Corpus]) -> tuple[Corpus, ...]:
    """Return the corpora that count in the macro score: all of them where none would."""
    there = tuple(corpora)
    return tuple(c for c in there if c.name.partition("/")[0] not in NOT_SCORED) or there


def read_schemes(directory: Path) -> dict[str, Scheme]:
    """Return the label scheme of every corpus."""
    path = directory / "labelmap.json"
    try:
        return schemes_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise WrongUseError(f"{path} can't be read: {error}") from error


def read_licences(directory: Path) -> dict[str, Licence]:
    """Return the licence of each open training set by `corpus/language`, as far as it is stated."""
    path = directory / "ner_manifest.json"
    if not path.is_file():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {
        f"{row['corpus']}/{row['lang']}": Licence(
            row["corpus"], row["lang"], row["licence"], row["repo"]
        )
        for row in rows
        if not row["non_commercial"] and row["split"] == "train"
    }


def _read_corpus(file: Path, schemes: dict[str, Scheme], tagging: Tagging | None) -> Corpus:
    corpus, language = file.parts[-3:-1]
    if corpus not in schemes:
        raise WrongUseError(f"labelmap.json has no entry for {corpus}")
    scheme = schemes[corpus]
    sentences = tuple(read_sentences(_lines(file), scheme, name=str(file), tagging=tagging))
    return Corpus(f"{corpus}/{language}", code_of(language), scheme.annotates, sentences)


def _lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        yield from lines
