# ruff: noqa: E402 (what needs the extra is imported after it was asked for)
"""A directory of an encoder is judged before anything of it is read as weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.extra import need

need("torch", "transformers", "safetensors", "onnx", "onnxscript")

import numpy as np
import onnx
import onnxruntime
import torch
from click.testing import CliRunner
from torch import nn

from onoma.cli.importing import import_command
from onoma.errors import FatalError, WrongUseError
from onoma.registry import bundle
from onoma.training import encoder_export
from onoma.training.encoder import load_encoder, load_tagger, open_checkpoint
from onoma.training.encoder_export import Tagger, export
from onoma.training.importing import import_checkpoint
from tests.training.encoders import LABELS, change_json, write_encoder, write_tagger

pytestmark = pytest.mark.train

Change = Callable[[Path], None]


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return write_encoder(tmp_path / "encoder", "roberta")


@pytest.fixture
def tagger(tmp_path: Path, encoder: Path) -> Path:
    checkpoint = open_checkpoint(encoder, prefix_space=True)
    model = load_encoder(checkpoint, len(LABELS), seed=3)
    return write_tagger(tmp_path / "tagger", model, checkpoint.tokenizer_json)


def _config(**values: object) -> Change:
    return lambda directory: change_json(directory / "config.json", **values)


def _write(name: str, text: str = "x") -> Change:
    def write(directory: Path) -> None:
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)

    return write


def _remove(name: str) -> Change:
    return lambda directory: (directory / name).unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_remove("config.json"), r"found no readable config\.json \(No such file"),
        (_write("config.json", "{"), r"config\.json: is no JSON"),
        (_write("config.json", "[]"), r"config\.json: holds no JSON object"),
        (_config(auto_map={"AutoModel": "evil.Model"}), r"code of its own \(auto_map\)"),
        (_config(trust_remote_code=True), r"code of its own \(trust_remote_code\)"),
        (
            _write("tokenizer_config.json", json.dumps({"auto_map": {"AutoTokenizer": "x.y"}})),
            r"tokenizer_config\.json: brings code of its own",
        ),
        (_config(quantization_config={"bits": 4}), "is quantised already"),
        (_config(model_type="mamba"), "type 'mamba'; taken are albert, bert"),
        (_config(model_type=None), "type None; taken are"),
        (_write("pytorch_model.bin"), r"pytorch_model\.bin may run code .* never opened"),
        (_write("runs/state.pkl"), r"runs/state\.pkl may run code"),
        (_write("training_args.bin"), r"training_args\.bin may run code"),
        (_remove("model.safetensors"), r"holds no \*\.safetensors"),
        (_remove("tokenizer.json"), r"has no tokenizer\.json"),
        (_write("tokenizer.json", "{}"), r"tokenizer\.json: is no tokenizer"),
        (_config(vocab_size=100), "the tokenizer knows 320 pieces and the model 100"),
        (_config(max_position_embeddings=30), "hold no more than the overlap of 32"),
    ],
)
def test_a_directory_that_is_not_safe_and_whole_is_refused_in_one_line(
    encoder: Path, change: Change, message: str
) -> None:
    change(encoder)

    with pytest.raises(WrongUseError, match=message) as caught:
        open_checkpoint(encoder)
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_safetensors_are_refused(encoder: Path) -> None:
    (encoder / "model.safetensors").write_bytes(b"\x80\x04 no tensors")

    with pytest.raises(WrongUseError, match="transformers does not load it"):
        load_encoder(open_checkpoint(encoder), 3, seed=0)


def test_an_encoder_without_a_head_is_no_tagger(encoder: Path) -> None:
    with pytest.raises(WrongUseError, match=r"the weights lack classifier\..*fine-tune it first"):
        load_tagger(open_checkpoint(encoder))


def test_an_encoder_that_lacks_a_layer_is_refused(encoder: Path) -> None:
    change_json(encoder / "config.json", num_hidden_layers=3)

    with pytest.raises(WrongUseError, match="is no whole roberta"):
        load_encoder(open_checkpoint(encoder), 3, seed=0)


def test_a_tagger_can_begin_again_with_other_labels(tagger: Path) -> None:
    model = load_encoder(open_checkpoint(tagger), 3, seed=0)

    scores = model(input_ids=torch.ones((1, 4), dtype=torch.int64)).logits
    assert scores.shape == (1, 4, 3)


def test_equal_seeds_draw_equal_heads(encoder: Path) -> None:
    checkpoint = open_checkpoint(encoder)

    first, second, other = (load_encoder(checkpoint, 3, seed=seed) for seed in (1, 1, 2))

    weight = "classifier.out_proj.weight" if hasattr(first.classifier, "out_proj") else None
    name = weight or "classifier.weight"
    assert torch.equal(first.get_parameter(name), second.get_parameter(name))
    assert not torch.equal(first.get_parameter(name), other.get_parameter(name))


def test_the_tokenizer_is_served_without_limits_and_with_the_blank_it_was_used_with(
    encoder: Path,
) -> None:
    as_it_is, told = open_checkpoint(encoder), open_checkpoint(encoder, prefix_space=True)
    (encoder / "tokenizer_config.json").write_text(json.dumps({"add_prefix_space": True}))
    said_by_the_directory = open_checkpoint(encoder)

    found = json.loads(as_it_is.tokenizer_json)
    assert (found["truncation"], found["padding"]) == (None, None)
    assert found["pre_tokenizer"]["add_prefix_space"] is False
    assert json.loads(told.tokenizer_json)["pre_tokenizer"]["add_prefix_space"] is True
    assert said_by_the_directory.tokenizer_json == told.tokenizer_json


def test_special_tokens_and_the_longest_window_come_from_the_directory(encoder: Path) -> None:
    subwords = open_checkpoint(encoder).subwords

    assert (subwords.prefix, subwords.suffix, subwords.unknown) == ((0,), (2,), 3)
    assert subwords.window_tokens == 128  # of 130 positions, RoBERTa leaves two unused


class Wide(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Stands for a model of more parameters than a file can hold, without their memory."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty((600_000, 1000), device="meta"))


def test_a_model_that_no_single_file_can_hold_is_refused() -> None:
    with pytest.raises(
        WrongUseError,
        match=r"found 600,000,000 parameters, wanted at most 500,000,000: .* take a smaller",
    ):
        export(Tagger(Wide(), ()), "fp32", vocabulary=10, longest=10)


def test_it_is_refused_when_it_is_opened_and_not_after_hours_of_training(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder_export, "LARGEST_PARAMETERS", 1000)

    with pytest.raises(WrongUseError, match=rf"{encoder}: found [\d,]+ parameters, wanted at most"):
        load_encoder(open_checkpoint(encoder), labels=3, seed=0)


class Shaky(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Answers otherwise each time it is asked, as a network does whose dropout is on."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(300, 3)
        self.calls = 0

    def forward(self, input_ids: torch.Tensor) -> object:
        self.calls += 1
        scores = self.table(input_ids) + float(self.calls)
        return type("Output", (), {"logits": scores})


def test_a_graph_that_differs_from_its_network_is_refused() -> None:
    with pytest.raises(FatalError, match="the exported graph differs from the network by"):
        export(Tagger(Shaky(), ((0,), (1,), (2,))), "fp32", vocabulary=300, longest=64)


def test_importing_gives_a_bundle_that_tells_its_origin(tagger: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"

    result = CliRunner().invoke(
        import_command,
        [str(tagger), "--out", str(out), "--name", "own", "--version", "7", "--language", "hau"],
        catch_exceptions=False,
    )

    assert result.exit_code == 0
    assert "own 7 finds PER, LOC, ORG; wrote" in result.output
    model = bundle.load(out, allow_ungated=True)
    assert model.manifest.languages.trained == ("ha",)
    assert model.manifest.subwords is not None
    assert model.manifest.subwords.batching == "exact"
    card = (out / "README.md").read_text(encoding="utf-8")
    for name, digest in model.manifest.training["origin"].items():
        assert f"| {name} | `{digest}` |" in card
    assert "Imported from a fine-tuned roberta checkpoint; nothing was trained here." in card
    assert "None are stated here" in card
    assert "weaknesses" not in card


def test_int8_and_fp32_say_nearly_the_same(tagger: Path, tmp_path: Path) -> None:
    tokens = np.arange(4, 24)[None]
    scores = []
    for precision in ("int8", "fp32"):
        out = tmp_path / precision
        import_checkpoint(tagger, out, precision=precision)
        session = onnxruntime.InferenceSession((out / "model.onnx").read_bytes())
        scores.append(session.run(["emissions"], {"tokens": tokens})[0])

    assert 0 < np.abs(scores[0] - scores[1]).max() < 0.05 * np.abs(scores[1]).max()


def test_weights_of_products_keep_pair_sums_within_16_bits_and_tables_fill_their_bytes(
    tagger: Path, tmp_path: Path
) -> None:
    import_checkpoint(tagger, tmp_path / "out")
    graph = onnx.load(tmp_path / "out" / "model.onnx").graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}

    products = [arrays[node.input[1]] for node in graph.node if node.op_type == "MatMulInteger"]
    tables = [arrays[node.input[0]] for node in graph.node if node.op_type == "Gather"]
    assert len(products) == 6 * 2 + 1  # of each layer, and the head
    assert {weights.dtype.name for weights in products} == {"int8"}
    assert max(np.abs(weights.astype(int)).max() for weights in products) == 64
    assert max(int(np.ptp(table)) for table in tables if table.dtype == np.uint8) > 2 * 64


def test_merged_labels_have_the_chance_of_all_they_are_made_of(
    tagger: Path, tmp_path: Path
) -> None:
    names = ["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC"]
    change_json(tagger / "config.json", id2label=dict(enumerate(names)))
    import_checkpoint(tagger, tmp_path / "out", precision="fp32")
    tokens = np.arange(4, 24)[None]

    session = onnxruntime.InferenceSession((tmp_path / "out" / "model.onnx").read_bytes())
    (merged,) = session.run(["emissions"], {"tokens": tokens})

    with torch.no_grad():
        own = load_tagger(open_checkpoint(tagger))(input_ids=torch.from_numpy(tokens)).logits[0]
    chances = torch.softmax(own, -1)
    expected = torch.stack(
        [
            chances[:, 0],
            chances[:, 1] + chances[:, 4],
            chances[:, 2] + chances[:, 3],
            chances[:, 5],
            chances[:, 6],
        ],
        -1,
    )
    found = torch.softmax(torch.from_numpy(merged[0]), -1)
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_config(architectures=["RobertaForMaskedLM"]), "holds a RobertaForMaskedLM, wanted one"),
        (_config(architectures=None), "holds a model without a name"),
        (_config(id2label=None), r"config\.json has no id2label"),
        (_config(id2label={"0": "O", "1": "LABEL_1"}), "LABEL_1, which says nothing"),
        (_write("pytorch_model.bin"), "may run code"),
    ],
)
def test_a_checkpoint_that_is_refused_leaves_nothing_behind(
    tagger: Path, tmp_path: Path, change: Change, message: str
) -> None:
    change(tagger)

    with pytest.raises(WrongUseError, match=message):
        import_checkpoint(tagger, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tagger: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious").write_text("x")

    with pytest.raises(WrongUseError, match="is not empty: give --out a new directory"):
        import_checkpoint(tagger, out)
    assert [file.name for file in out.iterdir()] == ["precious"]


def test_a_language_that_is_none_is_refused(tagger: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        import_command, [str(tagger), "--out", str(tmp_path / "out"), "--language", "no language"]
    )

    assert isinstance(result.exception, WrongUseError)
    assert "--language no language: not the form" in str(result.exception)
