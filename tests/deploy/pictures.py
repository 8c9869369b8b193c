"""Draws what panels showed: `python -m tests.deploy.pictures PANELS.json DIRECTORY`, a PNG a board.

The file is what `PANELS_REPORT` makes test_watched.py write. Needs matplotlib (extra [train]).
It is for looking at figures with one's own eyes; how Grafana lays them out it does not show.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLUMNS = 4


def main() -> int:
    """Draw each board; return the exit code."""
    source, directory = map(Path, sys.argv[1:])
    targets = json.loads(source.read_text("utf-8"))
    for board, of_board in itertools.groupby(targets, key=lambda target: target["board"]):
        draw(directory / f"{board}.png", list(of_board))
    return 0


def draw(path: Path, targets: Sequence[dict[str, Any]]) -> None:
    """Draw the panels of one board."""
    from matplotlib import pyplot

    panels = {target["panel"]: [] for target in targets}  # type: dict[str, list[dict[str, Any]]]
    for target in targets:
        panels[target["panel"]].append(target)
    rows = -(-len(panels) // COLUMNS)
    figure, axes = pyplot.subplots(rows, COLUMNS, figsize=(22, 3.3 * rows), squeeze=False)
    start = min(each["values"][0][0] for target in targets for each in target["series"])
    for axis, (title, of_panel) in zip(axes.flat, panels.items(), strict=False):
        axis.set_title(f"{title} [{of_panel[0]['unit']}]", fontsize=8)
        for target, series in ((t, s) for t in of_panel for s in t["series"]):
            times, values = zip(*series["values"], strict=True)
            name = _called(target["legend"], series["metric"])
            axis.plot([each - start for each in times], list(map(float, values)), label=name)
        axis.legend(fontsize=6)
        axis.set_ylim(bottom=0)
    for unused in axes.flat[len(panels) :]:
        unused.remove()
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def _called(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], "?")[:20], legend)


if __name__ == "__main__":
    sys.exit(main())
