"""Writes the model card of a bundle from its manifest, and docs/accuracy.md from the shipped one's.

Needs no torch. The rule: no figure stands in either that does not stand in the manifest, so that
they can't drift apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from onoma.registry.manifest import Manifest
from onoma.training.sources import NOT_STATED

FORMS = {
    "tokens": "the corpora's own tokens",
    "raw": "running text, cut by our segmentation",
    "documents": "ten to forty sentences joined by blanks",
    "lines": "ten to forty sentences joined by line ends",
}
_OTHER_SLICES = {"text_length": "units in the text", "mention_length": "units in the name"}

_OF_WORDHASH = (
    "- No script without blanks (Thai, Lao, Khmer, Burmese, Chinese, Japanese) was trained.",
    "  Their text is read in short pieces; expect little: `language.support` says so.",
    "- Text in lower case throughout loses recall: capitals tell names in many languages.",
    "- Dates are annotated in some corpora only; elsewhere they are found by transfer.",
    "- Scores are of the corpora it was trained on, mostly news, Wikipedia and the web.",
)


def card(manifest: Manifest) -> str:
    """Return the card as Markdown."""
    return "\n".join(
        (
            *_head(manifest),
            *score_sections(manifest.scores),
            *_training(manifest.training),
            *_weaknesses(manifest),
        )
    )


def accuracy_page(manifest: Manifest, note: str) -> str:
    """Return docs/accuracy.md: what the shipped model promises, on which data, where it is weak."""
    return "\n".join(
        (
            "# Accuracy",
            "",
            note,
            "",
            f"Of the model that ships, {manifest.name} {manifest.version}.",
            "`onoma evaluate` gives the same figures for any bundle, with `--json` as a record.",
            "",
            *score_sections(manifest.scores),
            *_training(manifest.training),
            *_weaknesses(manifest),
        )
    )


def score_sections(scores: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of all scores, by set, language, type, disturbance, and calibration."""
    yield "## Scores"
    yield ""
    if not scores.get("sets"):
        yield "None are stated here: `onoma evaluate` measures them."
        yield ""
        return
    yield f"{scores['what']}"
    if "intervals" in scores:
        share, resamples = scores["intervals"]["share"], scores["intervals"]["resamples"]
        yield f"In brackets: {share:.0%} intervals by a bootstrap over texts, {resamples:,} draws."
    yield ""
    yield from _forms(scores)
    yield from _sets(scores)
    yield from _parts("By type", "type", scores.get("types", {}))
    yield from _parts("By language", "language", scores.get("languages", {}))
    mentions = scores.get("mentions", {})
    yield from _parts("Names that training saw, and others", "in training", mentions)
    for key, what in _OTHER_SLICES.items():
        yield from _parts(f"By {what}", what, scores.get(key, {}))
    yield from _robustness(scores.get("robustness", {}))
    yield from _calibration(scores.get("calibration", {}))
    yield from _signatures(scores.get("signatures", {}))


def _head(manifest: Manifest) -> Iterator[str]:
    types = ", ".join(dict.fromkeys(label[2:] for label in manifest.labels if label != "O"))
    yield f"# {manifest.name} {manifest.version}"
    yield ""
    yield f"A model of the kind `{manifest.kind}` that finds {types} in running text."
    if manifest.kind == "wordhash":
        yield f"It was trained {_start(manifest.training)} and holds integer weights."
        yield f"A unit's scores reach {manifest.context_units} units to each side."
    yield f"Trained languages (BCP 47): {', '.join(manifest.languages.trained) or NOT_STATED}."
    yield ""


def _start(training: Mapping[str, Any]) -> str:
    rows = training.get("corpora", {}).values()
    stated = all(row["licence"] != NOT_STATED for row in rows)
    corpora = "openly licensed corpora" if stated else "the corpora below"
    further = []
    if (start := training.get("started_from")) is not None:
        further.append(f"starting from {start['name']} {start['version']}")
    if teachers := training.get("teachers"):
        named = ", ".join(f"{one['name']} {one['version']}" for one in teachers)
        further.append(f"taught by {named}")
    from_scratch = "" if start else "from scratch "
    return ", ".join((f"{from_scratch}on {corpora}", *further)) + ("," if further else "")


def _forms(scores: Mapping[str, Any]) -> Iterator[str]:
    ranges = scores.get("macro_intervals", {})
    yield from _table(
        ("text", "what it is", "macro F1"),
        (
            (form, FORMS[form], _with(f1, ranges.get(form)))
            for form, f1 in scores["macro_f1"].items()
        ),
    )


def _sets(scores: Mapping[str, Any]) -> Iterator[str]:
    header = ("set", "sentences", "types", "F1 tokens", "F1 raw", "F1 of unseen names")
    yield from _table(header, (_set(name, row) for name, row in scores["sets"].items()))
    if scores.get("beside"):
        yield "Measured beside these, not in the macro:"
        yield ""
        yield from _table(header, (_set(name, row) for name, row in scores["beside"].items()))


