"""Skips a test module that needs the extra `train`, or fails it where that part is required."""

from __future__ import annotations

import importlib
import os

import pytest


def need(*modules: str) -> None:
    """Skip the calling module if one of `modules` is absent; with REQUIRE_TRAIN=1 raise instead."""
    for module in modules:
        if os.environ.get("REQUIRE_TRAIN") == "1":
            importlib.import_module(module)
        else:
            pytest.importorskip(module, reason=f"found no {module}; install onoma[train]")
