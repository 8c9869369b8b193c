"""models.v1 and gazetteers.v1: a notice that a version is to be served. Mirrors
schemas/notice/v1.json.

A notice names what lies in the store, by hash, and where below it; it carries no entries and no
URL. It may change the answers of every worker, so it can be signed: the signature is over all of
its other fields.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from onoma.contracts.ids import Sha256

Kind = Literal["model", "gazetteer"]
KINDS: tuple[Kind, ...] = ("model", "gazetteer")

_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}"
Name = Annotated[str, msgspec.Meta(pattern=rf"^{_NAME}\Z")]
"""A name or a version: it becomes the name of a directory of the store."""

MODEL_KEY = "model"
"""The key of every notice in models.v1: a worker serves one model, the one announced last. In
gazetteers.v1 the key is the name of the list. Compaction keeps the newest of each key.
"""
_SIGNED = b"onoma notice v1\n"
"""Stands before what is signed, so that a signature is good for nothing else."""


class Announced(msgspec.Struct, frozen=True):
    """A version; `sha256` is its manifest's, which names the hash of every other file."""

    name: Name
    version: Name
    sha256: Sha256


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What is announced. `base` is what it follows: the version to roll back to, or the segment
    that a delta of a list stands on. `path` is below the store's directory.
    """

    kind: Kind
    name: Name
    version: Name
    sha256: Sha256
    base: Announced | None = None
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    signature: Annotated[str, msgspec.Meta(max_length=1024)] | None = None

    @property
    def announced(self) -> Announced:
        """Return the version that is announced."""
        return Announced(self.name, self.version, self.sha256)

    def signed_bytes(self) -> bytes:
        """Return what a signature is over: everything but itself."""
        return _SIGNED + msgspec.json.encode(msgspec.structs.replace(self, signature=None))


def encode(notice: Notice) -> bytes:
    """Return the value of a record."""
    return msgspec.json.encode(notice)


def decode(value: bytes) -> Notice:
    """Return the notice in the value of a record. Raises msgspec.DecodeError."""
    return msgspec.json.decode(value, type=Notice)


def key_of(notice: Notice) -> str:
    """Return the key of the record that carries `notice`."""
    return MODEL_KEY if notice.kind == "model" else notice.name


def is_key(kind: Kind, key: bytes | None) -> bool:
    """Say whether notices of `kind` may stand under `key`."""
    if kind == "model":
        return key == MODEL_KEY.encode()
    return key is not None and re.fullmatch(_NAME.encode(), key) is not None
