"""Loading the engine leaves no trace: no device id, no file, no connection to anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_a_model_that_is_loaded_and_run_leaves_no_file_in_home_or_temporary_directory(
    tmp_path: Path,
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    program = Path(sys.executable).parent / "onoma"
    environment = os.environ | {"HOME": str(home), "TMPDIR": str(temporary)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    environment.pop("XDG_CACHE_HOME", None)

    subprocess.run([program, "model", "verify"], env=environment, check=True)

    assert list(home.rglob("*")) == []
    assert list(temporary.rglob("*")) == []
