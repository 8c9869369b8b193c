"""Opens a model bundle: every file hashed before any of it runs, then the session, then a warm-up
call.

The rule: a bundle is taken whole or not at all. A file that is missing, altered or not in the
manifest, a graph with other inputs or label counts than the manifest says, or an unknown kind is a
`BundleError` that names it.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.resources
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from onoma.contracts.entities import ModelVersion
from onoma.errors import BundleError
from onoma.gazetteer.channel import NORMALISATION, NUMBERS_PER_UNIT, Gazetteer
from onoma.ner.decoding import Decoder
from onoma.ner.features import BYTES_PER_UNIT, HASHES_PER_UNIT
from onoma.ner.recogniser import AnyRecogniser
from onoma.ner.subwords import Subwords, WindowForm
from onoma.ner.token_classification import Graph as SubwordGraph
from onoma.ner.token_classification import TokenClassificationRecogniser
from onoma.ner.wordhash import Graph, Inputs, WordHashRecogniser
from onoma.registry.engine import onnxruntime
from onoma.registry.gate_record import gate_of
from onoma.registry.manifest import GRAPH_NAME, MANIFEST_NAME, TOKENIZER_NAME, Manifest
from onoma.registry.manifest import Subwords as SubwordsEntry
from onoma.registry.session import Axes, check_values, open_session
from onoma.text.segmentation import segment

MAX_GRAPH_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Model:
    """A verified, warmed-up model with its manifest; `sha256` is the manifest's, `gate` the gate
    record's.
    """

    manifest: Manifest
    sha256: str
    gate: str
    recogniser: AnyRecogniser

    @property
    def version(self) -> ModelVersion:
        """Return how events name this model."""
        return ModelVersion(self.manifest.name, self.manifest.version, self.sha256, self.gate)


def default_directory() -> Path:
    """Return the directory of the bundle that ships with the package."""
    return Path(str(importlib.resources.files("onoma.models"))) / "default"


def load(directory: Path, *, allow_ungated: bool = False, sha256: str | None = None) -> Model:
    """Return the model of the bundle in `directory`, verified, gated and warmed up.

    Raises BundleError. `allow_ungated` is for those who judge a bundle, and for benchmarks;
    `sha256` is that of the one manifest that is wanted.
    """
    manifest, found = verify(directory)
    if sha256 not in (None, found):
        raise BundleError(
            f"{directory}: the sha256 of its {MANIFEST_NAME} is {found}, wanted was {sha256}"
        )
    gate = gate_of(directory, manifest, allow_ungated=allow_ungated)
    recogniser = recogniser_of(manifest, directory, directory / GRAPH_NAME)
    try:
        # Cut as a document is: the tables of segmentation are made here, not by the first document.
        recogniser.label([["Onoma"], segment("warms up").strings()])
    except Exception as error:  # onnxruntime raises a dozen unrelated classes for a bad graph
        raise BundleError(f"{directory}: the model does not answer: {error}") from error
    return Model(manifest, found, gate, recogniser)


def recogniser_of(manifest: Manifest, directory: Path, graph: Path) -> AnyRecogniser:
    """Return the recogniser of the bundle in `directory`, with the ONNX file `graph`."""
    build = _KINDS.get(manifest.kind)
    if build is None:
        raise BundleError(
            f"{directory}: found a model of kind {manifest.kind!r}, "
            f"this worker serves {', '.join(sorted(_KINDS))}"
        )
    # A window of subwords is a call of its own (`batching: exact`); those of `wordhash` share one.
    packed = manifest.kind == WordHashRecogniser.kind
    return build(manifest, open_session(graph, packed=packed), directory)


def verify(directory: Path) -> tuple[Manifest, str]:
    """Return the manifest of `directory` and its sha256 after checking every file against it."""
    path = directory / MANIFEST_NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{directory}: found no readable {MANIFEST_NAME} ({error.strerror}); a model bundle "
            "is a directory made by `onoma train` or shipped with Onoma"
        ) from error
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BundleError(f"{path}: is not a manifest of this version: {error}") from error
    _check_files(directory, manifest)
    _check_shapes(path, manifest)
    return manifest, hashlib.sha256(data).hexdigest()


def _check_files(directory: Path, manifest: Manifest) -> None:
    present = {file.name for file in directory.iterdir()} - {MANIFEST_NAME}
    if unlisted := sorted(present - manifest.files.keys()):
        raise BundleError(f"{directory}: {unlisted[0]} is not in the manifest; take it out")
    if GRAPH_NAME not in manifest.files:
        raise BundleError(f"{directory}: the manifest lists no {GRAPH_NAME}")
    for name, expected in sorted(manifest.files.items()):
        path = directory / name
        if path.name != name or not path.is_file():
            raise BundleError(f"{directory}: {name} is in the manifest but is no file here")
        if path.stat().st_size > MAX_GRAPH_BYTES:
            raise BundleError(f"{path}: is larger than {MAX_GRAPH_BYTES} bytes")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise BundleError(
                f"{path}: was altered: its sha256 is {found}, the manifest says {expected}; "
                "install the bundle again"
            )


def _check_shapes(path: Path, manifest: Manifest) -> None:
    labels = len(manifest.labels)
    moves = manifest.decoder.transitions
    if len(manifest.decoder.start) != labels or [len(row) for row in moves] != [labels] * labels:
        raise BundleError(f"{path}: the decoder does not fit its {labels} labels")
    if labels == 0 or manifest.labels[0] != "O":
        raise BundleError(f"{path}: the first label must be O")
    orphans = {f"B-{label[2:]}" for label in manifest.labels if label != "O"} - {*manifest.labels}
    if orphans:
        raise BundleError(f"{path}: the labels lack {', '.join(sorted(orphans))}")
    if not manifest.temperature > 0:
        raise BundleError(f"{path}: the temperature is {manifest.temperature}, wanted above 0")


def _wordhash(
    manifest: Manifest, session: onnxruntime.InferenceSession, directory: Path
) -> WordHashRecogniser:
    gazetteer = gazetteer_of(manifest, directory)
    inputs: dict[str, Axes] = {
        "hashes": (2, HASHES_PER_UNIT),
        "bytes": (2, BYTES_PER_UNIT),
        "words": (1, None),
        "mask": (2, 1),
    }
    if gazetteer is not None:
        inputs["gazetteer"] = (2, NUMBERS_PER_UNIT)
    check_values(manifest.name, session, inputs=inputs, emissions=(2, len(manifest.labels)))
    return WordHashRecogniser(
        _graph(session),
        labels=manifest.labels,
        decoder=decoder_of(manifest),
        context_units=manifest.context_units,
        gazetteer=None if gazetteer is None else gazetteer.channel,
    )


def gazetteer_of(manifest: Manifest, directory: Path) -> Gazetteer | None:
    """Return the names of the bundle in `directory`, verified before; None without the channel."""
    if isinstance(manifest.gazetteer, msgspec.UnsetType):
        return None
    name = manifest.gazetteer.file
    if name is None:
        return Gazetteer()
    if name not in manifest.files:
        raise BundleError(
            f"{directory}: the manifest's gazetteer names {name}, which is not among its files; "
            'wanted the file, or "file": null for a channel without names'
        )
    found = manifest.gazetteer.normalisation
    if found != NORMALISATION:
        raise BundleError(
            f"{directory}: its names were brought to the form {found!r}, this version compares "
            f"{NORMALISATION!r}; train the bundle anew"
        )
    path = directory / name
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            return Gazetteer.from_lines(lines)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BundleError(f"{path}: holds no lists of names: {error}") from error


def decoder_of(manifest: Manifest, temperature: float | None = None) -> Decoder:
    """Return the decoder of `manifest`, at another temperature than its own where one is given."""
    return Decoder(
        labels=manifest.labels,
        start=manifest.decoder.start,
        transitions=manifest.decoder.transitions,
        temperature=temperature or manifest.temperature,
    )


def _graph(session: onnxruntime.InferenceSession) -> Graph:
    def run(inputs: Inputs) -> np.typing.NDArray[np.float32]:
        emissions: np.typing.NDArray[np.float32] = session.run(["emissions"], inputs)[0]
        return emissions

    return run


def _token_classification(
    manifest: Manifest, session: onnxruntime.InferenceSession, directory: Path
) -> TokenClassificationRecogniser:
    check_values(
        manifest.name,
        session,
        inputs={"tokens": (2, None)},
        emissions=(3, len(manifest.labels)),
    )
    return TokenClassificationRecogniser(
        _subword_graph(session),
        subwords=_subwords(manifest, directory),
        labels=manifest.labels,
        decoder=decoder_of(manifest),
    )


def _subwords(manifest: Manifest, directory: Path) -> Subwords:
    wanted = manifest.subwords
    if wanted is None or TOKENIZER_NAME not in manifest.files:
        raise BundleError(
            f"{directory}: a model of kind {manifest.kind} needs `subwords` in its manifest and a "
            f"{TOKENIZER_NAME}"
        )
    form = window_form(wanted)
    if form.capacity <= form.overlap_tokens:
        raise BundleError(
            f"{directory}: windows of {form.window_tokens} tokens leave room for {form.capacity} "
            f"besides special tokens; wanted more than the overlap of {form.overlap_tokens}"
        )
    path = directory / TOKENIZER_NAME
    try:
        return Subwords(path.read_text(encoding="utf-8"), form)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise BundleError(f"{path}: is no tokenizer: {error}") from error


def window_form(subwords: SubwordsEntry) -> WindowForm:
    """Return the form of windows that a manifest states."""
    return WindowForm(
        prefix=subwords.prefix,
        suffix=subwords.suffix,
        unknown=subwords.unknown,
        window_tokens=subwords.window_tokens,
        overlap_tokens=subwords.overlap_tokens,
    )


def _subword_graph(session: onnxruntime.InferenceSession) -> SubwordGraph:
    def run(tokens: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.float32]:
        emissions: np.typing.NDArray[np.float32] = session.run(["emissions"], {"tokens": tokens})[0]
        return emissions

    return run


_KINDS: dict[str, Callable[[Manifest, onnxruntime.InferenceSession, Path], AnyRecogniser]] = {
    WordHashRecogniser.kind: _wordhash,
    TokenClassificationRecogniser.kind: _token_classification,
}
