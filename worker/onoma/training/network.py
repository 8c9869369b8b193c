"""The `wordhash` network: hashed word features and byte windows, gated context windows, a CRF over
labels.

Trained here, exported by `export.py`, served by `onoma.ner.wordhash`. Two rules. The vector of a
word is a function of the word alone, so a batch computes it once per distinct word. Sentences lie
one after the other in one matrix with one masked row between them, in training as in serving: there
is no padding that could leak into a score.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from onoma.gazetteer.channel import NUMBERS_PER_UNIT
from onoma.ner.features import HASH_BUCKETS

BYTE_VALUES = 257
BYTE_WIDTH = 32
BYTE_WINDOWS = (3, 5)
BYTE_FILTERS = 64
TABLE_WIDTHS = (96, 96, 48, 48, 48, 48, 48)
FULL_FORM_TABLES = 2
"""The first two tables know the whole word; word dropout takes them away."""

IMPOSSIBLE = -1e4


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes that may differ between two `wordhash` models; the context reaches `layers` words to
    each side.

    In training a word loses its two full forms with `word_dropout`, and a number of its vector is
    zero with `input_dropout`. With `gazetteer` there is a channel for lists of names, which a word
    loses with `gazetteer_dropout`.
    """

    labels: int
    width: int = 256
    layers: int = 4
    word_dropout: float = 0.3
    input_dropout: float = 0.3
    gazetteer: bool = False
    gazetteer_dropout: float = 0.3


class Words(Protocol):
    """Sentences as the encoder reads them: what `Batch` holds besides labels."""

    @property
    def hashes(self) -> Tensor:
        """Return (words, 7)."""
        ...

    @property
    def bytes_(self) -> Tensor:
        """Return (words, 24)."""
        ...

    @property
    def words(self) -> Tensor:
        """Return (rows)."""
        ...

    @property
    def mask(self) -> Tensor:
        """Return (rows, 1)."""
        ...

    @property
    def gazetteer(self) -> Tensor | None:
        """Return (rows, 7)."""
        ...


Concealed = tuple[Tensor, Tensor]
"""Which rows are hidden (rows), and the vector in their place (width)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentences as tensors.

    `hashes` (words, 7) and `bytes_` (words, 24) of the distinct words; `words` (rows) which word
    stands in a row; `mask` (rows, 1) zero between sentences; `rows` (sentences, longest) where each
    unit of a sentence lies; `inside` (sentences, longest) false beyond its end; `allowed`
    (sentences, longest, labels); `gazetteer` (rows, 7), None without names, which is as zeros.
    """

    hashes: Tensor
    bytes_: Tensor
    words: Tensor
    mask: Tensor
    rows: Tensor
    inside: Tensor
    allowed: Tensor
    gazetteer: Tensor | None = None


