"""The only importer of onnxruntime: its telemetry is switched off before it is loaded.

From 1.32 on onnxruntime keeps a device id and a database of usage events in the user's cache on
Linux as well. A worker that reads other people's documents sends nothing anywhere; the variable has
to be set before the import, since the library looks at it once, while it is loaded.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
