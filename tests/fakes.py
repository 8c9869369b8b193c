"""Stands in for the network: a graph of integers whose every wrong row shows, and what goes around.

`FakeGraph` keeps the promises that a real `wordhash` graph makes: the emissions of a row depend on
its features and on those of up to four rows on each side, and nothing passes a masked row or the
edge of the matrix. A row that was packed, cut off or stitched wrongly therefore gets other numbers.
The arithmetic is on integers, so that equal means equal in every bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from onoma.contracts.entities import ModelVersion, WorkerVersion
from onoma.contracts.policy import DEFAULT_POLICY, PinnedPolicy, Policy
from onoma.contracts.records import Headers, Record
from onoma.gazetteer.served import NO_LISTS, ServedLists
from onoma.ner.decoding import Decoder
from onoma.ner.features import bytes_of
from onoma.ner.wordhash import Inputs, WordHashRecogniser
from onoma.pipeline import SupportedLanguages, Versions

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-DATE", "I-DATE")
CONTEXT_UNITS = 4
_PRIME = 1_000_003
_KNOWN = 40.0


class FakeGraph:
    """Emissions of pseudo-chance from each row's surroundings, and a large one for known words.

    `names` gives known words their label, such as `{"Zaria": "B-LOC"}`; `quiet`: all other words
    are surely outside of names.
    """

    def __init__(
        self,
        labels: Sequence[str] = LABELS,
        names: Mapping[str, str] | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self._labels = tuple(labels)
        self._quiet = quiet
        self._names = {
            np.array(bytes_of(word), np.int32).tobytes(): self._labels.index(label)
            for word, label in (names or {}).items()
        }

    def __call__(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        hashes, data = (inputs[name][inputs["words"]] for name in ("hashes", "bytes"))
        mask = inputs["mask"]
        present = mask[:, 0].astype(np.int64)
        state = (hashes.sum(1, np.int64) * 31 + data.sum(1, np.int64)) % _PRIME * present
        for _ in range(CONTEXT_UNITS):
            padded = np.concatenate(([0], state, [0]))
            state = (padded[1:-1] * 3 + padded[:-2] * 5 + padded[2:] * 7) % _PRIME * present
        factors = np.arange(1, len(self._labels) + 1) * 7919
        emissions: npt.NDArray[np.float32] = (
            state[:, None] * factors % _PRIME / _PRIME * 4
        ).astype(np.float32)
        outside = self._labels.index("O")
        emissions[:, outside] += 1.5
        for row, features in enumerate(data):
            label = self._names.get(features.tobytes(), outside)
            if self._quiet or label != outside:
                emissions[row, label] += _KNOWN
        return emissions


def recogniser(
    labels: Sequence[str] = LABELS,
    names: Mapping[str, str] | None = None,
    *,
    quiet: bool = False,
) -> WordHashRecogniser:
    """Return a recogniser on a fake graph whose moves are all alike but for IOB2."""
    return WordHashRecogniser(
        FakeGraph(labels, names, quiet=quiet),
        labels=labels,
        decoder=Decoder(
            labels=labels,
            start=[0.0] * len(labels),
            transitions=[[0.0] * len(labels)] * len(labels),
        ),
        context_units=CONTEXT_UNITS,
    )


def versions(
    *,
    labels: Sequence[str] = LABELS,
    names: Mapping[str, str] | None = None,
    quiet: bool = False,
    policy: Policy = DEFAULT_POLICY,
    model_version: str = "1",
    run: str = "live",
    lists: ServedLists = NO_LISTS,
) -> Versions:
    """Return everything that decides about a document, on a fake graph."""
    return Versions(
        recogniser=recogniser(labels, names, quiet=quiet),
        model=ModelVersion("fake", model_version, "a" * 64, "none"),
        languages=SupportedLanguages(frozenset({"ha", "sr-Latn"}), frozenset({"zu"})),
        policy=PinnedPolicy(policy),
        worker=WorkerVersion("0.0.0", "c" * 64, "no runtime"),
        cluster="test",
        run=run,
        lists=lists,
    )


def record(
    value: bytes | None,
    *,
    key: bytes | None = b"key",
    content_type: str | None = None,
    headers: Headers = (),
    offset: int = 17,
) -> Record:
    """Return an input record, with a content-type header if one is given."""
    typed = (("content-type", content_type.encode()),) if content_type is not None else ()
    return Record("documents.v1", 2, offset, key, value, headers + typed)


def text_record(text: str, *, key: bytes = b"document-1") -> Record:
    """Return a text/plain record."""
    return record(text.encode(), key=key, content_type="text/plain")
