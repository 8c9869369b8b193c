"""What all benchmarks share: their options, the machine they ran on, the JSON that is kept.

A result answers one question by figures, each with the goal that it is measured against. A full run
writes into benchmarks/results, where the baseline is committed; a `--quick` run shows that the
benchmark works, and keeps its figures in the work directory.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from benchmarks.documents import DATA
from onoma.registry.runtime import runtime_name

BASELINE = Path(__file__).parent / "results"
WORK = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and its goal: `value` has to be at least or at most `goal`; None is not asked."""

    name: str
    value: float
    goal: float | None = None
    bound: Literal["at least", "at most"] = "at least"
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Say whether the goal is met, None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.bound == "at least" else self.value <= self.goal


@dataclass(frozen=True, slots=True)
class Run:
    """How a benchmark was asked to run: from which data, in which directory, how thoroughly."""

    data: Path
    work: Path
    quick: bool

    def rounds(self, full: int) -> int:
        """Return the interleaved rounds: two where it is only tried."""
        return 2 if self.quick else full

    def size(self, full: int, quick: int) -> int:
        """Return the size of the thing measured."""
        return quick if self.quick else full

    def keep(
        self, name: str, question: str, figures: Sequence[Figure], details: Mapping[str, Any]
    ) -> None:
        """Print the figures, beside those of the baseline, and keep the JSON."""
        directory = self.work / "results" if self.quick else BASELINE
        before = _values(BASELINE / f"{name}.json")
        for figure in figures:
            click.echo(_line(figure, before.get(figure.name)))
        result = {
            "question": question,
            "quick": self.quick,
            "machine": machine(),
            "figures": [_told(figure) for figure in figures],
            "details": details,
        }
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{name}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options that every benchmark has."""
    for option in (
        click.option("--quick", is_flag=True, help="Try it in small; the baseline stays."),
        click.option("--work", type=click.Path(path_type=Path), default=WORK, show_default=True),
        click.option("--data", type=click.Path(exists=True, path_type=Path), default=DATA),
    ):
        command = option(command)
    return command


def machine() -> dict[str, Any]:
    """Return what the figures depend on besides the code; no name of the machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0) | _cores_of_init()),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "runtime": runtime_name(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def median(values: Iterable[float]) -> float:
    """Return the median, rounded to four digits that count."""
    return float(f"{statistics.median(values):.4g}")


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _told(figure: Figure) -> dict[str, Any]:
    told: dict[str, Any] = {"name": figure.name, "value": figure.value, "unit": figure.unit}
    if figure.goal is not None:
        told |= {"goal": f"{figure.bound} {figure.goal:g}", "met": figure.met}
    return told


def _line(figure: Figure, before: float | None) -> str:
    goal = ""
    if figure.goal is not None:
        goal = f"  {figure.bound} {figure.goal:g}: {'met' if figure.met else 'MISSED'}"
    baseline = "" if before is None else f"  baseline {before:g}"
    return f"{figure.name:60} {figure.value:>10g} {figure.unit:16}{goal}{baseline}"


def _values(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    figures = json.loads(path.read_text(encoding="utf-8")).get("figures", [])
    return {figure["name"]: figure["value"] for figure in figures}


def _cores_of_init() -> set[int]:
    """Return the cores of the machine: a benchmark pins itself to some of them."""
    return set(range(os.cpu_count() or 1))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
