"""Reads how much memory the worker has taken of how much it may.

Asked with each beat of the event loop, once a second. The rule: where the kernel sets a limit for
a control group, what counts is what the group holds and can't give back, as the kernel counts it
when it ends somebody; that includes a document tried alone in a process beside the worker.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT_BYTES = 1 << 62
"""Version 1 writes a number near 2^63 where there is no limit."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes taken, and most that may be; `limit_bytes` 0: no limit is known."""

    used_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Where one version of control groups says it."""

    directory: str
    limit: str
    usage: str
    reclaimable: str


_GROUPS = (
    _Group("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    _Group(
        "sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)


def memory(root: Path = Path("/")) -> Memory:
    """Return that of the control group that `root` shows, of this process where none is limited."""
    for group in _GROUPS:
        found = _of_group(root / group.directory, group)
        if found is not None:
            return found
    pages = int((root / "proc/self/statm").read_text("ascii").split()[1])
    return Memory(pages * os.sysconf("SC_PAGE_SIZE"), 0)


def _of_group(directory: Path, group: _Group) -> Memory | None:
    try:
        limit = (directory / group.limit).read_text("ascii").strip()
        if limit == "max" or int(limit) >= _NO_LIMIT_BYTES:
            return None
        usage = int((directory / group.usage).read_text("ascii"))
        lines = (directory / "memory.stat").read_text("ascii").splitlines()
    except OSError:
        return None
    counts = dict(line.split() for line in lines)
    return Memory(max(0, usage - int(counts.get(group.reclaimable, 0))), int(limit))
