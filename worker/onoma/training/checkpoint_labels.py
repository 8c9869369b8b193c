"""Reads the labels of a checkpoint: which of them make up each of our IOB2 labels.

Used by the import. Checkpoints in the world number and mark their labels in several ways; the graph
that we export has `O` first, then `B-` and `I-` of each type. The rule: a set of labels is read in
one way or refused, never guessed.

| marks | read as |
|---|---|
| `B-X`, `I-X` | IOB2 |
| also `E-X` or `L-X`, `S-X` or `U-X` | BIOES, BILOU: the chance of `B-` is that of `B-` and `S-` |
| `I-X` alone, or bare `X` | IO: neighbours of one type are one mention |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onoma.errors import WrongUseError
from onoma.ner.decoding import IMPOSSIBLE
from onoma.registry.manifest import Decoder

OUTSIDE = "O"
SCHEMES = (frozenset("BIES"), frozenset("BILU"))
BEGINS = {"B": "B", "S": "B", "U": "B", "I": "I", "E": "I", "L": "I"}


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Our `labels`; the chance of `labels[i]` is that of the checkpoint's labels `columns[i]`."""

    labels: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    decoder: Decoder


def label_map(id2label: Mapping[str, Any]) -> LabelMap:
    """Return how the labels of a configuration become ours. Raises WrongUseError."""
    names = _names(id2label)
    marked = {number: _parted(name) for number, name in names.items() if name != OUTSIDE}
    outside = tuple(number for number, name in names.items() if name == OUTSIDE)
    if len(outside) != 1:
        raise WrongUseError(f"id2label has {len(outside)} labels O, wanted one")
    types = tuple(dict.fromkeys(kind for _, kind in marked.values()))
    if not types:
        raise WrongUseError("id2label has no label but O")
    bare = {mark for mark, _ in marked.values()} <= {"", "I"}
    columns: list[tuple[int, ...]] = [outside]
    for kind in types:
        own = {mark: number for number, (mark, k) in marked.items() if k == kind}
        columns += _io(kind, own) if bare else _iob2(kind, own)
    labels = (OUTSIDE, *(f"{mark}-{kind}" for kind in types for mark in "BI"))
    return LabelMap(labels, tuple(columns), _decoder(labels, bare))


def _names(id2label: Mapping[str, Any]) -> dict[int, str]:
    try:
        names = {int(number): str(name) for number, name in id2label.items()}
    except ValueError as error:
        raise WrongUseError(f"id2label has a key that is no number: {error}") from error
    if sorted(names) != list(range(len(names))):
        raise WrongUseError(f"id2label has the numbers {sorted(names)}, wanted 0 and up")
    if len(set(names.values())) != len(names):
        raise WrongUseError("id2label has the same label twice")
    if unnamed := [name for name in names.values() if name.upper().startswith("LABEL_")]:
        raise WrongUseError(
            f"id2label has {unnamed[0]}, which says nothing: write the labels into config.json"
        )
    return dict(sorted(names.items()))


def _parted(name: str) -> tuple[str, str]:
    """Return mark and type of a label; the mark of a bare type is empty."""
    mark, dash, kind = name.partition("-")
    if not dash:
        if name.strip("[]<>").upper() in {"PAD", "CLS", "SEP", "X", "UNK"}:
            raise WrongUseError(f"id2label has {name}, which names nothing: retrain without it")
        return "", name
    if mark not in BEGINS or not kind:
        raise WrongUseError(
            f"id2label has {name}; known marks are {', '.join(sorted(BEGINS))} before a type"
        )
    return mark, kind


def _iob2(kind: str, own: Mapping[str, int]) -> list[tuple[int, ...]]:
    if "B" not in own or "I" not in own:
        lacks = "B" if "B" not in own else "I"
        raise WrongUseError(f"id2label lacks {lacks}-{kind} beside {_listed(kind, own)}")
    if not any(own.keys() <= scheme for scheme in SCHEMES):
        raise WrongUseError(f"id2label mixes marks: {_listed(kind, own)}")
    return [
        tuple(number for mark, number in own.items() if BEGINS.get(mark) == ours) for ours in "BI"
    ]


def _io(kind: str, own: Mapping[str, int]) -> list[tuple[int, ...]]:
    if len(own) != 1:
        raise WrongUseError(f"id2label mixes marks: {_listed(kind, own)}")
    return [tuple(own.values())] * 2


def _listed(kind: str, own: Mapping[str, int]) -> str:
    return ", ".join(f"{mark}-{kind}" if mark else kind for mark in own)


def _decoder(labels: tuple[str, ...], bare: bool) -> Decoder:
    """Return moves that are all alike; without marks, a type goes on until another one comes."""
    moves = [
        tuple(
            IMPOSSIBLE if bare and following.startswith("B-") and last[2:] == following[2:] else 0.0
            for following in labels
        )
        for last in labels
    ]
    return Decoder(start=(0.0,) * len(labels), transitions=tuple(moves))
