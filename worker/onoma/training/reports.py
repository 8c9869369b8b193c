"""Writes an evaluation's record as a directory for people: report.md, report.json, plots.

Needs no torch; the plots need matplotlib. The rule: the report says nothing that is not in the
record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from onoma.errors import WrongUseError
from onoma.evaluation.learning import NEARLY, Curve, read_log
from onoma.training import plots
from onoma.training.files import lines_of

MOST_BARS = 60
NOT_RECORDED = "not recorded"

Record = Mapping[str, Any]


def open_directory(directory: Path) -> None:
    """Make the directory of a report; raise WrongUseError where none could be written to it."""
    plots.require_matplotlib()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUseError(f"{directory}: can't be made: {error.strerror}") from error


def write_report(record: Record, directory: Path) -> tuple[Path, ...]:
    """Write the report of `record` into `directory`, which is there; return the files."""
    model = f"{record['model']['name']} {record['model']['version']}, {record['text']}"
    try:
        (directory / "report.json").write_text(
            json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        pictures = list(_pictures(record, model, directory))
        text = "\n".join(_lines(record, model, pictures))
        (directory / "report.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUseError(f"{directory}: can't be written: {error.strerror}") from error
    return tuple(directory / name for name in ("report.md", "report.json", *pictures))


def read_curves(logs: Sequence[Path]) -> dict[str, Curve]:
    """Return the learning curve of each log by its path: every training's log has the same name."""
    return {str(log): read_log(lines_of(log), str(log)) for log in logs}


def _pictures(record: Record, model: str, directory: Path) -> Iterator[str]:
    if 0 < len(record["languages"]) <= MOST_BARS:
        plots.draw_bars(record["languages"], f"{model}: by language", directory / "languages.png")
        yield "languages.png"
    if 0 < len(record["sets"]) <= MOST_BARS:
        plots.draw_bars(record["sets"], f"{model}: by set", directory / "sets.png")
        yield "sets.png"
    plots.draw_reliability(record["calibration"], model, directory / "reliability.png")
    yield "reliability.png"
    if record.get("learning"):
        plots.draw_learning(record["learning"], "Learning curve", directory / "learning.png")
        yield "learning.png"


def _lines(record: Record, model: str, pictures: Sequence[str]) -> Iterator[str]:
    yield from _head(record, model)
    for picture in pictures:
        yield f"![{picture.removesuffix('.png')}]({picture})"
    yield ""
    for title, key in (
        ("Sets", "sets"),
        ("Beside the macro", "beside"),
        ("Languages", "languages"),
        ("Types", "types"),
        ("Names seen in training", "mentions"),
        ("Units in the text", "text_length"),
        ("Units in the name", "mention_length"),
    ):
        yield from _scores(title, record.get(key, {}))
    yield from _macros("Disturbed text", record.get("robustness", {}))
    yield from _macros("Joined to documents", record.get("joined", {}))
    yield from _confidences(record["calibration"])
    yield from _comparison(record.get("against"))
    yield from _convergence(record.get("learning", {}))


def _head(record: Record, model: str) -> Iterator[str]:
    low, high = record["macro_interval"]
    sets, named = len(record["sets"]), record["model"]
    yield f"# {model}"
    yield ""
    yield f"Macro F1 of {sets} set{'s' if sets > 1 else ''} **{record['macro_f1']:.4f}**"
    yield f"({low:.3f}-{high:.3f}), micro {record['micro']['f1']:.4f}."
    yield "A name is right where its first unit, its last unit and its type are (strict)."
    drawn = record["intervals"]
    yield f"Intervals of 95 % by a bootstrap over texts, {drawn['resamples']:,} draws."
    yield f"Model `{named['sha256']}`, gate `{named['gate']}`."
    yield f"Signature: `{record['signature']['line']}`."
    yield ""


def _scores(title: str, rows: Record) -> Iterator[str]:
    """Yield a table of `rows`, with a column only for what any of them has."""
    if not rows:
        return
    has_sentences = any("sentences" in row for row in rows.values())
    has_interval = any("interval" in row for row in rows.values())
    header = ["sentences"] * has_sentences + ["names", "precision", "recall", "F1"]
    yield f"## {title}"
    yield ""
    yield f"| | {' | '.join(header)} |{' 95 % |' * has_interval}"
    yield f"|---|{'--:|' * len(header)}{'---|' * has_interval}"
    for name, row in rows.items():
        cells = [f"{row['sentences']:,}"] if has_sentences else []
        cells += [f"{row['gold']:,}"]
        cells += [f"{row[figure]:.3f}" for figure in ("precision", "recall", "f1")]
        cells += ["{:.3f}-{:.3f}".format(*row["interval"])] if has_interval else []
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _macros(title: str, rows: Record) -> Iterator[str]:
    if not rows:
        return
    yield f"## {title}"
    yield ""
    yield "| | macro F1 | 95 % |"
    yield "|---|--:|---|"
    for name, row in rows.items():
        low, high = row["macro_interval"]
        yield f"| {name} | {row['macro_f1']:.4f} | {low:.3f}-{high:.3f} |"
    yield ""


def _confidences(calibration: Record) -> Iterator[str]:
    yield "## Confidences"
    yield ""
    fitted = " and ".join(str(t) for t in calibration["fitted_temperatures"])
    yield (
        f"Calibration error of mentions {calibration['ece']:.4f} at temperature "
        f"{calibration['temperature']}; {calibration['fitted_ece']:.4f} at {fitted}, each fitted "
        "on one half of the texts and measured on the other."
    )
    yield ""
    yield "| confidence | share that is right | mentions |"
    yield "|--:|--:|--:|"
    for one in calibration["bins"]:
        if one["mentions"]:
            yield f"| {one['confidence']:.2f} | {one['precision']:.2f} | {one['mentions']:,} |"
    yield ""


def _comparison(against: Record | None) -> Iterator[str]:
    if against is None:
        return
    yield f"## Against {against['model']['name']} {against['model']['version']}"
    yield ""
    yield "Paired bootstrap over texts; the p value is two-sided."
    yield ""
    yield "| | this | other | difference | 95 % | p |"
    yield "|---|--:|--:|--:|---|--:|"
    for name, row in {"**macro**": against["macro"], **against["sets"]}.items():
        yield (
            f"| {name} | {row['first']:.3f} | {row['second']:.3f} | {row['difference']:+.3f} | "
            f"{row['low']:+.3f} to {row['high']:+.3f} | {row['p']:.4f} |"
        )
    yield ""


def _convergence(curves: Record) -> Iterator[str]:
    if not curves:
        return
    yield "## Convergence"
    yield ""
    near = f"{NEARLY * 100:.0f} %"
    yield (
        f"When a training first had {near} of its last score: steps, units read, and seconds of "
        "one processor, those for the scores on the way included."
    )
    yield "The scores are of the sentences that training watched, not of the sets above."
    yield "Training before the labels (masked words) is not counted."
    yield ""
    yield f"| training | last F1 | {near} of it: steps | units | seconds | mean F1 |"
    yield "|---|--:|--:|--:|--:|--:|"
    for name, curve in curves.items():
        row = curve["near"]
        units = f"{row['units']:,}" if row["units"] else NOT_RECORDED
        seconds = f"{row['seconds']:,.1f}" if row["seconds"] else NOT_RECORDED
        yield (
            f"| {name} | {curve['final_f1']:.4f} | {row['step']:,} | {units} | {seconds} | "
            f"{curve['mean_f1']:.4f} |"
        )
    yield ""
