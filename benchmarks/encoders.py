"""Makes the models S, M and L: token classifiers of random weights, where speed alone is asked.

    python -m benchmarks.encoders --work build/bench S M L

Needs the training environment. For each size two directories appear: `S/checkpoint`, as a model is
published (for the peers), and `S/bundle`, as Onoma serves it (`model.allow_ungated`). The tokenizer
is trained on the text of the benchmark's languages. The bias of `O` is moved until 8 % of the
pieces are names: otherwise nearly all would be, and the events would be larger than any real ones.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import numpy as np
import onnx
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from benchmarks.documents import mix, text_lines
from benchmarks.results import Run, options
from onoma.training.importing import import_checkpoint

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-DATE", "I-DATE")
NAMES_SHARE = 0.08
VOCABULARY, QUICK_VOCABULARY = 32_000, 2_000
TOKENIZER_LINES, QUICK_LINES = 150_000, 3_000
POSITIONS = 514


@dataclass(frozen=True, slots=True)
class Size:
    """Layers, width and heads of an encoder; its inner layers are four times as wide."""

    layers: int
    width: int
    heads: int


SIZES = {"S": Size(6, 256, 4), "M": Size(12, 384, 12), "L": Size(12, 768, 12)}


@click.command()
@options
@click.argument("names", nargs=-1, type=click.Choice(list(SIZES)))
def main(data: Path, work: Path, quick: bool, names: tuple[str, ...]) -> None:
    """Make the models NAMES, all of them without names; what is there already stays."""
    run = Run(data, work, quick)
    for name in names or SIZES:
        if not (work / name / "bundle" / "manifest.json").exists():
            make(name, run)
        click.echo(f"{work / name}: there")


def make(name: str, run: Run) -> None:
    """Make checkpoint and bundle of one size."""
    directory = run.work / name
    shutil.rmtree(directory, ignore_errors=True)
    checkpoint = directory / "checkpoint"
    tokenizer = _tokenizer(run)
    network = _network(SIZES[name], tokenizer, run)
    network.save_pretrained(checkpoint)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    )
    fast.save_pretrained(checkpoint)
    _use_published_class(checkpoint)
    import_checkpoint(checkpoint, directory / "bundle", name=f"random-{name}")
    _for_optimum(directory)


def _tokenizer(run: Run) -> Tokenizer:
    kept = run.work / "tokenizer.json"
    if kept.exists():
        return Tokenizer.from_file(str(kept))
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=run.size(VOCABULARY, QUICK_VOCABULARY),
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    # Every third line, so that all languages are in it.
    lines = islice(text_lines(run.data), 0, None, 3)
    tokenizer.train_from_iterator(islice(lines, run.size(TOKENIZER_LINES, QUICK_LINES)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(kept))
    return tokenizer


def _network(size: Size, tokenizer: Tokenizer, run: Run) -> transformers.PreTrainedModel:
    torch.manual_seed(0)
    config = transformers.XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.width,
        max_position_embeddings=POSITIONS,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    network = transformers.XLMRobertaForTokenClassification(config).eval()
    texts = [document.text for document in mix(8, run.data)]
    scores = np.concatenate([_scores(network, tokenizer, text) for text in texts])
    ahead = scores[:, 1:].max(1) - scores[:, 0]
    with torch.no_grad():
        network.classifier.bias[0] += float(np.quantile(ahead, 1 - NAMES_SHARE))
    return network


def _scores(
    network: transformers.PreTrainedModel, tokenizer: Tokenizer, text: str
) -> np.typing.NDArray[np.float32]:
    tokens = torch.tensor([tokenizer.encode(text).ids[:256]])
    with torch.no_grad():
        scores: np.typing.NDArray[np.float32] = network(input_ids=tokens).logits[0].numpy()
    return scores


def _use_published_class(checkpoint: Path) -> None:
    """Name a tokenizer class that older releases of transformers know too."""
    path = checkpoint / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def _for_optimum(directory: Path) -> None:
    """Write our int8 graph once more under the names that optimum looks for."""
    target = directory / "optimum"
    shutil.copytree(
        directory / "checkpoint", target, ignore=shutil.ignore_patterns("*.safetensors")
    )
    graph = onnx.load(str(directory / "bundle" / "model.onnx"))
    names = {"tokens": "input_ids", "emissions": "logits"}
    for value in (*graph.graph.input, *graph.graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.graph.node:
        for puts in (node.input, node.output):
            puts[:] = [names.get(put, put) for put in puts]
    onnx.save(graph, str(target / "model.onnx"))


if __name__ == "__main__":
    main()
