"""The training loop, from batches of several sources to averaged weights. Reads from top to bottom.

`bundle.py` trains names with it, `pretraining.py` words, and an encoder from elsewhere is tuned by
the same lines. What is trained is any module; what it is trained on are sources, each with its
weight, its batches and its own loss, so that a further task is one more source and its head one
more part of the module. The rule: everything that could make two runs differ comes in as an
argument or stands in the checkpoint; a run that was interrupted and resumed has the weights, bit
for bit, of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from onoma.errors import FatalError
from onoma.evaluation.learning import Score
from onoma.training.checkpoints import Checkpoint, load, save, save_log
from onoma.training.feeds import Item, Source, drawn
from onoma.training.interrupts import deferred_interrupts
from onoma.training.optimisers import Group, Optimisers
from onoma.training.progress import Line, Progress
from onoma.training.recipes import Schedule


@dataclass(frozen=True, slots=True)
class Watch:
    """Scores the averaged weights every `every` steps; after `patience` scores without a better
    one training stops, and the best weights are what it returns. 0 never stops.
    """

    score: Callable[[], float]
    every: int
    patience: int = 0


@dataclass(slots=True)
class State:
    """Where a run stands, besides its weights."""

    step: int = 0
    units: int = 0
    seconds: float = 0.0
    scores: list[Score] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Return the best score so far, minus infinity before the first."""
        return max((score.f1 for score in self.scores), default=-math.inf)

    def share(self, schedule: Schedule) -> float:
        """Return how much of the budget is spent."""
        if schedule.steps is not None:
            return self.step / schedule.steps
        return self.seconds / schedule.seconds

    def has_stalled(self, patience: int) -> bool:
        """Say whether the last `patience` scores brought nothing better."""
        recent = [score.f1 for score in self.scores[-patience:]] if patience else []
        return len(self.scores) > patience > 0 and max(recent) < self.best


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run cost: processor seconds, steps, units, and its scores on the way."""

    seconds: float
    steps: int
    units: int
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True, slots=True)
class Saving:
    """Where checkpoints go, and whether to go on from the one that lies there."""

    directory: Path
    architecture: str
    resume: bool = False

    @property
    def log(self) -> Path:
        """Return the file of all scores so far, which `onoma evaluate --log` draws."""
        return self.directory.with_name(f"{self.directory.name}.jsonl")


def train(
    model: nn.Module,
    groups: Sequence[Group],
    sources: Sequence[Source[Item]],
    schedule: Schedule,
    *,
    seed: int,
    progress: Progress,
    watch: Watch | None = None,
    saving: Saving | None = None,
) -> Trained:
    """Train `model` in place on `sources`; on return it holds the averaged (or the best) weights.

    An interrupt (Ctrl-C) waits for the end of the step, saves a checkpoint and is raised again.
    """
    # One thread: the products are too small to share, and shared sums would differ in their bits.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model.train()
    run = _Run(model, groups, sources, schedule, saving)
    if saving and saving.resume:
        run.resume(saving)
    state = run.state
    patience = watch.patience if watch else 0
    started = time.process_time() - state.seconds
    with deferred_interrupts() as interrupted:
        while (share := state.share(schedule)) < 1 and not state.has_stalled(patience):
            source = drawn(sources, seed, state.step)
            loss, units = run.step(source, share)
            state.seconds = time.process_time() - started
            progress(Line(source.name, loss, units, share, state.seconds, state.best))
            if watch and state.step % watch.every == 0:
                run.score(watch)
            if interrupted() or state.step % schedule.checkpoint_every == 0:
                run.save()
            if interrupted():
                raise KeyboardInterrupt
    run.save()
    run.finish(patience)
    return Trained(state.seconds, state.step, state.units, tuple(state.scores))


def rate_at(share: float, schedule: Schedule) -> float:
    """Return the rate after `share` of the budget: warm-up, then a straight line down."""
    first, last = schedule.learning_rate, schedule.last_learning_rate
    return (first + (last - first) * share) * min(1.0, share / schedule.warm_up + 0.01)


class _Run:
    """What a run holds besides its arguments: averaged weights, the best ones, where it stands."""

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[Group],
        sources: Sequence[Source[Item]],
        schedule: Schedule,
        saving: Saving | None,
    ) -> None:
        self.state = State()
        self._optimisers = Optimisers(groups, schedule)
        self._model = model
        self._sources = sources
        self._schedule = schedule
        self._saving = saving
        self._averaged = {n: value.detach().clone() for n, value in model.state_dict().items()}
        self._best: dict[str, Tensor] = {}

    def step(self, source: Source[Item], share: float) -> tuple[float, int]:
        """Learn from the next batch of `source`; return its loss and units."""
        loss, units = source.loss(next(source.feed))
        value = loss.item()
        if not math.isfinite(value):
            raise FatalError(
                f"the loss of {source.name} is {value} at step {self.state.step + 1}; nothing was "
                "learned from it: start anew with a lower learning_rate"
            )
        loss.backward()
        self._optimisers.step(rate_at(share, self._schedule))
        self.state.step += 1
        self.state.units += units
        self._average(share)
        return value, units

    @torch.no_grad()
    def _average(self, share: float) -> None:
        """Move the running average towards the weights; before `average_from` it just follows."""
        schedule = self._schedule
        if self.state.step % schedule.average_every:
            return
        weight = 1 - schedule.average_decay**schedule.average_every
        for name, value in self._model.state_dict().items():
            self._averaged[name].lerp_(value, weight if share >= schedule.average_from else 1.0)

    def score(self, watch: Watch) -> None:
        """Score the averaged weights and keep the best; weights and chance are as before."""
        state, model = self.state, self._model
        current = {name: value.detach().clone() for name, value in model.state_dict().items()}
        chance = torch.get_rng_state()
        model.load_state_dict(self._averaged)
        model.eval()
        f1 = watch.score()
        if watch.patience and f1 > state.best:
            self._best = {name: value.clone() for name, value in self._averaged.items()}
        state.scores.append(Score(state.step, f1, state.units, state.seconds))
        self._log()
        model.load_state_dict(current)
        model.train()
        torch.set_rng_state(chance)

    def finish(self, patience: int) -> None:
        """Leave the best weights in the model if training waited for them, else the averaged."""
        if self.state.step >= self._schedule.average_every:
            self._model.load_state_dict(self._best if patience and self._best else self._averaged)
        self._model.eval()

    def _log(self) -> None:
        """Write all scores anew, so that what follows a checkpoint never stands there twice."""
        if self._saving and self.state.scores:
            save_log(self.state.scores, self._saving.log)

    def save(self) -> None:
        """Write a checkpoint if one is wanted."""
        if self._saving is None:
            return
        parts = {
            "weights": self._model.state_dict(),
            "averaged": self._averaged,
            "best": self._best,
            "state": {"chance": torch.get_rng_state(), **self._optimisers.state()},
        }
        record = {
            "step": self.state.step,
            "units": self.state.units,
            "seconds": self.state.seconds,
            "scores": [list(score) for score in self.state.scores],
            "places": {source.name: list(source.feed.place) for source in self._sources},
        }
        save(Checkpoint(self._saving.architecture, parts, record), self._saving.directory)

    def resume(self, saving: Saving) -> None:
        """Put everything back as the checkpoint has it."""
        found = load(saving.directory, saving.architecture)
        self._model.load_state_dict(found.parts["weights"])
        self._averaged = dict(found.parts["averaged"])
        self._best = dict(found.parts["best"])
        self._optimisers.restore(found.parts["state"])
        torch.set_rng_state(found.parts["state"]["chance"])
        record, state = found.record, self.state
        state.step, state.units, state.seconds = record["step"], record["units"], record["seconds"]
        state.scores = [Score(*score) for score in record["scores"]]
        self._log()
        for source in self._sources:
            chunk, item = record["places"][source.name]
            source.feed.go_to((chunk, item))
