"""A recogniser by rule, for tests of everything that is computed from what one found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onoma.ner.decoding import Decoder
from onoma.ner.recogniser import (
    Emissions,
    Prepared,
    Work,
    best_path_of_each,
    mentions_of_each,
)
from onoma.ner.spans import Mention
from onoma.text.windows import Window, windows

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

Rule = Callable[[str], tuple[str, float]]


class ByRule:
    """Gives every unit the label and the score that `rule` says; reads in windows of five units."""

    def __init__(self, rule: Rule) -> None:
        self.labels = LABELS
        self._rule = rule

    def prepare(self, units: Sequence[str]) -> Prepared[list[str]]:
        parts = windows(len(units), core=5, context=1)
        return Prepared(parts, tuple(list(units[w.start : w.end]) for w in parts))

    def emissions(self, rows: Sequence[list[str]]) -> list[Emissions]:
        return [self._scores(units) for units in rows]

    def work(self, window: Window, rows: list[str]) -> Work:
        return Work(window.core_end - window.core_start, len(rows))

    def mentions(self, documents: Sequence[Emissions]) -> list[tuple[Mention, ...]]:
        return mentions_at(documents, 1.0)

    def label(self, sentences: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
        return best_path_of_each([self._scores(units) for units in sentences], decoder_at(1.0))

    def _scores(self, units: Sequence[str]) -> Emissions:
        scores = np.zeros((len(units), len(LABELS)), np.float32)
        for row, unit in zip(scores, units, strict=True):
            label, score = self._rule(unit)
            row[LABELS.index(label)] = score
        return scores


def decoder_at(temperature: float) -> Decoder:
    size = len(LABELS)
    return Decoder(
        labels=LABELS,
        start=[0.0] * size,
        transitions=[[0.0] * size] * size,
        temperature=temperature,
    )


def mentions_at(documents: Sequence[Emissions], temperature: float) -> list[tuple[Mention, ...]]:
    return mentions_of_each(documents, decoder_at(temperature), LABELS)


def capitals(unit: str) -> tuple[str, float]:
    """Take every unit with a capital for a person."""
    return ("B-PER", 8.0) if unit[:1].isupper() else ("O", 8.0)
