"""The record of a run as JSON: what was tried, what came of it, and the command that repeats it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import onoma
from onoma.stream.chaos.account import Account
from onoma.stream.chaos.figures import Figures

_LIBRARIES = ("aiokafka", "faust-streaming", "mode-streaming", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Played:
    """A fault that happened, `at_seconds` after the load began."""

    at_seconds: float
    fault: str
    target: int
    lasts_seconds: float

    def __str__(self) -> str:
        lasts = f" for {self.lasts_seconds} s" if self.lasts_seconds else ""
        return f"{self.at_seconds} s: {self.fault} {self.target}{lasts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run. `notes` are further counts that the run's kind thought worth telling."""

    kind: str
    seed: int
    delivery: str
    workers: int
    partitions: int
    seconds: float
    started_at: str
    faults: Sequence[Played]
    account: Account
    figures: Figures
    command: str
    versions: dict[str, str]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def tried(self) -> dict[str, int]:
        """How often each fault happened."""
        return dict(sorted(Counter(played.fault for played in self.faults).items()))

    def as_json(self) -> dict[str, Any]:
        """Return the record as it is kept."""
        return {
            **asdict(self),
            "faults": [str(played) for played in self.faults],
            "tried": self.tried,
            "faultless": self.account.faultless,
        }


def versions(**more: str) -> dict[str, str]:
    """Return the versions that a run depends on, with `more` that only the caller knows."""
    found = {name: version(name) for name in _LIBRARIES}
    return {"onoma": onoma.__version__, "python": platform.python_version(), **found, **more}
