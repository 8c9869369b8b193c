"""Scores a loaded bundle: what `onoma evaluate` prints, and what stands in a manifest's `scores`.

Brings the model and the evaluation together, so that both say the same. The rule: what is shipped
is what is scored, through the code that serves it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import onoma
from onoma.evaluation.calibration import calibration_of
from onoma.evaluation.comparison import compare
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.disturbances import DISTURBANCES, disturbed
from onoma.evaluation.intervals import tally_of
from onoma.evaluation.judging import JudgedSet, Told, judge
from onoma.evaluation.scorecard import (
    Record,
    calibration_record,
    comparison_record,
    macro_record,
    scorecard,
)
from onoma.evaluation.signature import signature_of
from onoma.evaluation.slices import Known
from onoma.evaluation.texts import FORMS, Form
from onoma.registry.bundle import Model
from onoma.registry.gate import mentions_at
from onoma.registry.gate_record import behaviour_sha256

WHAT = (
    "Strict span F1 on whole development sets, measured on the graph that ships. Types that a "
    "corpus does not annotate are ignored; each set counts once in the macro."
)


class Scoring:
    """One model on one choice of sets; each set is read once for each form of the text."""

    def __init__(
        self,
        model: Model,
        corpora: Sequence[Corpus],
        *,
        counted: Collection[str],
        known: Known,
        told: Told = lambda name: None,
    ) -> None:
        self._model = model
        self._corpora = corpora
        self._counted = counted
        self._known = known
        self._told = told
        self._judged: dict[Form, tuple[JudgedSet, ...]] = {}

    def record(self, form: Form) -> Record:
        """Return all scores on one form of the text, with the name of the model."""
        manifest = self._model.manifest
        signature = signature_of(
            self._corpora, form, model=behaviour_sha256(manifest), onoma=onoma.__version__
        )
        card = scorecard(
            self.judged(form), counted=self._counted, signature=signature, known=self._known
        )
        named = {
            "name": manifest.name,
            "version": manifest.version,
            "sha256": self._model.sha256,
            "gate": self._model.gate,
        }
        return {"model": named, **card, "calibration": self._calibration(form)}

    def robustness(self) -> Record:
        """Return the macro F1 on disturbed sets, and of their joining to documents."""
        main = [corpus for corpus in self._corpora if corpus.name in self._counted]
        scores: Record = {}
        for name, disturb in DISTURBANCES.items():
            self._told(name)
            spoilt = [disturbed(corpus, disturb) for corpus in main]
            scores[name] = macro_record(judge(self._model.recogniser, spoilt))
        return scores

    def joined(self) -> Record:
        """Return the macro F1 on neighbouring sentences joined to documents."""
        return {form: macro_record(self._main(form)) for form in ("documents", "lines")}

    def against(self, other: Model, form: Form) -> Record:
        """Return how this model differs from `other` on the same texts."""
        theirs = judge(other.recogniser, self._corpora, form, self._told)
        comparison = compare(
            [tally_of(one) for one in self.judged(form)],
            [tally_of(one) for one in theirs],
            set(self._counted),
        )
        named = {
            "name": other.manifest.name,
            "version": other.manifest.version,
            "sha256": other.sha256,
        }
        return {"model": named, **comparison_record(comparison)}

    def judged(self, form: Form) -> tuple[JudgedSet, ...]:
        """Return the sets as the model read them in `form`."""
        if form not in self._judged:
            self._judged[form] = judge(self._model.recogniser, self._corpora, form, self._told)
        return self._judged[form]

    def _main(self, form: Form) -> list[JudgedSet]:
        return [one for one in self.judged(form) if one.name in self._counted]

    def _calibration(self, form: Form) -> Record:
        manifest = self._model.manifest
        found = calibration_of(self._main(form), mentions_at(manifest), manifest.temperature)
        return calibration_record(found)


def scores_of(scoring: Scoring) -> dict[str, Any]:
    """Return what stands in a manifest's `scores`: the main figures in all forms of the text."""
    records = {form: scoring.record(form) for form in ("tokens", "raw")}
    tokens = records["tokens"]
    joined = scoring.joined()
    macros = {**records, **joined}
    return {
        "what": WHAT,
        "signatures": {form: record["signature"] for form, record in records.items()},
        "macro_f1": {form: macros[form]["macro_f1"] for form in FORMS},
        "macro_intervals": {form: macros[form]["macro_interval"] for form in FORMS},
        "sets": _rows(records, "sets"),
        "beside": _rows(records, "beside"),
        **{
            key: tokens[key]
            for key in ("intervals", "micro", "types", "languages", "mentions")
            if key in tokens
        },
        "text_length": tokens.get("text_length", {}),
        "mention_length": tokens.get("mention_length", {}),
        "calibration": tokens["calibration"],
        "robustness": scoring.robustness(),
    }


def _rows(records: dict[str, Record], key: str) -> Record:
    raw = records["raw"][key]
    return {
        name: {
            **{k: row[k] for k in ("language", "sentences", "types", "gold")},
            "tokens": row["f1"],
            "tokens_interval": row["interval"],
            "raw": raw[name]["f1"],
            "raw_interval": raw[name]["interval"],
            **{part: figure["f1"] for part, figure in row.get("mentions", {}).items()},
        }
        for name, row in records["tokens"][key].items()
    }
