"""Writes docs/performance.md and its plots from the results that are kept.

    python -m benchmarks.page [--check]

One table of all figures that have a goal, then what else was found, and bars as SVG. The page says
what the JSON says: nothing is measured here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.results import BASELINE

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
NOTE = "<!-- Made by benchmarks/page.py; run `make bench`, then `make docs`. -->"
ORDER = (
    "worker", "pipeline", "fairness", "lengths", "processes", "latency", "memory", "bits",
    "emulated", "prototype", "roofline", "start", "encoder_forms", "peers", "agents", "gazetteer",
    "gazetteer_quality", "gazetteer_stream", "list_swap", "scanning",
)  # fmt: skip
BAR_HEIGHT, GAP, LABEL_WIDTH, BAR_WIDTH = 18, 6, 300, 340
INK, SOFT = "#1f3b57", "#9db4c8"
Result = Mapping[str, Any]


def main() -> int:
    """Write page and plots, or compare them; return the exit code."""
    results = read_results(BASELINE)
    files = {DOCS / "performance" / name: text for name, text in plots(results).items()}
    if results:
        files[PAGE] = page(results)
    if "--check" not in sys.argv[1:]:
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [
        path.name
        for path, text in files.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for name in stale:
        print(f"{name} is not what benchmarks/results say; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


def read_results(directory: Path) -> dict[str, Result]:
    """Return the results that are kept in `directory`, in the order of the page."""
    paths = {name: directory / f"{name}.json" for name in ORDER}
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.is_file()
    }


def page(results: Mapping[str, Result]) -> str:
    """Return the page."""
    lines = ["# Performance", "", NOTE, ""]
    lines += [
        "Figures are ratios measured side by side in one run, rounds interleaved, medians; "
        "absolute figures vary with the machine.",
        "How each was measured stands at the head of its file in `benchmarks/`.",
        "",
        "| figure | found | goal | |",
        "|---|--:|---|---|",
        *_rows(results),
        "",
    ]
    for name in plots(results):
        lines += [f"![{name.removesuffix('.svg')}](performance/{name})", ""]
    return "\n".join([*lines, *_machines(results)]) + "\n"


def plots(results: Mapping[str, Result]) -> dict[str, str]:
    """Return the plots by file name, of the results that there are."""
    drawn = {}
    if worker := results.get("worker"):
        lower = {
            figure["name"].partition(":")[0]: figure["value"]
            for figure in worker["figures"]
            if figure["name"].endswith("the lower")
        }
        drawn["worker.svg"] = bars("Whole worker on Kafka / bare session", lower)
    if peers := results.get("peers"):
        for size, found in peers["details"].items():
            title = f"Words per CPU-second, {size} and its peers"
            drawn[f"peers-{size}.svg"] = bars(title, found["words_per_cpu_second"])
    return drawn


def bars(title: str, values: Mapping[str, float]) -> str:
    """Return an SVG of horizontal bars from 0, one for each of `values`; Onoma's are darker."""
    largest = max(values.values(), default=1.0)
    height = 30 + len(values) * (BAR_HEIGHT + GAP)
    width = LABEL_WIDTH + BAR_WIDTH + 80
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="4" y="16" font-weight="bold" fill="{INK}">{escape(title)}</text>',
    ]
    for number, (name, value) in enumerate(values.items()):
        top = 26 + number * (BAR_HEIGHT + GAP)
        colour = INK if name.startswith("Onoma") else SOFT
        length = round(BAR_WIDTH * value / largest, 1)
        line = top + BAR_HEIGHT - 5
        lines += [
            f'<text x="{LABEL_WIDTH - 6}" y="{line}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LABEL_WIDTH}" y="{top}" width="{length}" height="{BAR_HEIGHT}" '
            f'fill="{colour}"/>',
            f'<text x="{LABEL_WIDTH + length + 4}" y="{line}">{_short(value)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _rows(results: Mapping[str, Result]) -> Iterator[str]:
    for result in results.values():
        yield f"| **{result['question']}** | | | |"
        for figure in result["figures"]:
            met = {True: "met", False: "**missed**"}.get(figure.get("met"), "")
            unit = f" {figure['unit']}" if figure["unit"] else ""
            yield (
                f"| {figure['name']} | {_short(figure['value'])}{unit} | {figure.get('goal', '')} "
                f"| {met} |"
            )
        for what, reason in _not_run(result["details"]):
            yield f"| {what}: not run, {reason} | | | |"


def _not_run(details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what could not be run, with the reason: of the result, or of one of its parts."""
    for part in (details, *details.values()):
        if isinstance(part, dict):
            yield from part.get("not_run", {}).items()


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _machines(results: Mapping[str, Result]) -> Sequence[str]:
    """Return a line for each machine that results are from."""
    seen: dict[str, list[str]] = {}
    for name, result in results.items():
        machine = result["machine"]
        told = f"{machine['cores']} cores of {machine['processor']}, {machine['runtime']}"
        seen.setdefault(told, []).append(name)
    return [f"- {told}: {', '.join(names)}." for told, names in seen.items()]


if __name__ == "__main__":
    sys.exit(main())
