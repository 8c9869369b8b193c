"""Names the code and the runtime that compute events, for the evidence.

Two workers whose names are equal give the same bytes for the same record and versions. The name
therefore holds what the bytes depend on besides our files: onnxruntime, numpy, the Unicode tables
of Python, the instruction set.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import platform
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np

import onoma
from onoma.contracts.entities import WorkerVersion
from onoma.registry.engine import onnxruntime

# From the widest: the first one the processor has decides which int8 kernels run.
_INSTRUCTION_SETS = ("amx_int8", "avx512_vnni", "avx_vnni", "avx512f", "avx2", "i8mm", "asimddp")


@cache
def worker_version() -> WorkerVersion:
    """Return release, sha256 over the package's source files, and runtime of this process."""
    return WorkerVersion(onoma.__version__, _sha256_of_sources(), runtime_name())


def runtime_name() -> str:
    """Return what the bytes of an event depend on besides our code, in one line."""
    return (
        f"onnxruntime {onnxruntime.__version__}; numpy {np.__version__}; "
        f"unicode {unicodedata.unidata_version}; {platform.machine()} {_instruction_set()}"
    )


def _sha256_of_sources() -> str:
    root = Path(str(importlib.resources.files("onoma")))
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _instruction_set() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    flags = {
        flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()
    }
    return next((name for name in _INSTRUCTION_SETS if name in flags), "baseline")
