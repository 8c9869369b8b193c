"""`onoma run` as a process, before it is a worker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "onoma"
NOBODY = {"ONOMA_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "ONOMA_SERVER__PORT": "0"}


def _listens_to_sigterm(process: subprocess.Popen[bytes]) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) & (1 << (signal.SIGTERM - 1)))


def test_a_worker_that_is_stopped_while_it_starts_ends_well() -> None:
    process = subprocess.Popen([PROGRAM, "run"], env=os.environ | NOBODY, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not _listens_to_sigterm(process) and time.monotonic() < deadline:
            time.sleep(0.002)
        process.terminate()

        assert process.wait(30) == 0
    finally:
        process.kill()
