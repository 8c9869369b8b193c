"""Runs a real worker that dies of certain words, as native code or a leak makes a worker die.

The process that tries a document alone is this module too, without arguments, so that the words
kill it as well.
"""

from __future__ import annotations

import ctypes
import resource
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from onoma.cli import main
from onoma.ner.recogniser import Emissions
from onoma.ner.wordhash import WordHashRecogniser, WordRows
from onoma.stream import quarantine, quarantine_child

MODULE = "tests.stream.poisoned_worker"


def crash() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def alone() -> bool:
    """Say whether this is the process for a document tried alone, whose memory is limited."""
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def take_memory() -> None:
    """Take all there is; where nothing limits it, say at once that it is used up."""
    if not alone():
        raise MemoryError
    taken = []
    while True:
        taken.append(bytearray(16 * 1024**2))


def hang() -> None:
    """Never come back."""
    threading.Event().wait()


def fail() -> None:
    """Raise as a library does that can't bear its input."""
    raise RuntimeError("the words of the document")


POISONS: Mapping[str, Callable[[], None]] = {
    "Segfaultitis": crash,
    "Memoryitis": take_memory,
    "Hangitis": hang,
    "Raiseitis": fail,
}


def poison() -> None:
    """Let calls with one of the words do what it stands for."""
    emissions = WordHashRecogniser.emissions

    def poisoned(self: WordHashRecogniser, rows: Sequence[WordRows]) -> list[Emissions]:
        for word in {unit for window in rows for unit in window.units} & POISONS.keys():
            POISONS[word]()
        return emissions(self, rows)

    WordHashRecogniser.emissions = poisoned  # type: ignore[method-assign]  # that is the point
    quarantine.CHILD = MODULE


if __name__ == "__main__":
    poison()
    if len(sys.argv) > 1:
        main()
    else:
        quarantine_child.main()
