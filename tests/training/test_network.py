# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

from itertools import product

import pytest

from tests.training.extra import need

need("torch")


import torch

from onoma.ner.features import HASHES_PER_UNIT
from onoma.training.batches import Collator
from onoma.training.examples import Example
from onoma.training.network import TABLE_WIDTHS, Batch, Shape, WordHash, dropped

pytestmark = pytest.mark.train

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
EXAMPLES = (
    Example(("Ada", "in", "Kano"), (1, 0, 3), 0),
    Example(("nobody",), (0,), 1),
    Example(("Obi", "Ade"), (1, 2), 1),
)


def _network() -> WordHash:
    torch.manual_seed(3)
    network = WordHash(Shape(labels=len(LABELS), width=16, layers=2))
    with torch.no_grad():
        network.head.transitions.normal_()
        network.head.start.normal_()
    network.eval()
    return network


def _batch(*examples: Example) -> Batch:
    # The second corpus does not annotate places.
    return Collator(LABELS, [frozenset({"PER", "LOC"}), frozenset({"PER"})]).batch(examples)


def _log_weight(network: WordHash, scores: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """Sum over all paths one by one."""
    paths = []
    for path in product(range(len(LABELS)), repeat=len(scores)):
        if all(allowed[place, label] for place, label in enumerate(path)):
            weight = network.head.start[path[0]] + scores[0, path[0]]
            for place in range(1, len(path)):
                move = network.head.transitions[path[place - 1], path[place]]
                weight = weight + move + scores[place, path[place]]
            paths.append(weight)
    return torch.logsumexp(torch.stack(paths), 0)


def test_every_hash_of_a_unit_has_its_table() -> None:
    assert len(TABLE_WIDTHS) == HASHES_PER_UNIT


def test_the_loss_is_that_of_all_paths_counted_one_by_one() -> None:
    network, batch = _network(), _batch(*EXAMPLES)
    emissions = torch.randn(len(batch.words), len(LABELS))

    expected = torch.zeros(())
    for rows, inside, allowed in zip(batch.rows, batch.inside, batch.allowed, strict=True):
        scores, kept = emissions[rows[inside]], allowed[inside]
        every = _log_weight(network, scores, torch.ones_like(kept))
        expected = expected + every - _log_weight(network, scores, kept)

    loss = network.head.loss(emissions, batch)
    assert loss.item() == pytest.approx(expected.item() / 6, abs=1e-5)


def test_an_o_allows_the_labels_of_types_that_are_not_annotated() -> None:
    batch = _batch(*EXAMPLES)

    assert batch.allowed[0, 1].tolist() == [True, False, False, False, False]
    assert batch.allowed[1, 0].tolist() == [True, False, False, True, True]
    assert batch.allowed[2, 0].tolist() == [False, True, False, False, False]


def test_a_temperature_divides_emissions_and_transitions_alike() -> None:
    network, batch = _network(), _batch(*EXAMPLES)
    emissions = torch.randn(len(batch.words), len(LABELS))
    cooled = _network()
    with torch.no_grad():
        cooled.head.transitions /= 2.0
        cooled.head.start /= 2.0

    halved = cooled.head.loss(emissions / 2.0, batch)

    assert network.head.loss(emissions, batch, 2.0).item() == pytest.approx(halved.item(), abs=1e-6)


def test_sentences_beside_each_other_do_not_see_each_other() -> None:
    network = _network()
    together, alone = _batch(*EXAMPLES), _batch(EXAMPLES[2])

    packed = network(together)[0][together.rows[2, :2]]

    assert torch.allclose(packed, network(alone)[0], atol=1e-6)


def test_the_gradient_at_the_largest_windows_is_that_of_the_maximum() -> None:
    network, batch = _network(), _batch(*EXAMPLES)
    letters = network.bytes_(batch.bytes_)
    scores = []
    for size, window in zip((3, 5), network.byte_windows, strict=True):
        padded = torch.nn.functional.pad(letters, (0, 0, size // 2, size // 2))
        scores.append(window(padded.unfold(1, size, 1).transpose(2, 3).flatten(2)).amax(1))
    weights = torch.randn(len(letters), 128)
    parameters = [network.bytes_.weight, *network.byte_windows.parameters()]

    expected = torch.autograd.grad((torch.cat(scores, -1) * weights).sum(), parameters)
    network.train()
    found = torch.autograd.grad((network.byte_vectors(batch.bytes_) * weights).sum(), parameters)

    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_dropout_keeps_the_mean_and_drops_the_share() -> None:
    torch.manual_seed(0)
    values = dropped(torch.ones(1000, 99), 0.3, True)

    assert (values == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert values.mean().item() == pytest.approx(1.0, abs=0.01)


def test_nothing_is_dropped_outside_training() -> None:
    values = torch.randn(3, 5)

    assert dropped(values, 0.5, False) is values
