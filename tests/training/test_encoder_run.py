# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""`onoma train encoder`: from a directory of files to a scored and gated bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "transformers", "onnx", "onnxscript", "safetensors")

from click.testing import CliRunner, Result

from onoma.cli.model import command as model_command
from onoma.cli.train import command
from onoma.errors import WrongUseError
from onoma.evaluation.corpora import Sentence
from onoma.registry import bundle
from onoma.training.corpora import types_of
from tests.training.encoders import LABELS, learnable, write_encoder
from tests.training.sentences import corpus

pytestmark = [pytest.mark.train, pytest.mark.slow]


def _conll(sentences: tuple[Sentence, ...]) -> str:
    return "\n".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(s.tokens, s.tags, strict=True))
        for s in sentences
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    place = tmp_path / "data" / "own" / "hau"
    place.mkdir(parents=True)
    sentences = learnable().sentences
    (place / "train.conll").write_text(_conll(sentences[:26]), encoding="utf-8")
    (place / "dev.conll").write_text(_conll(sentences[26:]), encoding="utf-8")
    return tmp_path / "data"


def _run(encoder: Path, data: Path, out: Path, *more: str) -> Result:
    steps = ("--steps", "40", "--learning-rate", "3e-3")
    arguments = ["encoder", str(encoder), "--data", str(data), "--out", str(out), *steps, *more]
    return CliRunner().invoke(command, arguments)


def test_an_encoder_becomes_a_bundle_with_scores_of_its_dev_sets(
    tmp_path: Path, data: Path
) -> None:
    encoder, out = write_encoder(tmp_path / "tiny-bert", "bert"), tmp_path / "out"

    more = ("--freeze-embeddings", "--draw-anew", "1", "--evaluate-every", "20")
    reference = tmp_path / "reference.onnx"

    result = _run(encoder, data, out, *more, "--keep-reference", str(reference))

    assert result.exit_code == 0, result.output
    assert f"wrote {out}" in result.output
    model = bundle.load(out, allow_ungated=True)
    manifest = model.manifest
    assert (manifest.name, manifest.labels) == ("tiny-bert", LABELS)
    assert manifest.languages.trained == ("ha",)
    assert set(manifest.scores["macro_f1"]) >= {"tokens", "raw"}
    assert manifest.training["steps"] == 40
    assert [row["step"] for row in manifest.training["learning"]] == [20, 40]
    assert manifest.training["learning"][-1]["units"] == manifest.training["units"]
    assert manifest.training["corpora"]["own/hau"]["licence"] == "not stated"
    card = (out / "README.md").read_text(encoding="utf-8")
    assert manifest.training["origin"]["model.safetensors"] in card
    assert not out.with_name("out.checkpoints").exists()
    _compared_with(reference, out, data)


def _compared_with(reference: Path, out: Path, data: Path) -> None:
    arguments = ["gate", str(out), "--data", str(data), "--reference", str(reference), "--json"]
    result = CliRunner().invoke(model_command, arguments)

    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert checks["int8 against full precision"]["passed"] is not None


def test_an_earlier_run_is_neither_overwritten_nor_mixed_up_with_another(
    tmp_path: Path, data: Path
) -> None:
    encoder, out = write_encoder(tmp_path / "tiny-bert", "bert"), tmp_path / "out"
    record = {"architecture": "another", "parts": []}
    (tmp_path / "out.checkpoints" / "names").mkdir(parents=True)
    (tmp_path / "out.checkpoints" / "names" / "checkpoint.json").write_text(json.dumps(record))

    fresh, resumed = _run(encoder, data, out), _run(encoder, data, out, "--resume")

    assert "holds the checkpoints of an earlier run" in str(fresh.exception)
    assert "is a checkpoint of another, wanted bert, 64 wide" in str(resumed.exception)
    assert isinstance(resumed.exception, WrongUseError)
    assert list(out.iterdir()) == []


def test_types_are_ours_in_their_order_then_others() -> None:
    sets = [corpus("a/xx", frozenset({"SHIP", "ORG"})), corpus("b/xx", frozenset({"ART", "PER"}))]

    assert types_of(sets) == ("PER", "ORG", "ART", "SHIP")


def test_sets_that_annotate_nothing_are_refused() -> None:
    with pytest.raises(WrongUseError, match="annotate no type"):
        types_of([corpus("a/xx", frozenset())])
