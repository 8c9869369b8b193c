"""Makes the dashboards' JSON; docs/generate.py writes and checks it.

Panels get links to the runbooks of the alerts that link to them, so the rules are read. The
runbooks are a dashboard too, made of docs/runbooks.md: links between alerts, panels and runbooks
then need no other address than Grafana's own.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml
from deploy.monitoring.dashboards import overview, pipeline, quality, screening
from deploy.monitoring.dashboards.panels import Links, dashboard, frame

HERE = Path(__file__).parent
RULES = HERE.parent / "rules"
RUNBOOKS = HERE.parents[2] / "docs" / "runbooks.md"
RUNBOOKS_UID = "onoma-runbooks"
BOARDS = (overview.BOARD, pipeline.BOARD, quality.BOARD, screening.BOARD)
_PANEL = re.compile(r"/d/(?P<uid>[a-z-]+)\?viewPanel=(?P<id>[0-9]+)")
_SECTION = re.compile(r"^## (?P<title>.+)\n(?P<text>(?:(?!## ).*\n?)*)", re.MULTILINE)


def generated() -> dict[Path, str]:
    """Return the text of each dashboard by its path."""
    links = panel_links()
    boards = [dashboard(board, links) for board in BOARDS] + [runbooks()]
    return {
        HERE / f"{board['uid']}.json": json.dumps(board, indent=2, ensure_ascii=False) + "\n"
        for board in boards
    }


def alerts() -> list[dict[str, Any]]:
    """Return the alerting rules of all files."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(RULES.glob("*.yaml"))]
    groups = [group for file in files for group in file["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def place_of(address: str) -> tuple[str, int]:
    """Return dashboard and panel of an address in an annotation."""
    found = _PANEL.match(address)
    if found is None:
        raise ValueError(f"found {address!r}, wanted /d/<dashboard>?viewPanel=<number>")
    return found["uid"], int(found["id"])


def panel_links() -> Links:
    """Return the runbooks of the alerts that link to a panel."""
    found: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for rule in alerts():
        notes = rule["annotations"]
        found[place_of(notes["panel"])][f"Runbook: {rule['alert']}"] = notes["runbook_url"]
    return {place: tuple(links.items()) for place, links in found.items()}


def runbook_sections() -> list[tuple[str, str]]:
    """Return title and text of each section of the runbooks."""
    text = RUNBOOKS.read_text("utf-8")
    return [(each["title"], each["text"].strip()) for each in _SECTION.finditer(text)]


def runbooks() -> dict[str, Any]:
    """Return the dashboard of the runbooks, a panel for each section."""
    panels = [
        {
            "id": number,
            "type": "text",
            "title": title,
            "description": "From docs/runbooks.md.",
            "gridPos": {"x": 0, "y": 9 * (number - 1), "w": 24, "h": 9},
            "options": {"mode": "markdown", "content": text},
        }
        for number, (title, text) in enumerate(runbook_sections(), start=1)
    ]
    return frame(RUNBOOKS_UID, "Onoma: runbooks", "What to do for each alert.", panels)
