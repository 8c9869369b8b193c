"""Builds the image into a store of the tests' own, and says what is in it.

What `make image` runs is run here: deploy/image/build.sh, without a daemon and without a registry.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILD = Path(__file__).parents[2] / "deploy" / "image" / "build.sh"
TOOLS = ("buildah", "mmdebstrap", "runc")
NAME = "localhost/onoma:tested"
BUILD_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class Image:
    """An image that lies unpacked at `root`; nothing of it is written to."""

    root: Path
    user: str
    environment: tuple[str, ...]
    entrypoint: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """What its files hold together; a file with many names counts once."""
        seen = {}
        for directory, _, names in os.walk(self.root):
            for name in names:
                found = (Path(directory) / name).lstat()
                seen[found.st_ino] = found.st_size
        return sum(seen.values())


def missing_tools() -> str | None:
    """Say what an image can't be built and run for here."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"found no {', '.join(absent)}; install them (Debian has all three)"
    return None if os.geteuid() == 0 else "found no root; wanted it for mounts and control groups"


@contextmanager
def built(directory: Path) -> Iterator[Image]:
    """Build the image; what the store holds is gone afterwards."""
    store = ["--root", str(directory / "store"), "--runroot", str(directory / "run")]
    buildah = ["buildah", *store]
    environment = {**os.environ, "BUILDAH": " ".join(buildah)}
    _run([str(BUILD), NAME], env=environment)
    container = _run([*buildah, "from", "--pull-never", NAME]).strip()
    try:
        root = Path(_run([*buildah, "mount", container]).strip())
        config = _configuration(_run([*buildah, "inspect", "--type", "image", NAME]))
        yield Image(root, config["User"], tuple(config["Env"]), tuple(config["Entrypoint"]))
    finally:
        _run([*buildah, "rm", container])
        _run([*buildah, "rmi", "--all", "--force"])


def _configuration(inspected: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(inspected)["Docker"]["config"]
    return found


def _run(command: list[str], **options: Any) -> str:
    """Return what a command printed; an AssertionError with its errors if it failed."""
    finished = subprocess.run(
        command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, **options
    )
    if finished.returncode:
        raise AssertionError(f"{command} ended with {finished.returncode}:\n{finished.stderr}")
    printed: str = finished.stdout
    return printed
