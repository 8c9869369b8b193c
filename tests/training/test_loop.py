# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.extra import need

need("torch", "safetensors")


import torch
from torch import nn

from onoma.errors import FatalError
from onoma.training.feeds import Feed, Source
from onoma.training.loop import Saving, Watch, rate_at, train
from onoma.training.names import groups_of, labelled, macro_dev
from onoma.training.network import LabelHead
from onoma.training.optimisers import Group, Optimisers
from onoma.training.progress import Line
from onoma.training.recipes import Recipe, Schedule
from tests.training.networks import RECIPE, silent, small_network, trained_network
from tests.training.sentences import LABELS, corpus

pytestmark = pytest.mark.train


def _steps(steps: int, **changes: object) -> Recipe:
    return replace(RECIPE, schedule=replace(RECIPE.schedule, steps=steps, **changes))  # type: ignore[arg-type]


def _same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def test_a_handful_of_sentences_is_learned_by_heart() -> None:
    network, _ = trained_network()

    assert macro_dev(network, [corpus()], LABELS, 100)() == 1.0


def test_a_budget_in_steps_gives_the_same_weights_again() -> None:
    first, second = (trained_network(_steps(12))[0] for _ in range(2))

    assert _same(first, second)


def test_another_seed_gives_other_weights() -> None:
    first, second = (trained_network(replace(_steps(10), seed=seed))[0] for seed in (0, 1))

    assert not torch.equal(first.head.out.weight, second.head.out.weight)


def test_a_budget_in_seconds_ends() -> None:
    schedule = replace(RECIPE.schedule, steps=None, seconds=0.5)

    assert trained_network(replace(RECIPE, schedule=schedule))[1].seconds < 5


@pytest.mark.parametrize("stop", [1, 13, 20, 31])
def test_a_resumed_run_has_the_weights_of_one_that_was_not_interrupted(
    stop: int, tmp_path: Path
) -> None:
    recipe = replace(
        _steps(40, average_from=0.1), variation=replace(RECIPE.variation, noise=0.4, joined=0.3)
    )
    whole, _ = trained_network(recipe)

    presses = Presses(stop)
    watch = Watch(presses.score, every=1)
    saving = Saving(tmp_path / "names", "small")
    with pytest.raises(KeyboardInterrupt):
        trained_network(recipe, saving=saving, watch=watch)
    resumed, trained = trained_network(
        recipe, network=small_network(seed=9), saving=replace(saving, resume=True)
    )

    assert _same(whole, resumed)
    assert trained.steps == 40


