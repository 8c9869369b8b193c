"""document.v1: what an upstream system publishes. Mirrors schemas/document/v1.json.

Unknown fields are ignored, so that upstream may add its own. The text is taken exactly as received.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

MAX_ID_CHARACTERS = 1024
SYNTHETIC_MARK = "onoma-synthetic"
"""Name in the metadata by which a document says of itself that it is a canary's. A claim only: the
policy's hashes decide.
"""

DocumentId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document as it was published; `language` is not yet canonical here."""

    document_id: DocumentId
    text: Annotated[str, msgspec.Meta(min_length=1)]
    language: str | None = None
    tenant: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    source_uri: str | None = None
    created_at: Instant | None = None
    metadata: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def marked_synthetic(self) -> bool:
        """Say whether the document claims to be synthetic."""
        return self.metadata.get(SYNTHETIC_MARK) == "true"
