"""A disk of its own for a broker, small enough to be filled: a tmpfs, so it takes root to mount."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEBIBYTE = 1024 * 1024
SIZE = "256m"
FILLER = "filler"


class NoSmallDiskError(Exception):
    """No file system could be mounted."""


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a small file system and give it up at the end."""
    with tempfile.TemporaryDirectory(prefix="onoma-disk-") as directory:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", directory],
            capture_output=True,
            text=True,
        )
        if mounted.returncode:
            raise NoSmallDiskError(f"can't mount a tmpfs, root can: {mounted.stderr.strip()}")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


def fill(directory: Path) -> None:
    """Leave no room."""
    with contextlib.suppress(OSError), (directory / FILLER).open("wb", buffering=0) as filler:
        while True:
            filler.write(b"\0" * MEBIBYTE)
    try:
        (directory / f"{FILLER}-2").write_bytes(b"\0" * 4096)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return
        raise
    raise AssertionError(f"{directory} took a file when it ought to be full")


def make_room(directory: Path) -> None:
    """Take away what filled it."""
    for name in (FILLER, f"{FILLER}-2"):
        (directory / name).unlink(missing_ok=True)
