"""A bundle that has the channel of names carries them, and one that has not knows nothing of it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from onoma.errors import BundleError
from onoma.gazetteer.channel import MATCH_LENGTH, NORMALISATION, Gazetteer
from onoma.ner.wordhash import WordHashRecogniser
from onoma.registry.bundle import default_directory, load, verify
from onoma.registry.gate import write_manifest
from onoma.registry.gate_record import checked_gate
from onoma.registry.manifest import GAZETTEER_NAME
from tests.tiny_bundle import LABELS, tiny_bundle
from tests.tiny_onnx import wordhash_graph

WITH_CHANNEL = wordhash_graph(len(LABELS), channel=True)
CHANNEL = {"file": GAZETTEER_NAME, "normalisation": NORMALISATION}
LINES = gzip.compress("".join(Gazetteer(["Kano", "Port of Spain"]).lines()).encode(), mtime=0)


def _bundle(
    directory: Path, lines: bytes | None = LINES, graph: bytes = WITH_CHANNEL, **field: object
) -> Path:
    """Write a bundle with a file of names, and with `field` in its manifest."""

    def change(manifest: dict[str, object]) -> None:
        manifest.update(field)
        if lines is not None:
            files = manifest["files"]
            assert isinstance(files, dict)
            files[GAZETTEER_NAME] = hashlib.sha256(lines).hexdigest()

    directory.mkdir(exist_ok=True)
    if lines is not None:
        (directory / GAZETTEER_NAME).write_bytes(lines)
    return tiny_bundle(directory, graph=graph, change=change)


def _matches(directory: Path) -> list[float]:
    recogniser = load(directory, allow_ungated=True).recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    channel = recogniser.rows(["Kano", "in", "Port", "of", "Spain"]).gazetteer
    assert channel is not None
    found: list[float] = channel[:, MATCH_LENGTH].tolist()
    return found


def test_the_names_of_the_bundle_are_matched(tmp_path: Path) -> None:
    directory = _bundle(tmp_path, gazetteer=CHANNEL)

    assert _matches(directory) == [0.25, 0.0, 0.75, 0.75, 0.75]


def test_names_in_another_form_than_the_matchers_are_refused(tmp_path: Path) -> None:
    _bundle(tmp_path, gazetteer={"file": GAZETTEER_NAME, "normalisation": "0"})

    with pytest.raises(BundleError, match=r"were brought to the form '0'.*train the bundle anew"):
        load(tmp_path, allow_ungated=True)


def test_the_same_graph_is_served_without_names(tmp_path: Path) -> None:
    directory = _bundle(tmp_path, lines=None, gazetteer={"file": None})

    assert _matches(directory) == [0.0] * 5


def test_a_bundle_without_the_channel_makes_no_numbers_for_it() -> None:
    recogniser = load(default_directory()).recogniser

    assert isinstance(recogniser, WordHashRecogniser)
    assert recogniser.rows(["Kano"]).gazetteer is None


def test_the_gate_record_of_the_shipped_bundle_still_fits_it() -> None:
    manifest, _ = verify(default_directory())

    assert checked_gate(default_directory(), manifest).model == manifest.name


def test_the_manifest_of_a_bundle_without_the_channel_does_not_mention_it(tmp_path: Path) -> None:
    write_manifest(tiny_bundle(tmp_path), verify(tmp_path)[0])

    assert "gazetteer" not in (tmp_path / "manifest.json").read_text()


def test_names_that_are_not_among_the_files_are_missed(tmp_path: Path) -> None:
    directory = _bundle(tmp_path, lines=None, gazetteer=CHANNEL)

    with pytest.raises(BundleError, match=r"names gazetteer\.tsv\.gz, which is not among its file"):
        load(directory, allow_ungated=True)


def test_a_file_of_names_that_is_not_there_is_missed(tmp_path: Path) -> None:
    (_bundle(tmp_path, gazetteer=CHANNEL) / GAZETTEER_NAME).unlink()

    with pytest.raises(BundleError, match=r"gazetteer\.tsv\.gz is in the manifest but is no file"):
        load(tmp_path, allow_ungated=True)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (b"place\tkano\n", "Not a gzipped file"),
        (LINES[:-9], "ended before"),
        (gzip.compress(b"kano\n"), "line 1: wanted one of place, person, organ"),
        (gzip.compress(b"place\t\xff\n"), "can't decode"),
    ],
    ids=["plain", "cut off", "other lines", "no UTF-8"],
)
def test_a_file_that_holds_no_names_is_named(tmp_path: Path, lines: bytes, message: str) -> None:
    _bundle(tmp_path, lines=lines, gazetteer=CHANNEL)

    with pytest.raises(BundleError, match=rf"gazetteer\.tsv\.gz: holds no lists of .*{message}"):
        load(tmp_path, allow_ungated=True)


@pytest.mark.parametrize(
    ("graph", "field"),
    [(WITH_CHANNEL, {}), (wordhash_graph(len(LABELS)), {"gazetteer": {"file": None}})],
    ids=["the graph has it", "the manifest has it"],
)
def test_a_channel_that_graph_and_manifest_do_not_share_is_refused(
    tmp_path: Path, graph: bytes, field: dict[str, object]
) -> None:
    _bundle(tmp_path, lines=None, graph=graph, **field)

    with pytest.raises(BundleError, match=r"the graph has inputs .* wanted inputs"):
        load(tmp_path, allow_ungated=True)
