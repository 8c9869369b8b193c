"""The manifest of a model bundle: what the files are, what the numbers mean, how good it is.

A bundle is a directory with `manifest.json`, `model.onnx` and a model card; nothing else may lie in
it. The manifest names the sha256 of every other file, so its own sha256 names the whole bundle:
that is what events carry.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

MANIFEST_NAME = "manifest.json"
GRAPH_NAME = "model.onnx"
CARD_NAME = "README.md"
TOKENIZER_NAME = "tokenizer.json"
GAZETTEER_NAME = "gazetteer.tsv.gz"


class Decoder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scores of a label sequence: `start` of shape `(labels,)`, `transitions` of shape `(labels,
    labels)`.

    `transitions[i][j]` is the score of label j after label i. Moves that IOB2 forbids are closed by
    the decoder.
    """

    start: tuple[float, ...]
    transitions: tuple[tuple[float, ...], ...]


class Languages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """BCP 47 languages that the model saw labelled (`trained`) or reached by transfer
    (`zero_shot`).
    """

    trained: tuple[str, ...]
    zero_shot: tuple[str, ...] = ()


class Subwords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a `token-classification` model is read: windows of at most `window_tokens`, of which two
    neighbours share at most `overlap_tokens`.

    `prefix` and `suffix` are the special tokens around a window, `unknown` stands for a unit of
    which the tokenizer makes nothing. `batching`: what may share a call. `exact`: nothing, a window
    is a call of its own length, without padding; then a range over a call is one over a window.
    """

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    unknown: int
    window_tokens: Annotated[int, msgspec.Meta(ge=2)] = 256
    overlap_tokens: Annotated[int, msgspec.Meta(ge=0)] = 32
    batching: Literal["exact"] = "exact"


class Gazetteer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Says that a `wordhash` graph has the channel of names, an input more.

    `file` is one of the bundle's, packed lines of `place`, `person` or `organisation`, a tab, and a
    name as it is looked up, in the form that the version `normalisation` makes. Null: the same
    graph without names, whose input is zeros.
    """

    file: str | None
    normalisation: str | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `manifest.json`.

    `temperature` divides all scores before they become probabilities. `context_units` is how far
    the emissions of a unit reach to each side: windows carry that many units more; 0 where
    `subwords` says how windows are cut. `training` and `scores` are for people. A bundle without
    the channel of names has no `gazetteer`, not a null: gate records hash what is written.
    """

    kind: str
    name: str
    version: str
    files: dict[str, str]
    labels: tuple[str, ...]
    decoder: Decoder
    temperature: float
    context_units: Annotated[int, msgspec.Meta(ge=0)]
    languages: Languages
    training: dict[str, Any]
    scores: dict[str, Any]
    gate: dict[str, Any] | None = None
    subwords: Subwords | None = None
    gazetteer: Gazetteer | msgspec.UnsetType = msgspec.UNSET
