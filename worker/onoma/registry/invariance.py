"""The gate's check that a document's bits depend on the document alone.

Documents of many lengths are read alone, then in calls beside neighbours that were chosen to
disturb, in another order, from two threads at once, and by the same bundle opened anew. The rule:
every bit of every score is compared. Rounded to a label most differences would hide, until one day
a replay does not give the event that was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import numpy as np

from onoma.ner.recogniser import AnyRecogniser, Emissions
from onoma.registry.gate_record import Check

LENGTHS = (1, 2, 3, 5, 17, 64, 120, 333)
"""Units of the documents. A product may have other kernels for other numbers of rows."""
NEIGHBOUR_UNITS = (1, 40, 2, 3, 0, 5, 17, 8, 24)
"""Units of the neighbours in turn, so that a document lies at many places in a call."""
THREADS = 2
LOUD = 3
CANDIDATES = 96

OTHER_SCRIPTS = ("ዐቢይ", "संगठन", "வணக்கம்", "北京市朝阳区", "서울", "مریم", "שָׁלוֹם", "Қазақ", "ประเทศ")
LONGEST = ("Ⓩ" * 16, "x" * 15 + "ß", "e" + "\u0301" * 15, "W" * 16, "ᆩ" * 16)
MARKS = ("!", "!", "!", "…", "।", "\u200d", "👩🏽‍⚕️", "\ufffd", "\x01")
DIGITS = ("7" * 16, "0", "٣")

Row = Any
"""What a recogniser makes of one window, and takes back."""


def check_invariance(
    recogniser: AnyRecogniser, again: AnyRecogniser, words: Sequence[str]
) -> Check:
    """Compare the bits of documents made of `words` with themselves in all that may surround them.

    `again` is the same bundle, opened anew.
    """
    documents = [
        row
        for number, length in enumerate(LENGTHS)
        for row in recogniser.prepare(list(islice(cycle(words[number * 7 :]), length))).rows
    ]
    alone = [_alone(recogniser, row) for row in documents]
    situations = _situations(recogniser, again, documents, words)
    changed = {name: sum(map(_differ, alone, found())) for name, found in situations.items()}
    where = [name for name, count in changed.items() if count]
    return Check(
        "batch invariance",
        not where,
        {
            "compared": len(situations) * len(documents),
            "changed": sum(changed.values()),
            **({"where": where} if where else {}),
        },
        {"changed": 0},
    )


Found = Callable[[], Sequence[Emissions]]
"""Reads the documents once more, and returns their scores in the documents' order."""


def _situations(
    recogniser: AnyRecogniser, again: AnyRecogniser, documents: Sequence[Row], words: Sequence[str]
) -> dict[str, Found]:
    def beside(units: Sequence[str], turn: int) -> Found:
        return lambda: _beside(recogniser, documents, units, turn)

    return {
        "shuffled": lambda: _shuffled(recogniser, documents),
        **{
            f"beside {name}": beside(units, turn)
            for turn, (name, units) in enumerate(_neighbours(recogniser, words).items())
        },
        "two threads": lambda: _from_threads(recogniser, documents),
        "opened anew": lambda: [_alone(again, row) for row in documents],
        "opened anew, shuffled": lambda: _shuffled(again, documents),
    }


def _neighbours(recogniser: AnyRecogniser, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return what stands beside the documents, by what is hostile in it."""
    candidates = [*LONGEST, *OTHER_SCRIPTS, *MARKS, *DIGITS, *dict.fromkeys(words)][:CANDIDATES]
    return {
        "capitals": [word.upper() for word in words],
        "longest words": LONGEST,
        "other scripts": OTHER_SCRIPTS,
        "repeated marks": MARKS,
        "digits": DIGITS,
        "loudest words": _loudest(recogniser, candidates),
    }


def _loudest(recogniser: AnyRecogniser, candidates: Sequence[str]) -> list[str]:
    """Return the words of the largest scores: their activations are the largest we can ask for."""
    rows = [recogniser.prepare([word]).rows[0] for word in candidates]
    loudness = {
        word: float(np.abs(scores).max())
        for word, scores in zip(candidates, recogniser.emissions(rows), strict=True)
    }
    return sorted(loudness, key=lambda word: -loudness[word])[:LOUD]


def _alone(recogniser: AnyRecogniser, row: Row) -> Emissions:
    return recogniser.emissions([row])[0]


def _shuffled(recogniser: AnyRecogniser, documents: Sequence[Row]) -> Sequence[Emissions]:
    """Read all documents in one call, those of odd places first, all backwards."""
    order = sorted(range(len(documents)), key=lambda place: (place % 2 == 0, -place))
    found = recogniser.emissions([documents[place] for place in order])
    return [found[order.index(place)] for place in range(len(documents))]


def _beside(
    recogniser: AnyRecogniser, documents: Sequence[Row], units: Sequence[str], turn: int
) -> Sequence[Emissions]:
    """Read all documents in one call, a neighbour of these units before each and after the last."""
    sizes = [*NEIGHBOUR_UNITS[turn:], *NEIGHBOUR_UNITS[:turn]]
    rows: list[Row] = []
    places = []
    for document, size in zip([*documents, None], cycle(sizes), strict=False):
        neighbour = list(islice(cycle(units), size))
        rows += recogniser.prepare(neighbour).rows if neighbour else ()
        if document is not None:
            places.append(len(rows))
            rows.append(document)
    found = recogniser.emissions(rows)
    return [found[place] for place in places]


def _from_threads(recogniser: AnyRecogniser, documents: Sequence[Row]) -> Sequence[Emissions]:
    """Read each document alone, two of them at any time."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(lambda row: _alone(recogniser, row), documents))


def _differ(one: Emissions, other: Emissions) -> bool:
    return one.shape != other.shape or one.tobytes() != other.tobytes()
