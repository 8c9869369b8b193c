"""Lets the clock of workers jump, by libfaketime: the wall clock alone, as when it is set anew.

The monotonic clock goes on, as it does then; the library reads the offset from a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIBRARIES = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
)
OFFSET_FILE = "clock-offset"


class NoFakedClockError(Exception):
    """The library is not there."""


def faked_clock(directory: Path) -> Mapping[str, str]:
    """Return the environment of a worker whose clock `set_clock` moves."""
    found = [path for path in LIBRARIES if path.exists()]
    if not found:
        raise NoFakedClockError(
            "found no libfaketime; install it (Debian: apt install libfaketime)"
        )
    set_clock(directory, 0)
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(directory / OFFSET_FILE),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(directory: Path, offset_seconds: int) -> None:
    """Move the clock of the workers by `offset_seconds` from the true time."""
    unfinished = directory / f"{OFFSET_FILE}.part"
    unfinished.write_text(f"{offset_seconds:+d}s\n", "utf-8")
    unfinished.replace(directory / OFFSET_FILE)
