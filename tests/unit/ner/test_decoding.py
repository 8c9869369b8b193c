"""Best path and confidences, against all paths where they can be counted, else a plain loop.

The size of a piece is how the decoder works, not what it answers: it is set to small ones here, so
that short documents have many pieces too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onoma.ner import chains
from onoma.ner.decoding import Decoder, closed_moves_of
from tests.fakes import LABELS

Emissions = npt.NDArray[np.float32]

LABEL_SETS: tuple[tuple[str, ...], ...] = (
    ("O",),
    ("O", "B-X"),
    ("O", "B-X", "I-X"),
    ("O", "I-X", "B-X", "B-Y"),
    ("O", "B-X", "I-X", "B-Y", "I-Y"),
)
PIECE_SIZES = (1, 2, 3, 5, 64)


@dataclass(frozen=True)
class Case:
    """A document and what decides about it; generated scores are quarters, so sums are exact."""

    labels: tuple[str, ...]
    start: list[float]
    transitions: list[list[float]]
    temperature: float
    emissions: Emissions

    def decoder(self) -> Decoder:
        return Decoder(
            labels=self.labels,
            start=self.start,
            transitions=self.transitions,
            temperature=self.temperature,
        )

    def score(self, path: Sequence[int]) -> float:
        """Return the score of a well-formed path, minus infinity for another."""
        tags = [self.labels[label] for label in path]
        for before, tag in itertools.pairwise(["O", *tags]):
            if tag.startswith("I-") and before not in {"B" + tag[1:], tag}:
                return -np.inf
        score = self.start[path[0]] + sum(
            self.transitions[a][b] for a, b in itertools.pairwise(path)
        )
        return score + sum(
            float(row[label]) for row, label in zip(self.emissions, path, strict=True)
        )

    def paths(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(range(len(self.labels)), repeat=len(self.emissions))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    labels = draw(st.sampled_from(LABEL_SETS))
    count = len(labels)
    quarters = st.integers(-40, 40).map(lambda number: number / 4)
    rows = st.lists(quarters, min_size=count, max_size=count)
    longest = 9 if count < 4 else 5
    return Case(
        labels,
        draw(rows),
        draw(st.lists(rows, min_size=count, max_size=count)),
        draw(st.sampled_from([0.5, 1.0, 2.5])),
        np.array(draw(st.lists(rows, min_size=1, max_size=longest)), np.float32),
    )


@contextmanager
def _pieces_of(units: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "piece_units", lambda _: units)
        yield


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from(PIECE_SIZES))
def test_the_path_is_the_best_of_all_that_there_are(case: Case, piece: int) -> None:
    with _pieces_of(piece):
        path = case.decoder().best_paths(case.emissions, [len(case.emissions)])

    assert case.score(path.tolist()) == max(map(case.score, case.paths()))


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from(PIECE_SIZES))
def test_a_confidence_is_the_share_of_all_paths_that_give_the_unit_its_label(
    case: Case, piece: int
) -> None:
    lengths = [len(case.emissions)]
    with _pieces_of(piece):
        path = case.decoder().best_paths(case.emissions, lengths)
        found = case.decoder().confidences(case.emissions, lengths, path)

    paths = np.array(list(case.paths()))
    weights = np.exp(np.array([case.score(p) for p in paths.tolist()]) / case.temperature)
    expected = [weights[paths[:, unit] == label].sum() for unit, label in enumerate(path)]
    np.testing.assert_allclose(found, np.array(expected) / weights.sum(), rtol=1e-9, atol=1e-12)


def _random_case(seed: int, units: int, scale: float = 4.0) -> Case:
    chance = np.random.default_rng(seed)
    labels = len(LABELS)
    return Case(
        LABELS,
        chance.normal(0, 2, labels).tolist(),
        chance.normal(0, 2, (labels, labels)).tolist(),
        1.3,
        chance.normal(0, scale, (units, labels)).astype(np.float32),
    )


def _plain_viterbi(case: Case) -> tuple[list[int], float]:
    """Return the best path and its score, one unit after the other."""
    closed_start, closed_moves = closed_moves_of(case.labels)
    moves = np.array(case.transitions) + closed_moves
    scores = np.array(case.start) + closed_start + case.emissions[0]
    back = []
    for row in case.emissions[1:]:
        ways = scores[:, None] + moves
        back.append(ways.argmax(0))
        scores = ways.max(0) + row
    path = [int(scores.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1], float(scores.max())


def _plain_posteriors(case: Case) -> npt.NDArray[np.float64]:
    """Return label probabilities `(units, labels)` in logarithms, one unit after the other."""
    closed_start, closed_moves = closed_moves_of(case.labels)
    moves = (np.array(case.transitions) + closed_moves) / case.temperature
    rows = case.emissions.astype(np.float64) / case.temperature
    ahead = [(np.array(case.start) + closed_start) / case.temperature + rows[0]]
    for row in rows[1:]:
        ahead.append(np.logaddexp.reduce(ahead[-1][:, None] + moves, 0) + row)
    behind = [np.zeros(len(case.labels))]
    for row in rows[:0:-1]:
        behind.append(np.logaddexp.reduce(moves + (row + behind[-1])[None, :], 1))
    both = np.array(ahead) + np.array(behind[::-1])
    posteriors: npt.NDArray[np.float64] = np.exp(both - np.logaddexp.reduce(both, 1)[:, None])
    return posteriors


@pytest.mark.parametrize("units", [1, 2, 63, 64, 65, 128, 129, 1000])
def test_a_long_document_gets_what_a_plain_loop_gives(units: int) -> None:
    case = _random_case(units, units)

    path = case.decoder().best_paths(case.emissions, [units])
    confidences = case.decoder().confidences(case.emissions, [units], path)

    expected, score = _plain_viterbi(case)
    assert path.tolist() == expected
    assert case.score(path.tolist()) == pytest.approx(score)
    np.testing.assert_allclose(
        confidences, _plain_posteriors(case)[np.arange(units), path], rtol=1e-8, atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=6),
    st.integers(0, 1000),
    st.sampled_from(PIECE_SIZES),
)
def test_a_document_gets_the_same_bits_alone_and_among_any_neighbours(
    lengths: list[int], seed: int, piece: int
) -> None:
    case = _random_case(seed, sum(lengths))
    decoder = case.decoder()
    bounds = list(itertools.pairwise(itertools.accumulate(lengths, initial=0)))
    with _pieces_of(piece):
        path = decoder.best_paths(case.emissions, lengths)
        confidences = decoder.confidences(case.emissions, lengths, path)
        alone = [decoder.best_paths(case.emissions[a:b], [b - a]) for a, b in bounds]
        sure = [
            decoder.confidences(case.emissions[a:b], [b - a], one)
            for (a, b), one in zip(bounds, alone, strict=True)
        ]

    assert path.tobytes() == np.concatenate(alone).tobytes()
    assert confidences.tobytes() == np.concatenate(sure).tobytes()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=4),
    st.integers(0, 1000),
    st.sampled_from([1.0, 30.0, 1000.0]),
)
def test_a_path_is_always_well_formed_and_every_confidence_a_probability(
    lengths: list[int], seed: int, scale: float
) -> None:
    case = _random_case(seed, sum(lengths), scale)

    path = case.decoder().best_paths(case.emissions, lengths)
    confidences = case.decoder().confidences(case.emissions, lengths, path)

    for start, end in itertools.pairwise(itertools.accumulate(lengths, initial=0)):
        for before, tag in itertools.pairwise(["O", *(LABELS[label] for label in path[start:end])]):
            assert not tag.startswith("I-") or before in {"B" + tag[1:], tag}
    assert ((confidences >= 0) & (confidences <= 1)).all()


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0, 1000]],
        [[1000, 0, 0], [0, 0, 1000]],
        [[-1000, -1000, 1000]] * 200,
        [[0, -1e4, -1e4]] * 200,
        [[0, 0, 1000], [0, -1e4, -1e4], [0, 0, 1000]] * 50,
    ],
)
def test_scores_far_apart_give_a_number_for_a_confidence(rows: list[list[float]]) -> None:
    decoder = Decoder(
        labels=("O", "B-X", "I-X"), start=[0.0] * 3, transitions=[[0.0] * 3] * 3, temperature=0.5
    )
    emissions = np.array(rows, np.float32)

    path = decoder.best_paths(emissions, [len(rows)])
    confidences = decoder.confidences(emissions, [len(rows)], path)

    assert np.isfinite(confidences).all()
    assert ((confidences >= 0) & (confidences <= 1)).all()


def test_no_documents_have_no_labels() -> None:
    decoder = _random_case(0, 1).decoder()
    nothing = np.zeros((0, len(LABELS)), np.float32)

    assert decoder.best_paths(nothing, []).shape == (0,)
    assert decoder.best_paths(nothing, [0, 0]).shape == (0,)
    assert decoder.confidences(nothing, [], np.zeros(0, np.intp)).shape == (0,)


def test_the_temperature_changes_how_sure_a_label_is_and_not_which() -> None:
    cold, warm = _random_case(3, 50), _random_case(3, 50)
    warm = Case(warm.labels, warm.start, warm.transitions, 5.0, warm.emissions)

    path = cold.decoder().best_paths(cold.emissions, [50])

    assert warm.decoder().best_paths(warm.emissions, [50]).tolist() == path.tolist()
    assert (
        warm.decoder().confidences(warm.emissions, [50], path).mean()
        < cold.decoder().confidences(cold.emissions, [50], path).mean()
    )
