# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""The prototype is compared by its own network, and reads every word of the documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.training.extra import need

need("torch", "onnx", "onnxscript")

from benchmarks.documents import Document
from benchmarks.prototype import WINDOW_UNITS, batches, exportable, network_source, windows_of
from onoma.errors import WrongUseError
from onoma.ner.features import bytes_of, hashes_of

pytestmark = pytest.mark.train


def test_windows_of_a_document_hold_all_of_its_units_in_their_order() -> None:
    text = " ".join(f"w{number}" for number in range(2 * WINDOW_UNITS + 1))

    windows = windows_of(Document("one", "en", text, 2 * WINDOW_UNITS + 1))

    assert [len(window) for window in windows] == [WINDOW_UNITS, WINDOW_UNITS, 1]
    assert [unit for window in windows for unit in window] == text.split()


def test_batches_are_sorted_by_length_and_padded_to_their_longest() -> None:
    made = batches([["a", "b", "c"], ["d"], ["e", "f"]], 2)

    assert [inputs["mask"].tolist() for inputs in made] == [
        [[True, False], [True, True]],
        [[True, True, True]],
    ]
    assert made[0]["hashes"][0].tolist() == [list(hashes_of("d")), [0] * 7]
    assert made[1]["bytes"][0, 2].tolist() == list(bytes_of("c"))


def test_the_network_is_cut_out_without_running_the_script() -> None:
    script = "raise SystemExit\nclass M(Base):\n    width = 4\nm = M()\n"

    assert network_source(script) == "class M(Base):\n    width = 4"


@pytest.mark.parametrize("change", [network_source, exportable])
def test_another_script_is_refused_with_what_was_wanted(change: Callable[[str], str]) -> None:
    with pytest.raises(WrongUseError, match=r"wanted .*wordhash_recipe|wanted it once"):
        change("class N:\n    pass\n")
