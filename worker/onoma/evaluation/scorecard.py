"""Gathers everything that is said about a model on one form of the texts, as one JSON record.

Last step of an evaluation: `onoma evaluate --json` prints it, reports, plots, the model card and
docs/accuracy.md are written from it. The rule: each F1 stands with its interval, and a set that
does not count in the macro is kept beside those that do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onoma.evaluation.calibration import Calibration
from onoma.evaluation.comparison import Comparison, Difference
from onoma.evaluation.intervals import (
    COVERED,
    RESAMPLES,
    SEED,
    Floats,
    Tally,
    f1_of,
    interval,
    macro_of,
    resampled,
    summed,
    tally_of,
)
from onoma.evaluation.judging import JudgedSet
from onoma.evaluation.signature import MATCHING, SCHEME, Signature
from onoma.evaluation.slices import Known, sliced
from onoma.evaluation.spans import Counts, added, macro_f1, micro

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A set's counts and what they could have been: `draws` `(resamples, types, 3)`."""

    judged: JudgedSet
    tally: Tally
    draws: Floats


def scorecard(
    judged: Sequence[JudgedSet],
    *,
    counted: Collection[str],
    signature: Signature,
    known: Known,
    resamples: int = RESAMPLES,
) -> Record:
    """Return the scores of `judged`; the macro is over those whose names are `counted`."""
    drawn = [
        _Drawn(one, tally, resampled(tally, resamples))
        for one, tally in ((one, tally_of(one)) for one in judged)
    ]
    main = [one for one in drawn if one.judged.name in counted]
    return {
        "text": signature.form,
        "scheme": SCHEME,
        "matching": MATCHING,
        "signature": {"line": str(signature), **signature.as_record()},
        "intervals": {"share": COVERED, "resamples": resamples, "seed": SEED},
        **_macro(main),
        "micro": _pooled(main),
        "types": _by_type(main),
        "languages": _by_language(main),
        **_sliced(main, known),
        "sets": {one.judged.name: _set(one, known) for one in main},
        "beside": {one.judged.name: _set(one, known) for one in drawn if one not in main},
    }


def macro_record(judged: Iterable[JudgedSet], resamples: int = RESAMPLES) -> Record:
    """Return the macro F1 of `judged` with its interval, for one disturbance or form of text."""
    return _macro(
        [
            _Drawn(one, tally, resampled(tally, resamples))
            for one, tally in ((one, tally_of(one)) for one in judged)
        ]
    )


def calibration_record(calibration: Calibration) -> Record:
    """Return `calibration` as JSON."""
    return {
        "ece": round(calibration.ece, 4),
        "nll": round(calibration.nll, 4),
        "temperature": calibration.temperature,
        "fitted_temperatures": list(calibration.fitted),
        "fitted_ece": round(calibration.fitted_ece, 4),
        "bins": [
            {
                "mentions": one.mentions,
                "confidence": round(one.confidence, 4),
                "precision": round(one.precision, 4),
            }
            for one in calibration.bins
        ],
    }


def comparison_record(comparison: Comparison) -> Record:
    """Return `comparison` as JSON."""
    return {
        "macro": _difference(comparison.macro),
        "sets": {name: _difference(one) for name, one in comparison.sets.items()},
    }


def figures(counts: Counts) -> dict[str, float]:
    """Return scores to four decimals, and the counts they come from."""
    return {
        "f1": round(counts.f1, 4),
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "right": counts.right,
        "predicted": counts.predicted,
        "gold": counts.gold,
    }


def _difference(one: Difference) -> Record:
    return {
        "first": round(one.first, 4),
        "second": round(one.second, 4),
        "difference": round(one.difference, 4),
        "low": round(one.low, 4),
        "high": round(one.high, 4),
        "p": round(one.p, 4),
    }


def _macro(sets: Sequence[_Drawn]) -> Record:
    if not sets:
        return {"macro_f1": 0.0, "macro_interval": [0.0, 0.0]}
    return {
        "macro_f1": round(macro_f1(one.tally.total() for one in sets), 4),
        "macro_interval": _interval(macro_of([one.draws for one in sets])),
    }


def _pooled(sets: Sequence[_Drawn]) -> Record:
    if not sets:
        return figures(Counts())
    total = micro(added(*(one.tally.by_type() for one in sets)))
    return figures(total) | {"interval": _interval(f1_of(summed(one.draws for one in sets)))}


def _by_type(sets: Sequence[_Drawn]) -> Record:
    totals = added(*(one.tally.by_type() for one in sets))
    return {
        kind: figures(counts)
        | {
            "interval": _interval(
                f1_of(
                    np.sum(
                        [
                            one.draws[:, one.tally.types.index(kind)]
                            for one in sets
                            if kind in one.tally.types
                        ],
                        axis=0,
                    )
                )
            )
        }
        for kind, counts in sorted(totals.items())
    }


def _by_language(sets: Sequence[_Drawn]) -> Record:
    languages = sorted({one.judged.language for one in sets})
    return {
        language: _pooled([one for one in sets if one.judged.language == language])
        for language in languages
    }


def _sliced(sets: Sequence[_Drawn], known: Known) -> Record:
    parts = sliced((one.judged for one in sets), known)
    return {
        name: {part: figures(counts) for part, counts in slices.items()}
        for name, slices in parts.items()
    }


def _set(one: _Drawn, known: Known) -> Record:
    return {
        "language": one.judged.language,
        "sentences": one.judged.sentences,
        "types": sorted(one.judged.annotates),
        **figures(one.tally.total()),
        "interval": _interval(f1_of(one.draws.sum(1))),
        "by_label": {k: figures(c) for k, c in sorted(one.tally.by_type().items())},
        **{k: v for k, v in _sliced([one], known).items() if k == "mentions"},
    }


def _interval(values: Floats) -> list[float]:
    return [round(edge, 4) for edge in interval(values)]


Scores = Mapping[str, Any]
"""A record as it is read back from JSON."""
