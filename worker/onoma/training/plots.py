"""Draws an evaluation: bars with intervals, a reliability diagram, learning curves.

Only `reports.py` calls it. matplotlib is in the extra `train` and is imported when something is
drawn. The rule: every axis is labelled with what it counts, F1 starts at 0, and one colour means
one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from onoma.errors import WrongUseError
from onoma.evaluation.learning import NEARLY

INK, SOFT, ACCENT = "#1f3b57", "#9db4c8", "#c8553d"
DOTS_PER_INCH = 120


def require_matplotlib() -> None:
    """Raise WrongUseError where plots can't be drawn."""
    if find_spec("matplotlib") is None:
        raise WrongUseError("plots need matplotlib, not installed here: install onoma[train]")


def draw_bars(rows: Mapping[str, Mapping[str, Any]], title: str, path: Path) -> None:
    """Draw F1 with its interval for each of `rows`, the best on top."""
    drawing, axes = figure(width=8, height=1.2 + 0.28 * len(rows))
    names = sorted(rows, key=lambda name: float(rows[name]["f1"]))
    f1 = [float(rows[name]["f1"]) for name in names]
    low = [f - float(rows[name]["interval"][0]) for name, f in zip(names, f1, strict=True)]
    high = [float(rows[name]["interval"][1]) - f for name, f in zip(names, f1, strict=True)]
    errors = [[max(0.0, value) for value in side] for side in (low, high)]
    axes.barh(names, f1, color=SOFT, xerr=errors, ecolor=INK, capsize=2, height=0.7)
    for place, value in enumerate(f1):
        axes.text(0.01, place, f"{value:.3f}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel("strict span F1, with 95 % intervals")
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
    save(drawing, path)


def draw_reliability(calibration: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw how many mentions are right against how sure the model was."""
    drawing, axes = figure(width=5.5, height=5.5)
    bins = [one for one in calibration["bins"] if one["mentions"]]
    most = max((one["mentions"] for one in bins), default=1)
    confidence = [one["confidence"] for one in bins]
    precision = [one["precision"] for one in bins]
    sizes = [20 + 380 * one["mentions"] / most for one in bins]
    axes.plot([0, 1], [0, 1], color=SOFT, linestyle="--", label="as sure as right")
    axes.plot(confidence, precision, color=INK, linewidth=1)
    axes.scatter(confidence, precision, s=sizes, color=INK, alpha=0.7, label="mentions (area)")
    axes.set_xlim(0, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("confidence of the mention")
    axes.set_ylabel("share of mentions that are right")
    axes.set_title(f"{title}\ncalibration error {calibration['ece']:.3f}")
    axes.legend(loc="upper left", markerscale=0.5)
    axes.grid(alpha=0.3)
    save(drawing, path)


def draw_learning(curves: Mapping[str, Mapping[str, Any]], title: str, path: Path) -> None:
    """Draw the score against the units read, one line a training, with its near-final point; or
    against steps, where a training did not record its units.
    """
    drawing, axes = figure(width=8, height=5)
    rows = [row for curve in curves.values() for row in curve["scores"]]
    by_units = all(row["units"] for row in rows if row["step"])
    for name, curve in curves.items():
        scores, near = curve["scores"], curve["near"]
        *places, place = (
            row["units"] / 1e6 if by_units else row["step"] for row in (*scores, near)
        )
        (line,) = axes.plot(places, [row["f1"] for row in scores], marker="o", label=name)
        axes.axvline(place, color=line.get_color(), linestyle=":", linewidth=1)
        told = f"{near['seconds']:,.0f} s" if near["seconds"] else f"step {near['step']:,}"
        axes.annotate(
            f"{NEARLY * 100:.0f} % of the last: {told}",
            (place, near["f1"]),
            textcoords="offset points",
            xytext=(6, -14),
            fontsize=8,
        )
    axes.set_ylim(0, 1)
    axes.set_xlim(left=0)
    axes.set_xlabel("million units read" if by_units else "steps")
    axes.set_ylabel("macro F1 on the sentences that training watched")
    axes.set_title(title)
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    save(drawing, path)


def figure(*, width: float, height: float) -> tuple[Any, Any]:
    """Return a figure of so many inches, and its axes."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not through pyplot: that keeps every figure and chooses a window system.
    drawing = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(drawing)
    return drawing, drawing.add_subplot()


def save(drawing: Any, path: Path) -> None:
    """Write a figure to `path`."""
    # Without the date and version of the program, equal figures are equal files.
    drawing.savefig(path, metadata={"Software": None})
