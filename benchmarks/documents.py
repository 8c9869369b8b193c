"""The documents that everything is measured on: the same mix in every run, made of open text.

Lengths have a median of 120 words, 5 % are over 800, and one in five hundred has 8,000 (log-normal
besides). Texts are lines of real text in sixteen languages and six scripts, joined until the length
is reached; where they begin follows from the seed. Nothing of it is kept in the repository: it is
made from `text/open` of the data directory. A word is what stands between blanks.
"""

from __future__ import annotations

import gzip
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from random import Random

import msgspec

from onoma.contracts.records import Record
from onoma.errors import WrongUseError

DATA = Path(__file__).parents[2] / "shared" / "data"
LANGUAGES = {
    "amh": "am", "est": "et", "hau": "ha", "hin": "hi", "hye": "hy", "ibo": "ig", "kaz": "kk",
    "kin": "rw", "lin": "ln", "som": "so", "swa": "sw", "tam": "ta", "urd": "ur", "wol": "wo",
    "yor": "yo", "zul": "zu",
}  # fmt: skip
"""Name of the file of text, and the language as documents declare it."""
MEDIAN_WORDS = 120
WORDS_AT_95_PERCENT = 800
LONG_WORDS = 8_000
ONE_LONG_IN = 500
DEVIATION = math.log(WORDS_AT_95_PERCENT / MEDIAN_WORDS) / 1.645
"""Of the logarithm; 1.645 is the 95 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text to be published; `words` counts its words."""

    name: str
    language: str
    text: str
    words: int

    def value(self) -> bytes:
        """Return it as a document.v1."""
        return msgspec.json.encode(
            {"document_id": self.name, "text": self.text, "language": self.language}
        )

    def record(self, offset: int, partition: int = 0) -> Record:
        """Return it as a record of the documents' topic."""
        return Record("documents.v1", partition, offset, self.name.encode(), self.value(), ())


def mix(count: int, data: Path = DATA, *, seed: int = 0) -> list[Document]:
    """Return the first `count` documents of the mix of `seed`."""
    return list(islice(endless_mix(data, seed=seed), count))


def mix_of_words(words: int, data: Path = DATA, *, seed: int = 0) -> list[Document]:
    """Return the mix of `seed` up to the document that brings it to `words` or more."""
    chosen: list[Document] = []
    total = 0
    for document in endless_mix(data, seed=seed):
        if total >= words:
            break
        chosen.append(document)
        total += document.words
    return chosen


def endless_mix(data: Path = DATA, *, seed: int = 0) -> Iterator[Document]:
    """Yield documents of the mix for ever."""
    chance = Random(seed)
    for number, language in enumerate(cycle(LANGUAGES)):
        words = LONG_WORDS if number % ONE_LONG_IN == ONE_LONG_IN // 2 else _length(chance)
        yield _document(f"mix-{seed}-{number}", language, words, data, chance)


def of_length(
    count: int, words: int, data: Path = DATA, *, seed: int = 0, languages: Sequence[str] = ("swa",)
) -> list[Document]:
    """Return `count` documents of `words` words each."""
    chance = Random(seed)
    return [
        _document(f"of-{words}-{seed}-{number}", language, words, data, chance)
        for number, language in zip(range(count), cycle(languages), strict=False)
    ]


def words_of(documents: Sequence[Document]) -> int:
    """Return the words of all of them."""
    return sum(document.words for document in documents)


def text_lines(data: Path = DATA) -> Iterator[str]:
    """Yield all lines of text of the languages, to train a tokenizer on."""
    for language in LANGUAGES:
        yield from (" ".join(line) for line in _lines(language, data))


def _length(chance: Random) -> int:
    drawn = round(chance.lognormvariate(math.log(MEDIAN_WORDS), DEVIATION))
    return min(max(drawn, 3), LONG_WORDS)


def _document(name: str, language: str, words: int, data: Path, chance: Random) -> Document:
    lines = _lines(language, data)
    start = chance.randrange(len(lines))
    chosen: list[str] = []
    for place in itertools.count(start):
        chosen += lines[place % len(lines)][: words - len(chosen)]
        if len(chosen) == words:
            break
    return Document(name, LANGUAGES[language], " ".join(chosen), words)


@cache
def _lines(language: str, data: Path) -> list[list[str]]:
    path = data / "text" / "open" / f"{language}.txt.gz"
    if not path.is_file():
        raise WrongUseError(f"found no {path}; give the directory of the corpora by --data")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [words for line in file if (words := line.split())]
