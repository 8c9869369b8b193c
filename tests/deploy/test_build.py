"""What deploy/image/build.sh does when buildah fails; test_image.py has the builds themselves."""

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
    program = tmp_path / "buildah"
    program.write_text(BUILDAH)
    program.chmod(0o700)
    told = {"BUILDAH": str(program), "CALLS": str(tmp_path / "calls"), "FAILS": str(fails)}

    result = subprocess.run(
        [str(BUILD), "own", "base", "build-base"],
        env={**os.environ, **told, "SAYS": says},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, len((tmp_path / "calls").read_text().splitlines())) == (code, calls)
    assert result.stderr == f"{says}\n" * min(fails, calls)
