"""The peers, each as its users run it: one process for each, in the environment of bench.txt.

    python -m benchmarks.peer_subjects "optimum int8" --model build/bench/S --documents FILE

Started by `benchmarks.peers`, which sends a line for each round; the process then reads all
documents of FILE, one JSON object a line, one document at a time, and answers with its CPU-seconds
and the number of names it found. One thread. Nothing of Onoma is imported.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Reads = Callable[[str], int]
"""A text in, the number of names found in it out."""

PUBLISHED_WINDOW = (512, 128)
OUR_WINDOW = (256, 32)
"""Tokens of a window, and those that two neighbours share."""
LABELS = ("PER", "LOC", "ORG", "DATE")


@click.command()
@click.argument("name")
@click.option("--model", type=click.Path(path_type=Path), required=True)
@click.option("--documents", type=click.Path(path_type=Path), required=True)
def main(name: str, model: Path, documents: Path) -> None:
    """Answer rounds of the peer NAME until standard input ends."""
    texts = [json.loads(line)["text"] for line in documents.read_text("utf-8").splitlines()]
    reads = SUBJECTS[name](model)
    reads(texts[0])
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.process_time()
        found = sum(reads(text) for text in texts)
        spent = time.process_time() - started
        print(json.dumps({"cpu_seconds": spent, "names": found}), flush=True)


def hugging_face(model: Path) -> Reads:
    """Return transformers' pipeline in full precision."""
    return _pipeline(_tagger(model), model, PUBLISHED_WINDOW)


def hugging_face_int8(model: Path) -> Reads:
    """Return transformers' pipeline with torch's dynamic int8."""
    import torch

    quantised = torch.ao.quantization.quantize_dynamic(
        _tagger(model), {torch.nn.Linear}, dtype=torch.qint8
    )
    return _pipeline(quantised, model, PUBLISHED_WINDOW)


def optimum_our_file(model: Path) -> Reads:
    """Return optimum's pipeline on our own int8 graph, with our windows."""
    return _pipeline(_session(model / "optimum", "model.onnx"), model, OUR_WINDOW)


def optimum_int8(model: Path) -> Reads:
    """Return optimum's pipeline on its own export, quantised by its own preset."""
    from optimum.onnxruntime import ORTModelForTokenClassification, ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    kept = model / "optimum-own"
    if not (kept / "model_quantized.onnx").exists():
        exported = ORTModelForTokenClassification.from_pretrained(model / "checkpoint", export=True)
        preset = AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True)
        ORTQuantizer.from_pretrained(exported).quantize(quantization_config=preset, save_dir=kept)
    return _pipeline(_session(kept, "model_quantized.onnx"), model, PUBLISHED_WINDOW)


def spacy_cnn(width: int, depth: int) -> Callable[[Path], Reads]:
    """Return a maker of spaCy's `pipe` with an untrained CNN of this size."""

    def make(_: Path) -> Reads:
        import spacy

        nlp = spacy.blank("xx")
        tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": width, "depth": depth}
        tok2vec |= {"embed_size": 5_000, "window_size": 1, "maxout_pieces": 3}
        tok2vec |= {"subword_features": True, "pretrained_vectors": None}
        settings: dict[str, Any] = {"@architectures": "spacy.TransitionBasedParser.v2"}
        settings |= {"state_type": "ner", "extra_state_tokens": False, "hidden_width": 64}
        settings |= {"maxout_pieces": 2, "use_upper": True, "nO": None, "tok2vec": tok2vec}
        tagger = nlp.add_pipe("ner", config={"model": settings})
        for label in LABELS:
            tagger.add_label(label)
        nlp.initialize()
        nlp.max_length = 10_000_000
        return lambda text: sum(len(document.ents) for document in nlp.pipe([text]))

    return make


def _tagger(model: Path) -> Any:
    from transformers import AutoModelForTokenClassification

    return AutoModelForTokenClassification.from_pretrained(model / "checkpoint").eval()


def _session(directory: Path, file: str) -> Any:
    import onnxruntime
    from optimum.onnxruntime import ORTModelForTokenClassification

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ORTModelForTokenClassification.from_pretrained(
        directory, file_name=file, session_options=options
    )


def _pipeline(tagger: Any, model: Path, window: tuple[int, int]) -> Reads:
    import torch
    from transformers import AutoTokenizer, pipeline

    torch.set_num_threads(1)
    tokens, shared = window
    tokenizer = AutoTokenizer.from_pretrained(model / "checkpoint", model_max_length=tokens)
    found = pipeline(
        "token-classification",
        model=tagger,
        tokenizer=tokenizer,
        aggregation_strategy="simple",
        stride=shared,
        device="cpu",
    )
    return lambda text: len(found(text))


SUBJECTS: dict[str, Callable[[Path], Reads]] = {
    "Hugging Face fp32": hugging_face,
    "Hugging Face int8": hugging_face_int8,
    "optimum int8, our file and windows": optimum_our_file,
    "optimum int8, its own export": optimum_int8,
    "spaCy CNN 96x4": spacy_cnn(96, 4),
    "spaCy CNN 256x4": spacy_cnn(256, 4),
}


if __name__ == "__main__":
    main()
