"""Makes a bundle of a checkpoint that is fine-tuned already: nothing is trained.

`onoma model import` calls `import_checkpoint`. The rule: what can't be read in one way is refused
before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onoma.errors import WrongUseError
from onoma.registry.manifest import Manifest
from onoma.training.bundle import claim
from onoma.training.checkpoint_labels import label_map
from onoma.training.encoder import Checkpoint, load_tagger, open_checkpoint
from onoma.training.encoder_bundle import Description, write_bundle
from onoma.training.encoder_export import Precision, Tagger

ARCHITECTURE_END = "ForTokenClassification"


def import_checkpoint(
    directory: Path,
    out: Path,
    *,
    precision: Precision = "int8",
    name: str | None = None,
    version: str = "1",
    languages: Sequence[str] = (),
    window_tokens: int = 256,
    overlap_tokens: int = 32,
) -> Manifest:
    """Export the fine-tuned checkpoint in `directory` as a bundle in `out`, new or empty."""
    checkpoint = open_checkpoint(
        directory, window_tokens=window_tokens, overlap_tokens=overlap_tokens
    )
    _judge(checkpoint)
    mapped = label_map(checkpoint.config["id2label"])
    model = load_tagger(checkpoint)
    claim(out)
    return write_bundle(
        out,
        checkpoint=checkpoint,
        tagger=Tagger(model, mapped.columns),
        labels=mapped.labels,
        decoder=mapped.decoder,
        precision=precision,
        described=Description(
            name=name or directory.resolve().name,
            version=version,
            languages=languages,
            training={
                "what": f"Imported from a fine-tuned {checkpoint.architecture} checkpoint; nothing "
                "was trained here."
            },
        ),
    )


def _judge(checkpoint: Checkpoint) -> None:
    named = checkpoint.config.get("architectures") or [""]
    if not str(named[0]).endswith(ARCHITECTURE_END):
        raise WrongUseError(
            f"{checkpoint.directory}: holds a {named[0] or 'model without a name'}, wanted one "
            f"that ends in {ARCHITECTURE_END}: fine-tune it first"
        )
    if not isinstance(checkpoint.config.get("id2label"), dict):
        raise WrongUseError(f"{checkpoint.directory}: config.json has no id2label")
