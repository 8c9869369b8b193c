"""The evidence names the code and all else that the bytes of an event depend on."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import onnxruntime

import onoma
from onoma.registry.runtime import runtime_name, worker_version


def test_the_worker_is_named_by_its_release_and_its_sources() -> None:
    version = worker_version()

    assert version.version == onoma.__version__
    assert re.fullmatch(r"[0-9a-f]{64}", version.sha256)
    assert version.runtime == runtime_name()


def test_the_runtime_names_libraries_tables_and_instructions() -> None:
    name = runtime_name()

    assert f"onnxruntime {onnxruntime.__version__}" in name
    assert f"numpy {np.__version__}" in name
    assert f"unicode {unicodedata.unidata_version}" in name
    assert name.count(";") == 3
