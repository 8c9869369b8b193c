"""Records as Kafka carries them, without Kafka: what comes in, and what is to be written.

The pipeline takes a `Record` and gives `Output`s; the stream alone knows how they travel. Names of
headers that Onoma adds itself start with `onoma-`, those of CloudEvents with `ce_`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Headers = tuple[tuple[str, bytes | None], ...]
"""Kafka tells a header without a value from an empty one, and so do we."""
Destination = Literal["entities", "alerts", "dead_letters"]


@dataclass(frozen=True, slots=True)
class Record:
    """One input record: where it came from and its bytes, untouched."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One record to publish. Headers hold no time yet: whoever writes it adds that."""

    destination: Destination
    key: bytes | None
    value: bytes | None
    headers: Headers


def header(headers: Headers, name: str) -> bytes | None:
    """Return the value of the first header called `name`, whatever its case, else None."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def headers_size(headers: Headers) -> int:
    """Return the bytes of all names and values."""
    return sum(len(name.encode()) + len(value or b"") for name, value in headers)
