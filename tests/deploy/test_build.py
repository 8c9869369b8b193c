"""What build.sh does when something is missing or fails; test_image.py has the builds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.image import BUILD

pytestmark = pytest.mark.deploy

BUSY = "Close_Fd sealing memfd copy: Device or resource busy"
BUILDAH = """#!/bin/sh
[ "$1" = bud ] || exit 0
echo built >> "$CALLS"
[ "$(wc -l < "$CALLS")" -gt "$FAILS" ] && exit 0
echo "$SAYS" >&2
exit 1
"""


@pytest.mark.parametrize(
    ("fails", "says", "calls", "code"),
    [(0, BUSY, 1, 0), (2, BUSY, 3, 0), (3, BUSY, 3, 1), (1, "no space left on device", 1, 1)],
)
def test_a_build_is_tried_again_only_where_the_kernel_was_busy(
    tmp_path: Path, fails: int, says: str, calls: int, code: int
) -> None:
    result = _build(tmp_path, FAILS=str(fails), SAYS=says)

    assert (result.returncode, len((tmp_path / "calls").read_text().splitlines())) == (code, calls)
    assert result.stderr == f"{says}\n" * min(fails, calls)


def test_a_python_without_pip_is_named_before_anything_is_built(tmp_path: Path) -> None:
    python = _program(tmp_path / "python3", "#!/bin/sh\nexit 1\n")

    result = _build(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert result.returncode == 2
    assert f"found no pip in {python}" in result.stderr
    assert "put a Python that has pip first in PATH" in result.stderr
    assert not (tmp_path / "calls").exists()


def _build(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = _program(directory / "buildah", BUILDAH)
    told = {"BUILDAH": str(program), "CALLS": str(directory / "calls"), "FAILS": "0", "SAYS": ""}
    return subprocess.run(
        [str(BUILD), "own", "base", "build-base"],
        env={**os.environ, **told, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o700)
    return path
