"""Makes the evidence of an instance: msgspec can't choose between two kinds of source itself."""

from __future__ import annotations

from typing import Any

import msgspec

from onoma.contracts.entities import (
    ArtefactVersion,
    Evidence,
    InputSource,
    KafkaSource,
    ModelVersion,
    WorkerVersion,
)


def evidence_of(instance: dict[str, Any]) -> Evidence:
    """Return the record of the evidence in an event or alert."""
    evidence = instance["evidence"]
    source: type[KafkaSource | InputSource] = (
        KafkaSource if "topic" in evidence["source"] else InputSource
    )
    return Evidence(
        source=msgspec.convert(evidence["source"], source),
        models=msgspec.convert(evidence["models"], tuple[ModelVersion, ...]),
        gazetteers=msgspec.convert(evidence["gazetteers"], tuple[ArtefactVersion, ...]),
        policy=msgspec.convert(evidence["policy"], ArtefactVersion),
        worker=msgspec.convert(evidence["worker"], WorkerVersion),
    )