class LabelHead(nn.Module):
    """Scores of labels over context vectors, and of label sequences: a linear-chain CRF.

    One network can carry several, one for each set of labels.
    """

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, labels)
        self.transitions = nn.Parameter(torch.zeros(labels, labels))
        self.start = nn.Parameter(torch.zeros(labels))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return emissions (rows, labels) of `hidden` (rows, width)."""
        return cast(Tensor, self.out(dropped(hidden, 0.2, self.training)).float())

    def loss(self, emissions: Tensor, batch: Batch, temperature: float = 1.0) -> Tensor:
        """Return the log weight of all paths minus that of the paths the annotation allows, per
        unit.

        At a labelled unit its label is allowed; at an `O` also every label of a type the corpus
        does not annotate. `temperature` divides all scores.
        """
        scores = emissions[batch.rows] / temperature
        gold = scores.masked_fill(~batch.allowed & batch.inside[..., None], IMPOSSIBLE)
        # Both sums in one pass: the recursion is bound by the number of steps, not by their width.
        inside = torch.cat((batch.inside, batch.inside))
        weights = self.log_weights(torch.cat((scores, gold)), inside, temperature)
        every, allowed = weights.chunk(2)
        return (every - allowed).sum() / batch.inside.sum()

    def log_weights(self, scores: Tensor, inside: Tensor, temperature: float) -> Tensor:
        """Return the log of the summed weights of all label paths of each sentence (sentences)."""
        steps, moves = scores.unbind(1), self.transitions / temperature
        total = self.start / temperature + steps[0]
        for step, here in zip(steps[1:], inside.unbind(1)[1:], strict=True):
            moved = torch.logsumexp(total[:, :, None] + moves, 1) + step
            total = torch.where(here[:, None], moved, total)
        return torch.logsumexp(total, 1)


class WordHash(nn.Module):
    """The network. `tables` are sparse: one batch touches about a tenth of a per cent of their
    rows.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.tables = nn.ModuleList(
            nn.Embedding(HASH_BUCKETS, w, sparse=True) for w in TABLE_WIDTHS
        )
        self.bytes_ = nn.Embedding(BYTE_VALUES, BYTE_WIDTH, padding_idx=0)
        # Zero for the padding, whose vector stays zero: the graph pads with it as well.
        self.register_buffer("_is_byte", (torch.arange(BYTE_VALUES) > 0).float()[:, None], False)
        self.byte_windows = nn.ModuleList(
            nn.Linear(BYTE_WIDTH * size, BYTE_FILTERS) for size in BYTE_WINDOWS
        )
        self.project = nn.Linear(sum(TABLE_WIDTHS) + BYTE_FILTERS * len(BYTE_WINDOWS), width)
        channel = nn.Parameter(torch.empty(NUMBERS_PER_UNIT, width)) if shape.gazetteer else None
        self.register_parameter("gazetteer", channel)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(shape.layers))
        self.windows = nn.ModuleList(nn.Linear(3 * width, 2 * width) for _ in range(shape.layers))
        self.head = LabelHead(width, shape.labels)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.1)
        if self.gazetteer is not None:
            # As large as what words add to: from zero, names are learned by heart before the lists
            # are heard. Drawn last, so that the channel changes no other weight.
            nn.init.normal_(self.gazetteer, std=0.25)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return emissions (rows, labels) and the context vectors before the output layer (rows,
        width).
        """
        hidden = self.hidden(batch)
        return self.head(hidden), hidden

    def hidden(self, batch: Words, concealed: Concealed | None = None) -> Tensor:
        """Return the context vectors (rows, width); `concealed` rows show a vector, not a word."""
        vectors = self.project(self.word_vectors(batch))
        if self.gazetteer is not None and batch.gazetteer is not None:
            vectors = vectors + self._lists(batch.gazetteer) @ self.gazetteer
        if concealed is not None:
            rows, stand_in = concealed
            vectors = torch.where(rows[:, None], stand_in.to(vectors.dtype), vectors)
        return self.context(vectors, batch.mask)

    def word_vectors(self, batch: Words) -> Tensor:
        """Return what the projection reads (rows, 560); in training some words lose their two
        full forms.
        """
        parts = [table(batch.hashes[:, i]) for i, table in enumerate(self.tables)]
        vectors = torch.cat([*parts, self.byte_vectors(batch.bytes_)], -1)[batch.words]
        if not self.training:
            return vectors
        # A model that leans on known words fails on new ones: make it read affixes, shape and
        # bytes.
        known = sum(TABLE_WIDTHS[:FULL_FORM_TABLES])
        keep = torch.rand(len(vectors), 1) > self.shape.word_dropout
        vectors = torch.cat((vectors[:, :known] * keep, vectors[:, known:]), -1)
        return dropped(vectors, self.shape.input_dropout, self.training)

    def _lists(self, channel: Tensor) -> Tensor:
        """Return the channel (rows, 7); in training some words lose all of it, so that a name is
        also learned by its form, and text without any list is still read.
        """
        if not self.training:
            return channel
        return channel * (torch.rand(len(channel), 1) > self.shape.gazetteer_dropout)

    def byte_vectors(self, bytes_: Tensor) -> Tensor:
        """Return the maximum over 24 positions of windows of 3 and 5 bytes (words, 128)."""
        if self.training:
            return self._byte_vectors_at(
                bytes_, [scores.max(1)[1] for scores in self._bytes(bytes_)]
            )
        return torch.cat([scores.amax(1) for scores in self._bytes(bytes_)], -1)

    @torch.no_grad()
    def _bytes(self, bytes_: Tensor) -> list[Tensor]:
        """Return the score of every window at every position, one (words, 24, 64) for each size."""
        letters, length = self.bytes_(bytes_), bytes_.shape[1]
        scores = []
        # Convolutions written as products of concatenated shifts: the fast form on processors.
        for size, window in zip(BYTE_WINDOWS, self.byte_windows, strict=True):
            padded = functional.pad(letters, (0, 0, size // 2, size // 2))
            shifts = [padded[:, i : i + length] for i in range(size)]
            scores.append(window(torch.cat(shifts, -1)))
        return scores

    def _byte_vectors_at(self, bytes_: Tensor, places: list[Tensor]) -> Tensor:
        """Return the scores at `places`, one (words, 64) for each size, with their gradient.

        Of 24 positions only the largest has a gradient. Where it lies is found without one, and the
        score there is a sum of one number per byte: half the time of going back through them all.
        """
        letters = self.bytes_.weight * self._is_byte
        vectors = []
        for size, window, place in zip(BYTE_WINDOWS, self.byte_windows, places, strict=True):
            weight = window.weight.float().view(BYTE_FILTERS, size, BYTE_WIDTH)
            table = torch.einsum("bw,fsw->sbf", letters, weight)
            padded = functional.pad(bytes_, (size // 2, size // 2)).long()
            columns = torch.arange(BYTE_FILTERS)
            parts = [table[i, padded.gather(1, place + i), columns] for i in range(size)]
            vectors.append(torch.stack(parts).sum(0) + window.bias)
        return torch.cat(vectors, -1)

    def context(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Let every row read one neighbour to each side, `layers` times (rows, width)."""
        for norm, window in zip(self.norms, self.windows, strict=True):
            padded = functional.pad(norm(vectors) * mask, (0, 0, 1, 1))
            three = torch.cat((padded[:-2], padded[1:-1], padded[2:]), -1)
            gated = functional.glu(window(three), -1)
            vectors = vectors + dropped(gated, 0.1, self.training)
        return vectors

    def depths(self) -> list[list[str]]:
        """Return the names of all parameters from the top down, one list for each layer."""
        layers = [["head."]]
        for layer in reversed(range(self.shape.layers)):
            layers.append([f"norms.{layer}.", f"windows.{layer}."])
        layers += [["project.", "gazetteer"], ["tables.", "bytes_.", "byte_windows."]]
        names = [name for name, _ in self.named_parameters()]
        return [[n for n in names if n.startswith(tuple(begins))] for begins in layers]


def dropped(values: Tensor, share: float, training: bool) -> Tensor:
    """Return `values` with about `share` of them set to zero and the rest scaled up, in training.

    `functional.dropout` draws one number per value, which took a tenth of a training step; one draw
    of 64 bits serves eight values here, so `share` is rounded to 256ths.
    """
    if not training:
        return values
    eighths = torch.empty(values.numel() // 8 + 1, dtype=torch.int64).random_(-(2**63), None)
    draws = eighths.view(torch.uint8)[: values.numel()].view(values.shape)
    threshold = round(share * 256)
    return values * ((draws >= threshold).to(values.dtype) * (256 / (256 - threshold)))


def rows_of(lengths: list[int]) -> list[int]:
    """Return the first row of each sentence when one masked row lies between two."""
    firsts = [0]
    for length in lengths:
        firsts.append(firsts[-1] + length + 1)
    return [first for first, _ in pairwise(firsts)]
