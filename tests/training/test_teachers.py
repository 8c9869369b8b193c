# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "onnx", "safetensors")

import torch

from onoma.evaluation.corpora import Corpus
from onoma.training.batches import Collator
from onoma.training.corpora import Corpora
from onoma.training.examples import Example
from onoma.training.names import macro_dev
from onoma.training.network import Batch, WordHash
from onoma.training.teachers import Teachers, unlabelled
from tests.training.networks import small_network, trained_network
from tests.training.sentences import LABELS, corpus, sentence

pytestmark = pytest.mark.train

SENTENCES = (("Ada", "in", "Kano"), ("nobody",), ("Obi", "Ade"))


def _network(seed: int) -> WordHash:
    network = small_network(labels=3, seed=seed)
    with torch.no_grad():
        network.head.transitions.normal_()
        network.head.start.normal_()
    network.eval()
    return network


def _batch() -> Batch:
    examples = [Example(units, (0,) * len(units), 0) for units in SENTENCES]
    return Collator(LABELS[:3], [frozenset({"PER"})]).batch(examples)


def test_what_teachers_expect_is_that_of_all_paths_counted_one_by_one() -> None:
    networks, batch = [_network(1), _network(2)], _batch()
    emissions = torch.stack([network(batch)[0] for network in networks]).mean(0)
    transitions = torch.stack([network.head.transitions for network in networks]).mean(0)
    start = torch.stack([network.head.start for network in networks]).mean(0)
    units, moves, first = torch.zeros(3, 3, 3), torch.zeros(3, 3), torch.zeros(3)
    for i, (rows, inside) in enumerate(zip(batch.rows, batch.inside, strict=True)):
        scores = emissions[rows[inside]]
        paths = list(product(range(3), repeat=len(scores)))
        weights = torch.stack(
            [
                start[path[0]]
                + sum(scores[place, label] for place, label in enumerate(path))
                + sum(transitions[move] for move in pairwise(path))
                for path in paths
            ]
        )
        for path, chance in zip(paths, weights.softmax(0), strict=True):
            first[path[0]] += chance
            for place, label in enumerate(path):
                units[i, place, label] += chance
            for move in pairwise(path):
                moves[move] += chance

    found = Teachers(networks).counts(batch)

    # Their products may be rounded to bfloat16.
    for one, expected in zip(found, (units, moves, first), strict=True):
        assert torch.allclose(one, expected, atol=0.03)


def test_a_student_that_is_its_teacher_has_nothing_to_learn() -> None:
    teacher, other, batch = _network(1), _network(2), _batch()
    teachers = Teachers([teacher])
    emissions = teacher(batch)[0].detach().requires_grad_()

    agreed = teachers.loss(teacher.head, emissions, batch)
    apart = teachers.loss(other.head, other(batch)[0], batch)
    agreed.backward()

    assert emissions.grad is not None
    assert emissions.grad.abs().max() < 0.01
    assert agreed < apart


def test_to_be_asked_changes_neither_teachers_nor_chance() -> None:
    teachers, batch = Teachers([_network(1), _network(2)]), _batch()
    before = torch.get_rng_state()

    first, again = teachers.counts(batch), teachers.counts(batch)

    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_text_without_labels_teaches_what_the_teacher_knows() -> None:
    teacher, _ = trained_network()
    known = corpus()
    bare = tuple(replace(s, tags=("O",) * len(s.tags)) for s in known.sentences)
    text = Corpus("open/xx", "xx", frozenset(), bare)

    student, _ = trained_network(corpora=[text], teachers=Teachers([teacher]))

    assert macro_dev(teacher, [known], LABELS, 100)() == 1.0
    assert macro_dev(student, [known], LABELS, 100)() > 0.9


def test_text_is_cut_as_it_is_served_without_dev_sentences_and_other_languages(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "text" / "open"
    folder.mkdir(parents=True)
    text = "Amina ta isa Kano, yau.\n" * 8 + "Ada sings very well\n" * 4 + "too short\n"
    (folder / "hau.txt.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "xho.txt.gz").write_bytes(gzip.compress(b"this is another language\n"))
    hausa = Corpus("own/hau", "ha", frozenset({"PER"}), (sentence("Ada/B-PER sings"),))
    dev = replace(hausa, sentences=(sentence("Ada/B-PER sings very , well"),))

    (found,) = unlabelled(tmp_path, Corpora((hausa,), (dev,)), 12, seed=0)

    units = ("Amina", "ta", "isa", "Kano", ",", "yau", ".")
    assert (found.language, found.annotates) == ("ha", frozenset())
    assert 7 <= len(found.sentences) <= 8
    assert {s.tokens for s in found.sentences} == {units}
    assert {tag for s in found.sentences for tag in s.tags} == {"O"}
