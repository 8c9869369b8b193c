"""The layers of an encoder from elsewhere: which train, how fast, which begin anew.

Used by `finetuning.py`. The rule: every parameter lies in exactly one group or is frozen; the names
of parameters say how deep they lie, alike for all architectures that are taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import nn

from onoma.errors import WrongUseError
from onoma.training.optimisers import Group

LAYER = re.compile(r"\.\w*layer\w*\.(\d+)\.")
"""Where a parameter's name holds the number of its layer."""

INITIAL_RANGE = 0.02


@dataclass(frozen=True, slots=True)
class Tuning:
    """Which parts of an encoder move.

    Of the layers the upper `layers` train, None is all; `embeddings` are worth freezing under about
    a thousand sentences. `drawn_anew` upper layers start from chance, because the uppermost know
    the task of pre-training best and ours least. `bfloat16` is
    for products on processors that have it.
    """

    layers: int | None = None
    embeddings: bool = True
    drawn_anew: int = 0
    bfloat16: bool = True


def groups_of(model: nn.Module, tuning: Tuning) -> list[Group]:
    """Return the parameters that train, by depth; the others are frozen."""
    named = list(model.named_parameters())
    layers = 1 + max(int(m[1]) for name, _ in named if (m := LAYER.search(name)))
    top = layers if tuning.layers is None else tuning.layers
    if not 0 <= top <= layers:
        raise WrongUseError(f"tuning.layers is {top}, the encoder has {layers}")
    groups: dict[tuple[int, bool], list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in named:
        depth = depth_of(name, layers)
        trains = depth <= top or (depth > layers and tuning.embeddings)
        parameter.requires_grad_(trains)
        if trains:
            groups.setdefault((depth, parameter.ndim > 1), []).append((name, parameter))
    return [
        Group(tuple(parameters), below_top=depth, decay=decay)
        for (depth, decay), parameters in sorted(groups.items())
    ]


def depth_of(name: str, layers: int) -> int:
    """Return how far below the head a parameter lies: 0 the head, 1 the last layer, `layers` + 1
    the embeddings.
    """
    if found := LAYER.search(name):
        return layers - int(found[1])
    return layers + 1 if "embed" in name else 0


@torch.no_grad()
def draw_anew(model: nn.Module, layers: int) -> None:
    """Give the upper `layers` the weights of chance that training from scratch begins with."""
    if not layers:
        return
    total = 1 + max(int(m[1]) for n, _ in model.named_parameters() if (m := LAYER.search(n)))
    for name, parameter in model.named_parameters():
        if 1 <= depth_of(name, total) <= layers:
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=INITIAL_RANGE)
            else:
                # Of the vectors only the scales of norms begin with one.
                nn.init.constant_(parameter, float("norm" in name.lower() and "bias" not in name))
