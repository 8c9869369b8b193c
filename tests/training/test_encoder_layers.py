# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""Which parameters of an encoder move, how fast, and which stay bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "transformers", "safetensors")

import torch
from torch import nn

from onoma.errors import WrongUseError
from onoma.training.encoder import load_encoder, open_checkpoint
from onoma.training.encoder_layers import Tuning, depth_of, draw_anew, groups_of
from onoma.training.finetuning import finetune
from onoma.training.recipes import Recipe, Schedule
from tests.training.encoders import LABELS, LAYERS, TOKENIZERS, learnable, write_encoder

pytestmark = pytest.mark.train


@pytest.fixture(params=sorted(TOKENIZERS))
def model(request: pytest.FixtureRequest, tmp_path: Path) -> nn.Module:
    checkpoint = open_checkpoint(write_encoder(tmp_path, request.param), prefix_space=True)
    return load_encoder(checkpoint, len(LABELS), seed=0)


def test_every_parameter_lies_in_exactly_one_group(model: nn.Module) -> None:
    groups = groups_of(model, Tuning())

    names = [name for group in groups for name, _ in group.parameters]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    assert groups[0].below_top == 0
    assert any("classifier" in name for name, _ in groups[0].parameters)
    bottom = max(group.below_top for group in groups)
    assert any(
        "word_embeddings" in name or "tok_embeddings" in name
        for group in groups
        if group.below_top == bottom
        for name, _ in group.parameters
    )


def test_biases_and_norms_do_not_decay(model: nn.Module) -> None:
    for group in groups_of(model, Tuning()):
        assert all(group.decay == (p.ndim > 1) for _, p in group.parameters)


def test_only_the_head_trains_where_no_layer_does(model: nn.Module) -> None:
    groups = groups_of(model, Tuning(layers=0, embeddings=False))

    assert {group.below_top for group in groups} == {0}
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert len(frozen) > 10
    assert not any("classifier" in name for name in frozen)


def test_more_layers_than_there_are_is_refused(model: nn.Module) -> None:
    with pytest.raises(WrongUseError, match=r"tuning\.layers is 9, the encoder has"):
        groups_of(model, Tuning(layers=9))


def test_depth_counts_from_the_head_down() -> None:
    names = ["classifier.weight", "bert.encoder.layer.1.x", "bert.encoder.layer.0.x"]

    assert [depth_of(name, 2) for name in names] == [0, 1, 2]
    assert depth_of("bert.embeddings.word_embeddings.weight", 2) == 3


def test_upper_layers_that_are_drawn_anew_begin_as_if_never_trained(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(write_encoder(tmp_path, "bert"))
    model = load_encoder(checkpoint, len(LABELS), seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    draw_anew(model, 1)

    for name, value in model.state_dict().items():
        drawn = depth_of(name, LAYERS) == 1 and value.ndim > 1
        assert torch.equal(value, before[name]) is not drawn
    norm = model.get_parameter(f"bert.encoder.layer.{LAYERS - 1}.output.LayerNorm.weight")
    assert torch.equal(norm, torch.ones_like(norm))


def _trained(directory: Path, tuning: Tuning) -> dict[str, torch.Tensor]:
    recipe = Recipe(batch=8, schedule=Schedule(steps=5, learning_rate=1e-2, average_every=100))
    tuned = finetune(
        open_checkpoint(directory),
        [learnable()],
        LABELS,
        recipe,
        tuning,
        progress=lambda line: None,
    )
    return dict(tuned.tagger.model.state_dict())


def test_frozen_parameters_are_bit_equal_after_training_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    directory = write_encoder(tmp_path, "bert")
    before = load_encoder(open_checkpoint(directory), len(LABELS), seed=0).state_dict()

    after = _trained(directory, Tuning(layers=1, embeddings=False))

    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert {depth_of(name, LAYERS) for name in moved} == {0, 1}
    assert {depth_of(name, LAYERS) for name in after.keys() - moved} >= {2, 3}


def test_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    directory = write_encoder(tmp_path, "bert")

    first, second = (_trained(directory, Tuning()) for _ in range(2))

    assert all(torch.equal(value, second[name]) for name, value in first.items())
