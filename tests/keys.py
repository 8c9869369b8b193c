"""Makes Ed25519 key pairs for tests, as the documentation says: by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Keys:
    """The files of a key pair."""

    private: Path
    public: Path

    @classmethod
    def make(cls, directory: Path) -> Self:
        """Write a new pair into `directory`."""
        directory.mkdir(parents=True)
        keys = cls(directory / "private.pem", directory / "public.pem")
        for command in (
            ["genpkey", "-algorithm", "ed25519", "-out", str(keys.private)],
            ["pkey", "-in", str(keys.private), "-pubout", "-out", str(keys.public)],
        ):
            subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=30)
        return keys
