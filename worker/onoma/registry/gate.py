"""Judges a bundle and writes the gate record into its manifest: what `onoma model gate` does.

Training calls `gate` at its end too. The rule: a bundle that fails a check keeps its manifest as it
was, so it stays unserved; and the record is written last, by a rename, so that a bundle is never
half gated.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import onoma
from onoma.errors import BundleError
from onoma.evaluation.calibration import MentionsAt, calibration_of
from onoma.evaluation.corpora import Corpus
from onoma.evaluation.judging import Told, judge
from onoma.evaluation.signature import sha256_of
from onoma.ner.recogniser import AnyRecogniser, mentions_of_each
from onoma.registry import bundle
from onoma.registry.checks import (
    check_calibration,
    check_precision,
    check_regression,
    frozen_words,
)
from onoma.registry.gate_record import Check, record_of, with_gate
from onoma.registry.invariance import check_invariance
from onoma.registry.manifest import MANIFEST_NAME, Manifest
from onoma.registry.runtime import runtime_name

NO_DATA = "no annotated corpora were given"
NO_REFERENCE = "no graph of full precision was given"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a bundle is judged on: development sets, which of them count in the macro, and the same
    model in full precision.
    """

    corpora: Sequence[Corpus] = ()
    counted: Collection[str] = ()
    reference: AnyRecogniser | None = None


def gate(
    directory: Path, evidence: Evidence, *, date: str, told: Told = lambda name: None
) -> tuple[Check, ...]:
    """Judge the bundle in `directory`, write its gate record if nothing failed, return the checks.

    `date` is the day of the judgement, as ISO 8601. Raises BundleError for a bundle that can't run.
    """
    model = bundle.load(directory, allow_ungated=True)
    again = bundle.load(directory, allow_ungated=True).recogniser
    checks = judged_checks(model, again, evidence, told)
    if all(check.passed is not False for check in checks):
        record = record_of(
            model.manifest,
            checks,
            date=date,
            onoma=onoma.__version__,
            runtime=runtime_name(),
            data=sha256_of(evidence.corpora) if evidence.corpora else "",
        )
        write_manifest(directory, with_gate(model.manifest, record))
        bundle.load(directory)
    return checks


def judged_checks(
    model: bundle.Model, again: AnyRecogniser, evidence: Evidence, told: Told
) -> tuple[Check, ...]:
    """Return what the checks say about `model`; `again` is its bundle, opened anew."""
    manifest, recogniser = model.manifest, model.recogniser
    told("regression set")
    first = [check_regression(manifest, recogniser)]
    told("batch invariance")
    first.append(check_invariance(recogniser, again, frozen_words()))
    if not evidence.corpora:
        absent = ("calibration", "int8 against full precision")
        return (*first, *(Check(name, None, note=NO_DATA) for name in absent))
    judged = judge(recogniser, evidence.corpora, told=told)
    main = [one for one in judged if one.name in evidence.counted] or judged
    told("calibration")
    found = calibration_of(main, mentions_at(manifest), manifest.temperature)
    first.append(check_calibration(found))
    if evidence.reference is None:
        return (*first, Check("int8 against full precision", None, note=NO_REFERENCE))
    told("full precision")
    reference = judge(evidence.reference, evidence.corpora, told=told)
    return (*first, check_precision(judged, reference, evidence.counted))


def reference_of(directory: Path, reference: Path) -> AnyRecogniser:
    """Return the model of `directory` in full precision: that of the bundle `reference`, or its own
    with the ONNX file `reference` as graph.
    """
    manifest, _ = bundle.verify(directory)
    if not reference.is_dir():
        return bundle.recogniser_of(manifest, directory, reference)
    model = bundle.load(reference, allow_ungated=True)
    if model.manifest.labels != manifest.labels:
        raise BundleError(f"{reference}: has other labels than {directory}: it is no reference")
    return model.recogniser


def mentions_at(manifest: Manifest) -> MentionsAt:
    """Return what finds the mentions of `manifest`'s model at any temperature."""
    return lambda emissions, temperature: mentions_of_each(
        emissions, bundle.decoder_of(manifest, temperature), manifest.labels
    )


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Put `manifest` in the place of the old one, in one step."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
    beside = directory.with_name(f".{directory.name}.{MANIFEST_NAME}")
    try:
        beside.write_bytes(data)
        beside.replace(directory / MANIFEST_NAME)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BundleError(f"{directory}: can't be written: {error.strerror}") from error
