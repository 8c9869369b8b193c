"""Writes the model card of a bundle from its manifest, so that the two can't drift apart.

Needs no torch. The rule: no figure stands in the card that does not stand in the manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from onoma.registry.manifest import Manifest


def card(manifest: Manifest) -> str:
    """Return the card as Markdown."""
    return "\n".join(
        (
            *_head(manifest),
            *_scores(manifest.scores),
            *_training(manifest.training),
            *_weaknesses(),
        )
    )


def _head(manifest: Manifest) -> Iterator[str]:
    types = ", ".join(dict.fromkeys(label[2:] for label in manifest.labels if label != "O"))
    yield f"# {manifest.name} {manifest.version}"
    yield ""
    yield f"A model of the kind `{manifest.kind}` that finds {types} in running text."
    yield "It was trained from scratch on openly licensed corpora and holds integer weights only."
    yield f"Trained languages (BCP 47): {', '.join(manifest.languages.trained)}."
    yield f"A unit's scores reach {manifest.context_units} units to each side."
    yield ""


def _scores(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "## Scores"
    yield ""
    yield f"{scores['what']}"
    yield "`tokens`: the corpus's own tokens."
    yield "`raw`: the tokens joined by blanks, cut by Onoma's segmentation."
    yield ""
    yield "| set | sentences | types | F1 tokens | F1 raw |"
    yield "|---|--:|---|--:|--:|"
    for name, row in scores["sets"].items():
        types = " ".join(row["types"])
        f1 = f"{row['tokens']:.3f} | {row['raw']:.3f}"
        yield f"| {name} | {row['sentences']:,} | {types} | {f1} |"
    macro = scores["macro_f1"]
    yield f"| **macro** | | | **{macro['tokens']:.3f}** | **{macro['raw']:.3f}** |"
    yield ""
    if scores.get("beside"):
        yield "Measured beside these, not in the macro:"
        yield ""
        yield from _table(
            ("set", "F1 tokens", "F1 raw"),
            ((n, f"{r['tokens']:.3f}", f"{r['raw']:.3f}") for n, r in scores["beside"].items()),
        )
    if scores.get("robustness"):
        yield "Macro F1 on the corpora's tokens when the text is disturbed:"
        yield ""
        yield from _table(
            ("disturbance", "macro F1"),
            ((name, f"{value:.3f}") for name, value in scores["robustness"].items()),
        )


def _training(training: Mapping[str, Any]) -> Iterator[str]:
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


def _weaknesses() -> Iterator[str]:
    yield "## Known weaknesses"
    yield ""
    yield "- No script without blanks (Thai, Lao, Khmer, Burmese, Chinese, Japanese) was trained."
    yield "  Their text is read in short pieces; expect little: `language.support` says so."
    yield "- Text in lower case throughout loses recall: capitals tell names in many languages."
    yield "- Dates are annotated in some corpora only; elsewhere they are found by transfer."
    yield "- Names that were not seen in training are found less often than those that were."
    yield "- Scores are of the corpora it was trained on, mostly news, Wikipedia and the web."
    yield ""


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""
