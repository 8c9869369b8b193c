"""Makes a written graph a bundle that may be served: temperature, scores, card, gate.

Last step of `bundle.write`, and the same for a bundle that is judged anew. Needs no torch. The
rule: all of it is measured on the files that ship, in this order, because each hash covers what was
written before: the temperature decides confidences, the card shows the scores, the gate judges all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from onoma.evaluation.calibration import best_temperature
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.judging import Told, judge
from onoma.evaluation.slices import Known, known_mentions
from onoma.ner.recogniser import AnyRecogniser
from onoma.registry import bundle
from onoma.registry.gate import Evidence, gate, mentions_at, write_manifest
from onoma.registry.gate_record import Check
from onoma.registry.manifest import CARD_NAME, Manifest
from onoma.registry.scoring import Scoring, scores_of
from onoma.training.card import card
from onoma.training.sources import scored


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a bundle is scored and judged on: its development sets, those that count, and the
    mentions that training had seen.
    """

    dev: tuple[Corpus, ...]
    counted: frozenset[str]
    known: Known

    @classmethod
    def of(cls, dev: Iterable[Corpus], train: Iterable[Corpus]) -> Grounds:
        """Return the grounds of a training on `train`."""
        sets = tuple(dev)
        counted = frozenset(corpus.name for corpus in scored(sets))
        return cls(sets, counted, known_mentions(train))


def finish(
    directory: Path,
    grounds: Grounds,
    *,
    date: str,
    reference: AnyRecogniser | None = None,
    told: Told = lambda name: None,
) -> tuple[Check, ...]:
    """Fit the temperature, score, write the card and gate the bundle in `directory`.

    Returns the checks of the gate; where one failed, the bundle is scored but not gated.
    """
    told("temperature")
    fit_temperature(directory, grounds)
    told("scores")
    write_scores(directory, grounds, told)
    told("gate")
    evidence = Evidence(grounds.dev, grounds.counted, reference)
    return gate(directory, evidence, date=date)


def fit_temperature(directory: Path, grounds: Grounds) -> float:
    """Write the temperature at which the confidences of the dev sets' mentions are likeliest."""
    model = bundle.load(directory, allow_ungated=True)
    main = [corpus for corpus in grounds.dev if corpus.name in grounds.counted]
    judged = judge(model.recogniser, main)
    temperature = best_temperature(judged, mentions_at(model.manifest))
    write_manifest(
        directory, msgspec.structs.replace(model.manifest, temperature=temperature, gate=None)
    )
    return temperature


def write_scores(directory: Path, grounds: Grounds, told: Told = lambda name: None) -> Manifest:
    """Score the bundle in `directory`; write the scores into its manifest and its card."""
    model = bundle.load(directory, allow_ungated=True)
    scoring = Scoring(model, grounds.dev, counted=grounds.counted, known=grounds.known, told=told)
    manifest = msgspec.structs.replace(model.manifest, scores=scores_of(scoring), gate=None)
    return write_card(directory, manifest)


def write_card(directory: Path, manifest: Manifest) -> Manifest:
    """Write the card of `manifest`, and the manifest with the card's hash."""
    text = card(manifest).encode()
    (directory / CARD_NAME).write_bytes(text)
    files = {**manifest.files, CARD_NAME: hashlib.sha256(text).hexdigest()}
    manifest = msgspec.structs.replace(manifest, files=files)
    write_manifest(directory, manifest)
    return manifest