class Presses:
    """A score that presses Ctrl-C at the step `at`."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._steps = count(1)

    def score(self) -> float:
        if next(self._steps) == self._at:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.0


def test_a_loss_that_is_no_number_stops_the_run_before_it_spoils_the_weights() -> None:
    model = nn.Linear(1, 1)
    before = model.weight.detach().clone()

    def loss(item: int) -> tuple[torch.Tensor, int]:
        return model(torch.ones(1, 1)).sum() * float("nan"), 1

    with pytest.raises(FatalError, match="the loss of broken is nan at step 1"):
        train(
            model,
            [Group(tuple(model.named_parameters()))],
            [Source("broken", 1.0, Feed(lambda number: [number]), loss)],
            Schedule(steps=3),
            seed=0,
            progress=silent,
        )

    assert torch.equal(model.weight, before)


def test_after_a_run_ctrl_c_means_what_it_meant_before() -> None:
    before = signal.getsignal(signal.SIGINT)

    trained_network(_steps(1))

    assert signal.getsignal(signal.SIGINT) is before


def test_a_finished_run_is_resumed_without_a_step(tmp_path: Path) -> None:
    saving = Saving(tmp_path / "names", "small")
    first, _ = trained_network(_steps(20), saving=saving)

    again, trained = trained_network(
        _steps(20), network=small_network(seed=5), saving=replace(saving, resume=True)
    )

    assert _same(first, again)
    assert trained.steps == 20


def test_training_stops_when_the_scores_stall_and_keeps_the_best_weights() -> None:
    scores = iter([0.2, 0.5, 0.4, 0.3, 0.9])
    kept: dict[str, torch.Tensor] = {}
    network = small_network()

    def score() -> float:
        value = next(scores)
        if value == 0.5:
            kept.update({n: w.clone() for n, w in network.state_dict().items()})
        return value

    _, trained = trained_network(_steps(200), network=network, watch=Watch(score, 10, patience=2))

    assert [score[:2] for score in trained.scores] == [(10, 0.2), (20, 0.5), (30, 0.4), (40, 0.3)]
    assert all(torch.equal(network.state_dict()[name], kept[name]) for name in kept)


def test_scoring_changes_nothing_that_training_does() -> None:
    watched, _ = trained_network(_steps(30), watch=Watch(lambda: torch.rand(1).item(), 7))

    assert _same(watched, trained_network(_steps(30))[0])


def test_several_sources_and_heads_train_over_one_encoder() -> None:
    network = small_network()
    other = LabelHead(32, len(LABELS))
    model = nn.ModuleDict({"network": network, "other": other})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    seen: list[str] = []
    recipe = _steps(60)

    def note(line: Line) -> None:
        seen.append(line.source)

    train(
        model,
        [*groups_of(network), Group(tuple(other.named_parameters("other")))],
        [
            labelled(network, network.head, [corpus()], LABELS, recipe, weight=3.0),
            labelled(network, other, [corpus()], LABELS, recipe, name="others"),
        ],
        recipe.schedule,
        seed=0,
        progress=note,
    )

    assert 30 < seen.count("names") < 58
    after = model.state_dict()
    for moved in ("network.project.weight", "network.head.out.weight", "other.out.weight"):
        assert not torch.equal(before[moved], after[moved])


def test_every_parameter_lies_in_one_group() -> None:
    network = small_network()

    names = [name for group in groups_of(network) for name, _ in group.parameters]

    assert sorted(names) == sorted(name for name, _ in network.named_parameters())


def test_lower_layers_move_at_a_smaller_rate() -> None:
    network = small_network()
    schedule = Schedule(depth_decay=0.5)
    before = {n: p.detach().clone() for n, p in network.named_parameters()}
    optimisers = Optimisers(groups_of(network), schedule)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    for table in network.tables:
        table.weight.grad = table.weight.grad.to_sparse()

    optimisers.step(1e-3)

    def moved(name: str) -> float:
        return float((before[name] - dict(network.named_parameters())[name]).abs().max().item())

    assert moved("head.start") == pytest.approx(1e-3, rel=1e-2)
    assert moved("windows.1.bias") == pytest.approx(5e-4, rel=1e-2)
    assert moved("project.bias") == pytest.approx(1.25e-4, rel=1e-2)


def test_the_learning_rate_warms_up_and_falls() -> None:
    schedule = Schedule()
    rates = [rate_at(share / 100, schedule) for share in range(101)]

    assert rates[0] < rates[2] < rates[4]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(schedule.last_learning_rate)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6).filter(any), st.integers(0, 20))
def test_a_feed_goes_on_from_any_place_as_if_it_had_been_read_up_to_there(
    sizes: list[int], read: int
) -> None:
    def chunk(number: int) -> list[tuple[int, int]]:
        return [(number, item) for item in range(sizes[number % len(sizes)])]

    first: Feed[tuple[int, int]] = Feed(chunk)
    for _ in range(read):
        next(first)
    second: Feed[tuple[int, int]] = Feed(chunk)
    second.go_to(first.place)

    assert [next(first) for _ in range(9)] == [next(second) for _ in range(9)]


def test_a_source_is_drawn_by_its_weight_and_the_step_alone() -> None:
    def runs() -> Iterator[list[str]]:
        for _ in range(2):
            seen: list[str] = []
            model = nn.Linear(1, 1)

            def loss(item: int, model: nn.Linear = model) -> tuple[torch.Tensor, int]:
                return model(torch.ones(1, 1)).sum(), 1

            sources = [
                Source(name, weight, Feed(lambda number: [number]), loss)
                for name, weight in (("much", 9.0), ("little", 1.0))
            ]
            train(
                model,
                [Group(tuple(model.named_parameters()))],
                sources,
                Schedule(steps=200),
                seed=4,
                progress=lambda line, seen=seen: seen.append(line.source),  # type: ignore[misc]
            )
            yield seen

    first, second = runs()
    assert first == second
    assert 160 < first.count("much") < 198
