"""Masked words: hides some words of unlabelled text and guesses their form from the neighbours.

The first task of a run, before any label is seen; a source of the loop like any other. The rule: it
reads only the folder of open text and the labelled sentences that training reads too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Corpus
from onoma.ner.features import FeatureTable
from onoma.text.segmentation import segment
from onoma.training.feeds import Feed, Source
from onoma.training.files import TEXT_FOLDER, lines_of
from onoma.training.network import WordHash, rows_of
from onoma.training.optimisers import Group
from onoma.training.precision import products
from onoma.training.recipes import Pretraining
from onoma.training.sources import Folder, code_of

TEXT = f"{TEXT_FOLDER}/open/*.txt.gz"
TARGETS = (8192, 4096, 2048)
"""Classes of the hashed full form, first three and last two letters: hashes, because a list of all
words of 39 languages would be larger than the network.
"""
SHORTEST = 4
CHUNK_BATCHES = 50


@dataclass(frozen=True, slots=True)
class Lines:
    """Text of one language, one string a line, and the weight of each line."""

    language: str
    lines: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class HiddenWords:
    """Sentences whose rows `concealed` (rows) are hidden; `targets` (concealed rows, 3) were
    there. The other fields are those of `Batch`; lists of names have no part in this.
    """

    hashes: Tensor
    bytes_: Tensor
    words: Tensor
    mask: Tensor
    concealed: Tensor
    targets: Tensor
    gazetteer: Tensor | None = None


class WordGuesser(nn.Module):
    """The encoder of `network` with a head for each target and the vector that hides a word."""

    def __init__(self, network: WordHash) -> None:
        super().__init__()
        self.network = network
        self.heads = nn.ModuleList(nn.Linear(network.shape.width, size) for size in TARGETS)
        self.stand_in = nn.Parameter(torch.zeros(network.shape.width))

    def loss(self, batch: HiddenWords) -> tuple[Tensor, int]:
        """Return the summed cross entropy of the targets for each hidden word, and all units."""
        with products():
            hidden = self.network.hidden(batch, (batch.concealed, self.stand_in))
            guesses = [head(hidden[batch.concealed]).float() for head in self.heads]
        losses = [functional.cross_entropy(g, batch.targets[:, i]) for i, g in enumerate(guesses)]
        return torch.stack(losses).sum(), int(batch.mask.sum())

    def groups(self) -> list[Group]:
        """Return all parameters that the task trains, tables apart."""
        used = [(n, p) for n, p in self.named_parameters() if not n.startswith("network.head.")]
        tables = [(n, p) for n, p in used if n.startswith("network.tables.")]
        return [
            Group(tuple(pair for pair in used if pair not in tables)),
            Group(tuple(tables), sparse=True),
        ]


def text_files(data: Path, folders: Sequence[Folder] = ("open",)) -> list[Path]:
    """Return the files of text below `data`, one for each language of a folder."""
    return [file for one in folders for file in sorted((data / TEXT_FOLDER / one).glob("*.txt.gz"))]


def read_text(
    data: Path,
    trained: Sequence[Corpus],
    settings: Pretraining,
    folders: Sequence[Folder] = ("open",),
) -> tuple[Lines, ...]:
    """Return the text below `data`, and that of the labelled sentences if it is wanted."""
    files = text_files(data, folders)
    if not files and not settings.labelled:
        raise WrongUseError(
            f"{data}: found no {TEXT}; wanted text to guess words of, or `labelled: true` in the "
            "recipe's pretraining"
        )
    labelled = {corpus.language for corpus in trained}
    found = []
    for file in files:
        code = file.name.partition(".")[0]
        factor = 1.0 if code_of(code) in labelled else settings.other_languages
        lines = tuple(line.strip() for line in lines_of(file))
        found.append(_lines(code, lines, settings, factor))
    if settings.labelled:
        for corpus in trained:
            texts = tuple(" ".join(sentence.tokens) for sentence in corpus.sentences)
            found.append(_lines(corpus.name, texts, settings, 1.0))
    return tuple(found)


def _lines(name: str, lines: tuple[str, ...], settings: Pretraining, factor: float) -> Lines:
    return Lines(name, lines, factor * max(len(lines), 1) ** (settings.exponent - 1))


def hidden_words(
    guesser: WordGuesser, text: Sequence[Lines], settings: Pretraining, seed: int
) -> Source[list[list[str]]]:
    """Return masked words as a source of the loop."""
    table = FeatureTable(capacity=600_000)

    def loss(units: list[list[str]]) -> tuple[Tensor, int]:
        return guesser.loss(hide(units, settings.hidden, table))

    return Source("words", 1.0, Feed(_chunks(text, settings, seed)), loss)


def _chunks(
    text: Sequence[Lines], settings: Pretraining, seed: int
) -> Callable[[int], list[list[list[str]]]]:
    places = [(part, line) for part in text for line in part.lines]
    weights = np.cumsum([part.weight for part in text for _ in part.lines]).tolist()

    def chunk(number: int) -> list[list[list[str]]]:
        chance = random.Random(f"{seed}/words/{number}")  # noqa: S311 (repeatable on purpose)
        count = settings.batch * CHUNK_BATCHES
        drawn = chance.choices(places, cum_weights=weights, k=count)
        units = [segment(line).strings()[: settings.longest] for _, line in drawn]
        units = sorted((u for u in units if len(u) >= SHORTEST), key=len)
        size = settings.batch
        batches = [units[first : first + size] for first in range(0, len(units), size)]
        chance.shuffle(batches)
        return batches

    return chunk


def hide(sentences: Sequence[Sequence[str]], share: float, table: FeatureTable) -> HiddenWords:
    """Return `sentences` with about `share` of their words hidden, one at least."""
    numbers: dict[str, int] = {}
    lengths = [len(sentence) for sentence in sentences]
    firsts = rows_of(lengths)
    words = np.zeros(firsts[-1] + lengths[-1], np.int64)
    mask = np.zeros((len(words), 1), np.float32)
    for sentence, first, length in zip(sentences, firsts, lengths, strict=True):
        words[first : first + length] = [numbers.setdefault(u, len(numbers)) for u in sentence]
        mask[first : first + length] = 1.0
    concealed = (torch.rand(len(words)) < share) & torch.from_numpy(mask[:, 0] > 0)
    concealed[0] |= ~concealed.any()
    known = list(numbers)
    features = table.features(known)
    targets = np.array([targets_of(known[words[row]]) for row in concealed.nonzero()[:, 0]])
    return HiddenWords(
        torch.from_numpy(features.hashes),
        torch.from_numpy(features.bytes_),
        torch.from_numpy(words),
        torch.from_numpy(mask),
        concealed,
        torch.from_numpy(targets),
    )


@lru_cache(300_000)
def targets_of(unit: str) -> tuple[int, ...]:
    """Return the classes of `unit`: full form, first three and last two letters."""
    lower = unit.lower()
    named = ("T" + lower, "P" + lower[:3], "S" + lower[-2:])
    return tuple(
        crc32(name.encode("utf-8", "surrogatepass")) % size
        for name, size in zip(named, TARGETS, strict=True)
    )
