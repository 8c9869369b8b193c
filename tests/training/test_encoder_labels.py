"""The labels of checkpoints in the world become IOB2, or are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onoma.errors import WrongUseError
from onoma.ner.decoding import IMPOSSIBLE
from onoma.training.checkpoint_labels import LabelMap, label_map


def _map(*labels: str) -> LabelMap:
    return label_map({str(number): label for number, label in enumerate(labels)})


def _groups(mapped: LabelMap, names: Sequence[str]) -> dict[str, set[str]]:
    return {
        label: {names[column] for column in columns}
        for label, columns in zip(mapped.labels, mapped.columns, strict=True)
    }


def test_iob2_in_any_order_is_sorted_with_o_first() -> None:
    names = ["B-LOC", "I-PER", "O", "I-LOC", "B-PER"]

    mapped = _map(*names)

    assert mapped.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert _groups(mapped, names) == {label: {label} for label in mapped.labels}
    assert all(score == 0 for row in mapped.decoder.transitions for score in row)


@pytest.mark.parametrize(("last", "single"), [("E", "S"), ("L", "U")])
def test_marks_of_ends_and_singles_join_those_of_iob2(last: str, single: str) -> None:
    names = ["O", "B-PER", "I-PER", f"{last}-PER", f"{single}-PER"]

    mapped = _map(*names)

    assert mapped.labels == ("O", "B-PER", "I-PER")
    assert _groups(mapped, names) == {
        "O": {"O"},
        "B-PER": {"B-PER", f"{single}-PER"},
        "I-PER": {"I-PER", f"{last}-PER"},
    }


@pytest.mark.parametrize("names", [["O", "PER", "LOC"], ["O", "I-PER", "I-LOC"]])
def test_bare_types_go_on_until_another_label_comes(names: list[str]) -> None:
    mapped = _map(*names)

    assert mapped.labels == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert mapped.columns == ((0,), (1,), (1,), (2,), (2,))
    moves = mapped.decoder.transitions
    closed = {
        (mapped.labels[i], mapped.labels[j])
        for i, row in enumerate(moves)
        for j, score in enumerate(row)
        if score == IMPOSSIBLE
    }
    assert closed == {
        (last, following)
        for last in mapped.labels
        for following in ("B-PER", "B-LOC")
        if last[2:] == following[2:]
    }


def test_a_type_may_have_a_dash_and_any_script() -> None:
    assert _map("O", "B-GEO-POL", "I-GEO-POL", "B-имя", "I-имя").labels[1:] == (
        "B-GEO-POL",
        "I-GEO-POL",
        "B-имя",
        "I-имя",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["LABEL_0", "LABEL_1"], "LABEL_0, which says nothing"),
        (["O", "LABEL_1"], "LABEL_1, which says nothing"),
        (["B-PER", "I-PER"], "0 labels O, wanted one"),
        (["O"], "no label but O"),
        (["O", "B-PER", "B-PER"], "the same label twice"),
        (["O", "B-PER"], "lacks I-PER beside B-PER"),
        (["O", "B-PER", "I-PER", "I-LOC"], "lacks B-LOC beside I-LOC"),
        (["O", "B-PER", "I-PER", "LOC"], "lacks B-LOC"),
        (["O", "B-PER", "I-PER", "E-PER", "L-PER"], "mixes marks: .*E-PER, L-PER"),
        (["O", "B-PER", "I-PER", "M-PER"], "M-PER; known marks are B, E, I, L, S, U"),
        (["O", "B-"], "B-; known marks"),
        (["O", "B-PER", "I-PER", "[PAD]"], r"\[PAD\], which names nothing"),
        (["O", "PER", "I-PER"], "mixes marks: PER, I-PER"),
    ],
)
def test_labels_that_can_be_read_in_no_one_way_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(WrongUseError, match=message):
        _map(*names)


@pytest.mark.parametrize("id2label", [{"0": "O", "2": "PER"}, {"a": "O"}, {"1": "O", "2": "PER"}])
def test_numbers_with_gaps_are_refused(id2label: dict[str, str]) -> None:
    with pytest.raises(WrongUseError, match="id2label has"):
        label_map(id2label)
