"""What a bundle has to pass before it is served: one function for each thing that is looked at.

Called by `gate.py`. The rule: a check says what it measured and which limit that was held to, and
a check that could not be made says so; it never counts as passed.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from onoma.evaluation.calibration import Calibration
from onoma.evaluation.intervals import tally_of
from onoma.evaluation.judging import JudgedSet, read
from onoma.evaluation.spans import Counts, Span, added, count, macro_f1, micro
from onoma.ner.recogniser import AnyRecogniser
from onoma.registry.gate_record import Check
from onoma.registry.manifest import Manifest
from onoma.text.segmentation import segment

REGRESSION_FILE = "regression.jsonl"
FEWEST_REGRESSION_SPANS = 4
LEAST_REGRESSION_F1 = 0.75
"""The sentences are plain, but a name in them may be new to a model; below this it is broken."""
LARGEST_ECE = 0.05
LARGEST_LOSS = 0.010
LARGEST_MACRO_LOSS = 0.003
SPARED_ENTITIES = 2
"""A small set may lose this many entities, though they are more than `LARGEST_LOSS`."""

_MARKED = re.compile(r"\[(?P<label>\w+) (?P<name>[^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Marked:
    """An invented sentence, the language it is in, and its names in characters."""

    language: str
    text: str
    spans: tuple[Span, ...]


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    language: str
    marked: str


def frozen_sentences() -> Iterator[Marked]:
    """Yield the sentences of the frozen regression set."""
    file = importlib.resources.files("onoma.registry") / REGRESSION_FILE
    for line in file.read_text(encoding="utf-8").splitlines():
        row = msgspec.json.decode(line, type=_Line)
        yield marked(row.language, row.marked)


def frozen_words() -> list[str]:
    """Return the units of the frozen regression set, one sentence after the other."""
    return segment(" ".join(sentence.text for sentence in frozen_sentences())).strings()


def marked(language: str, text: str) -> Marked:
    """Return the sentence in which names are written as `[LABEL name]`."""
    plain, spans, done = "", [], 0
    for match in _MARKED.finditer(text):
        plain += text[done : match.start()]
        start = len(plain)
        plain += match["name"]
        spans.append(Span(start, len(plain), match["label"]))
        done = match.end()
    return Marked(language, plain + text[done:], tuple(spans))


def check_regression(manifest: Manifest, recogniser: AnyRecogniser) -> Check:
    """Find the names of plain sentences in the bundle's languages, or the model is broken."""
    types = {label[2:] for label in manifest.labels}
    languages = {*manifest.languages.trained, *manifest.languages.zero_shot}
    chosen = [s for s in frozen_sentences() if s.language in languages]
    totals: dict[str, Counts] = {}
    for sentence in chosen:
        units = segment(sentence.text)
        (found,) = recogniser.mentions(read(recogniser, [units.strings()]))
        spans = [
            Span(int(units.starts[m.start]), int(units.ends[m.end - 1]), m.label) for m in found
        ]
        labels = types & {span.label for span in sentence.spans}
        totals = added(totals, count(spans, sentence.spans, labels))
    counts = micro(totals)
    if counts.gold < FEWEST_REGRESSION_SPANS:
        return Check("regression", None, note="the set has no names in the bundle's languages")
    return Check(
        "regression",
        counts.f1 >= LEAST_REGRESSION_F1,
        {"f1": round(counts.f1, 4), "names": counts.gold, "sentences": len(chosen)},
        {"f1": LEAST_REGRESSION_F1},
    )


def check_calibration(calibration: Calibration) -> Check:
    """Hold the calibration error of mentions, as they will be served, to its limit."""
    return Check(
        "calibration",
        calibration.ece <= LARGEST_ECE,
        {"ece": round(calibration.ece, 4), "temperature": calibration.temperature},
        {"ece": LARGEST_ECE},
    )


def check_precision(
    judged: Sequence[JudgedSet], reference: Sequence[JudgedSet], counted: Collection[str]
) -> Check:
    """Compare the graph that ships with one of full precision, by language and by label.

    Cells of one label in one language are too small for a limit of their own; the worst is named.
    """
    ours, theirs = _tables(judged), _tables(reference)
    losses = {
        (language, label): theirs[language, label].f1 - counts.f1
        for (language, label), counts in ours.items()
    }
    beyond = [
        f"{language} {label}".strip()
        for (language, label), loss in losses.items()
        if not (language and label)
        and loss > max(LARGEST_LOSS, SPARED_ENTITIES / max(theirs[language, label].gold, 1))
    ]
    macro = [
        macro_f1(tally_of(one).total() for one in sets if one.name in counted)
        for sets in (reference, judged)
    ]
    worst = {kind: _worst(losses, kind) for kind in ("language", "label", "language and label")}
    return Check(
        "int8 against full precision",
        not beyond and macro[0] - macro[1] <= LARGEST_MACRO_LOSS,
        {
            "macro_loss": round(macro[0] - macro[1], 4),
            "worst": worst,
            "beyond": beyond,
        },
        {"macro_loss": LARGEST_MACRO_LOSS, "loss": LARGEST_LOSS, "entities": SPARED_ENTITIES},
    )


def _tables(judged: Sequence[JudgedSet]) -> dict[tuple[str, str], Counts]:
    """Return counts by (language, label), and with "" for all languages or all labels."""
    table: dict[tuple[str, str], Counts] = {}
    for one in judged:
        for label, counts in tally_of(one).by_type().items():
            for key in ((one.language, label), (one.language, ""), ("", label)):
                table[key] = table.get(key, Counts()) + counts
    return table


def _worst(losses: dict[tuple[str, str], float], kind: str) -> dict[str, float]:
    wanted = {"language": (True, False), "label": (False, True)}.get(kind, (True, True))
    chosen = {key: loss for key, loss in losses.items() if (bool(key[0]), bool(key[1])) == wanted}
    if not chosen:
        return {}
    key = max(chosen, key=lambda key: chosen[key])
    return {" ".join(key).strip(): round(chosen[key], 4)}
