"""Ids of what Onoma writes: UUIDv5 over where it came from, the same whenever it is made again.

And the form in which contracts name bytes: their SHA-256.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID, uuid5

import msgspec

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""In hexadecimal, lower case."""

_NAMESPACE = UUID("6f0e7b2c-5f2b-5c55-9c0a-3d6c7f6c1a10")
"""The project's own namespace for UUIDv5; fixed for ever, since consumers deduplicate by the ids
made from it.
"""


def id_over(parts: Sequence[str | int]) -> str:
    """Return the id over `parts`."""
    # JSON of a list parts the fields unambiguously, whatever characters they hold.
    return str(uuid5(_NAMESPACE, msgspec.json.encode(parts).decode()))