def _set(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    unseen = f"{row['unseen']:.3f}" if "unseen" in row else ""
    return (
        name,
        f"{row['sentences']:,}",
        " ".join(row["types"]),
        _with(row["tokens"], row.get("tokens_interval")),
        _with(row["raw"], row.get("raw_interval")),
        unseen,
    )


def _parts(title: str, what: str, parts: Mapping[str, Any]) -> Iterator[str]:
    if not parts:
        return
    yield f"### {title}"
    yield ""
    yield from _table(
        (what, "names", "precision", "recall", "F1"),
        (
            (
                name,
                f"{row['gold']:,}",
                f"{row['precision']:.3f}",
                f"{row['recall']:.3f}",
                _with(row["f1"], row.get("interval")),
            )
            for name, row in parts.items()
        ),
    )


def _robustness(robustness: Mapping[str, Any]) -> Iterator[str]:
    if not robustness:
        return
    yield "### Disturbed text"
    yield ""
    yield "Macro F1 on the corpora's tokens when the text is disturbed:"
    yield ""
    yield from _table(
        ("disturbance", "macro F1"),
        ((name, _with(row["macro_f1"], row["macro_interval"])) for name, row in robustness.items()),
    )


def _calibration(calibration: Mapping[str, Any]) -> Iterator[str]:
    if not calibration:
        return
    yield "### Confidences"
    yield ""
    yield (
        f"Expected calibration error of mentions {calibration['ece']:.3f} at the temperature "
        f"{calibration['temperature']}, ten bins, all sets pooled."
    )
    yield (
        f"With a temperature fitted on one half of the texts and measured on the other: "
        f"{calibration['fitted_ece']:.3f}."
    )
    yield ""
    yield from _table(
        ("mean confidence", "share that is right", "mentions"),
        (
            (f"{one['confidence']:.2f}", f"{one['precision']:.2f}", f"{one['mentions']:,}")
            for one in calibration["bins"]
            if one["mentions"]
        ),
    )


def _signatures(signatures: Mapping[str, Any]) -> Iterator[str]:
    if not signatures:
        return
    yield "### Signatures"
    yield ""
    yield "Equal signatures mean equal scores."
    yield ""
    for signature in signatures.values():
        yield f"- `{signature['line']}`"
    yield ""


def _training(training: Mapping[str, Any]) -> Iterator[str]:
    yield from _origin(training)
    if "corpora" not in training:
        return
    yield "## Training data"
    yield ""
    yield (
        f"{training['units']:,} units were read in {training['seconds']:,} seconds "
        f"of one processor core, seed {training['seed']}."
    )
    yield "Sentences that are also in the same corpus's dev part were removed."
    yield "Test parts were never opened."
    yield "Nothing of the texts is in this bundle."
    yield ""
    yield from _table(
        ("corpus", "sentences", "tokens", "licence", "source"),
        (
            (name, f"{row['sentences']:,}", f"{row['tokens']:,}", row["licence"], row["source"])
            for name, row in training["corpora"].items()
        ),
    )
    yield from _lists(training.get("gazetteer", ()))


def _lists(lists: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lists of names that a bundle carries, for those whose licence asks to be named."""
    if not lists:
        return
    yield "The model looks words up in lists of names, which are in this bundle, each as it is"
    yield "looked up: romanised, without case and marks. Names of over eight words are left out."
    yield ""
    yield from _table(
        ("list", "of", "names", "licence", "source"),
        (
            (row["file"], row["kind"], f"{row['names']:,}", row["licence"], row["source"])
            for row in lists
        ),
    )


def _origin(training: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a model came from that did not begin here."""
    if "origin" not in training:
        return
    yield "## Origin"
    yield ""
    yield f"{training.get('what', 'Imported.')}"
    if "parameters" in training:
        yield f"It has {training['parameters']:,} parameters, served as {training['precision']}."
    yield ""
    yield from _table(
        ("file", "sha256"), ((name, f"`{digest}`") for name, digest in training["origin"].items())
    )


def _weaknesses(manifest: Manifest) -> Iterator[str]:
    known = [*_measured_weaknesses(manifest.scores)]
    if manifest.kind == "wordhash":
        known += _OF_WORDHASH
    if known:
        yield from ("## Known weaknesses", "", *known, "")


def _measured_weaknesses(scores: Mapping[str, Any]) -> Iterator[str]:
    sets = scores.get("sets", {})
    if sets:
        weakest = sorted(sets, key=lambda name: sets[name]["tokens"])[:3]
        listed = ", ".join(f"{name} ({sets[name]['tokens']:.2f})" for name in weakest)
        yield f"- Weakest sets: {listed}."
    mentions = scores.get("mentions", {})
    if "unseen" in mentions and "seen" in mentions:
        seen, unseen = mentions["seen"]["recall"], mentions["unseen"]["recall"]
        yield f"- Of names that training saw {seen:.0%} are found, of others {unseen:.0%}."
    types = scores.get("types", {})
    if types:
        weakest_type = min(types, key=lambda kind: types[kind]["f1"])
        yield f"- Weakest type: {weakest_type}, F1 {types[weakest_type]['f1']:.2f}."


def _with(f1: float, interval: Iterable[float] | None) -> str:
    if interval is None:
        return f"{f1:.3f}"
    low, high = interval
    return f"{f1:.3f} ({low:.3f}-{high:.3f})"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""
