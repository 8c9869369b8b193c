"""The training loop, from batches of examples to averaged weights. Reads from top to bottom.

`train` is called by `bundle.py`. The rule: everything that could make two runs differ comes in as
an argument (seed, budget, recipe); a budget in steps gives the same weights again, one in seconds
adapts to the machine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from onoma.evaluation.corpora import Corpus
from onoma.training.batches import Collator
from onoma.training.examples import Examples, Variation
from onoma.training.network import Shape, WordHash

REPORT_EVERY = 500


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every number of a training run, with its reason.

    `learning_rate` falls linearly to `last_learning_rate` after a warm-up over `warm_up` of the
    budget. The tables have their own rate because they have their own optimiser. `average_decay` is
    per step; averaging starts after `average_from` of the budget, when the weights no longer race.
    `longest` bounds the units of one example.
    """

    seconds: float = 1400.0
    steps: int | None = None
    seed: int = 0
    batch: int = 32
    learning_rate: float = 2e-3
    last_learning_rate: float = 6e-5
    table_learning_rate: float = 0.4
    warm_up: float = 0.04
    clip: float = 1.0
    weight_decay: float = 0.01
    exponent: float = 0.6
    average_decay: float = 0.9995
    average_from: float = 0.3
    average_every: int = 10
    longest: int = 120
    variation: Variation = field(default_factory=Variation)


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged network and what it cost; `seconds` are processor seconds."""

    network: WordHash
    seconds: float
    steps: int
    units: int


Progress = Callable[[str], None]


class Optimisers:
    """AdamW for the network, Adagrad for its tables.

    The tables hold 5/6 of the numbers, and a batch touches a few hundred rows of each. AdamW needs
    a gradient for all of them and took 24 ms a step where Adagrad takes 2.4, of about 90 in all. It
    moves the touched rows only and gives a rare word a full step when it comes. Its rate was chosen
    after 80 seconds of training each at .05, .2, .5 and 1.2; the loss was lowest at .5.
    """

    def __init__(self, network: WordHash, recipe: Recipe) -> None:
        # Adagrad makes sparse tensors of valid ones; torch warns until told whether to check them.
        torch.sparse.check_sparse_tensor_invariants.disable()
        tables = [table.weight for table in network.tables]
        known = set(tables)
        self._dense = [p for p in network.parameters() if p not in known]
        self._clip = recipe.clip
        self._table_factor = recipe.table_learning_rate / recipe.learning_rate
        self._network = torch.optim.AdamW(
            self._dense, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self._tables = torch.optim.Adagrad(tables, recipe.table_learning_rate)

    def step(self, rate: float) -> None:
        """Apply the gradients with the learning rate `rate` and clear them."""
        self._network.param_groups[0]["lr"] = rate
        self._tables.param_groups[0]["lr"] = rate * self._table_factor
        # Adagrad does not see the scale of a gradient, so only the dense part needs the clip.
        nn.utils.clip_grad_norm_(self._dense, self._clip)
        for optimiser in (self._network, self._tables):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)


def train(
    corpora: Sequence[Corpus], labels: Sequence[str], recipe: Recipe, report: Progress
) -> Trained:
    """Train on `corpora` within the recipe's budget; `report` gets a line every 500 steps."""
    # One thread: the products are too small to share, and shared sums would differ in their bits.
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    network = WordHash(Shape(labels=len(labels))).train()
    averaged = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimisers = Optimisers(network, recipe)
    collator = Collator(labels, [corpus.annotates for corpus in corpora])
    examples = examples_of(corpora, labels, recipe, seed=recipe.seed)
    started = time.process_time()
    step, units, losses = 0, 0, 0.0
    for chosen in examples.batches(recipe.batch):
        seconds = time.process_time() - started
        share = step / recipe.steps if recipe.steps else seconds / recipe.seconds
        if share >= 1:
            break
        batch = collator.batch(chosen)
        # bfloat16 halves the time of the products; the sums of the CRF stay in float32.
        with torch.autocast("cpu", torch.bfloat16):
            emissions, _ = network(batch)
        loss = network.loss(emissions, batch)
        loss.backward()
        optimisers.step(learning_rate(share, recipe))
        step += 1
        units += int(batch.inside.sum())
        losses += loss.item()
        if step % recipe.average_every == 0:
            average(averaged, network, share, recipe)
        if step % REPORT_EVERY == 0:
            report(_line(share, step, losses / REPORT_EVERY, units, seconds))
            losses = 0.0
    if step >= recipe.average_every:
        network.load_state_dict(averaged)
    return Trained(network.eval(), time.process_time() - started, step, units)


def examples_of(
    corpora: Sequence[Corpus], labels: Sequence[str], recipe: Recipe, seed: int
) -> Examples:
    """Return a supply of examples as the recipe wants them; equal seeds draw equal examples."""
    return Examples(
        corpora,
        labels,
        variation=recipe.variation,
        exponent=recipe.exponent,
        longest=recipe.longest,
        chance=random.Random(seed),  # noqa: S311 (repeatable on purpose)
    )


def _line(share: float, step: int, loss: float, units: int, seconds: float) -> str:
    speed = units / max(seconds, 1e-9)
    return f"{share:4.0%}  step {step}  loss {loss:.4f}  {speed:,.0f} units/s  {seconds:.0f} s"


def learning_rate(share: float, recipe: Recipe) -> float:
    """Return the rate after `share` of the budget: warm-up, then a straight line down."""
    line = recipe.learning_rate + (recipe.last_learning_rate - recipe.learning_rate) * share
    return line * min(1.0, share / recipe.warm_up + 0.01)


@torch.no_grad()
def average(
    averaged: dict[str, torch.Tensor], network: WordHash, share: float, recipe: Recipe
) -> None:
    """Move the running average towards the weights; before `average_from` it just follows them."""
    weight = 1 - recipe.average_decay**recipe.average_every
    for name, value in network.state_dict().items():
        averaged[name].lerp_(value, weight if share >= recipe.average_from else 1.0)
