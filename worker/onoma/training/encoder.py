"""Opens a local directory of a Hugging Face encoder, or says why it is not taken.

First step of import and of fine-tuning; everything is judged here before transformers sees the
directory. The rules: a directory, never a name on a hub, and no network; weights are safetensors,
and a pickle that lies beside them is refused too; a configuration that brings code is refused; only
architectures whose export is tested are taken. The worker reads `tokenizer.json` alone, so that is
what must be there.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from onoma.errors import WrongUseError
from onoma.ner.subwords import tokenizer_of
from onoma.registry.manifest import TOKENIZER_NAME, Subwords
from onoma.training.encoder_export import refuse_size

CONFIG_NAME = "config.json"
TOKENIZER_CONFIG_NAME = "tokenizer_config.json"
PICKLES = (".bin", ".ckpt", ".h5", ".joblib", ".msgpack", ".pickle", ".pkl", ".pt", ".pth")
FREE_POSITIONS = {
    "albert": 0,
    "bert": 0,
    "deberta-v2": 0,
    "modernbert": 0,
    "roberta": 2,
    "xlm-roberta": 2,
}
"""Architectures that are taken, and how many of their positions hold no token of a text."""

PROBE = "a"
"""A text of which every tokenizer makes a piece, to see what it puts around it."""

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A directory that was judged: its configuration, and the tokenizer as it will be served."""

    directory: Path
    config: Config
    tokenizer_json: str
    subwords: Subwords

    @property
    def architecture(self) -> str:
        """Return the kind of encoder, such as `xlm-roberta`."""
        return str(self.config["model_type"])


def open_checkpoint(
    directory: Path,
    *,
    window_tokens: int = 256,
    overlap_tokens: int = 32,
    prefix_space: bool | None = None,
) -> Checkpoint:
    """Judge `directory` and return what is needed of it besides the weights.

    `prefix_space`: whether a byte-level tokenizer sees a blank before every unit; None takes what
    the directory says.
    """
    config = _json(directory / CONFIG_NAME)
    _judge(directory, config)
    settings = _json(directory / TOKENIZER_CONFIG_NAME, optional=True)
    _refuse_code(directory / TOKENIZER_CONFIG_NAME, settings)
    if prefix_space is None:
        prefix_space = settings.get("add_prefix_space")
    tokenizer_json = _tokenizer_json(directory, prefix_space)
    subwords = _subwords(directory, config, settings, tokenizer_json)
    window_tokens = min(window_tokens, _positions(config))
    if window_tokens - len(subwords.prefix) - len(subwords.suffix) <= overlap_tokens:
        raise WrongUseError(
            f"{directory}: windows of {window_tokens} tokens hold no more than the overlap of "
            f"{overlap_tokens} besides special tokens: take longer windows or a shorter overlap"
        )
    sized = Subwords(
        subwords.prefix, subwords.suffix, subwords.unknown, window_tokens, overlap_tokens
    )
    return Checkpoint(directory, config, tokenizer_json, sized)


def load_tagger(checkpoint: Checkpoint) -> nn.Module:
    """Return the fine-tuned model of `checkpoint`; one that lacks weights, a head above all, is
    refused.
    """
    model, absent = _from_pretrained(checkpoint, {})
    if absent:
        raise WrongUseError(
            f"{checkpoint.directory}: the weights lack {', '.join(absent[:3])}: this is no "
            "fine-tuned token classifier; fine-tune it first"
        )
    return model


def load_encoder(checkpoint: Checkpoint, labels: int, seed: int) -> nn.Module:
    """Return the encoder of `checkpoint` under a new head for `labels` labels, drawn from
    `seed`.
    """
    torch.manual_seed(seed)
    names = {number: f"label {number}" for number in range(labels)}
    more = {"num_labels": labels, "id2label": names, "label2id": {v: k for k, v in names.items()}}
    model, absent = _from_pretrained(checkpoint, {**more, "ignore_mismatched_sizes": True})
    strange = [name for name in absent if not name.startswith(("classifier.", "head."))]
    if strange:
        raise WrongUseError(
            f"{checkpoint.directory}: the weights lack {', '.join(strange[:3])}: this is no whole "
            f"{checkpoint.architecture}"
        )
    return model


def _from_pretrained(
    checkpoint: Checkpoint, more: Mapping[str, Any]
) -> tuple[nn.Module, tuple[str, ...]]:
    """Return the model, and the names of weights that the directory lacks."""
    # Read when the library is imported, which is here for the first time.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    with warnings.catch_warnings():
        # What it imports for some architectures warns of itself.
        warnings.simplefilter("ignore")
        model, absent = _loaded(checkpoint, more)
    # Here, because training may take hours and the export comes after it.
    refuse_size(model, str(checkpoint.directory))
    return model, absent


def _loaded(checkpoint: Checkpoint, more: Mapping[str, Any]) -> tuple[nn.Module, tuple[str, ...]]:
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        model, found = transformers.AutoModelForTokenClassification.from_pretrained(
            str(checkpoint.directory),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            # The plain products are what is exported; a fused kernel would be taken apart again.
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
            **more,
        )
    except Exception as error:  # the library raises classes of several packages for bad weights
        raise WrongUseError(
            f"{checkpoint.directory}: transformers does not load it: {error}"
        ) from error
    absent = sorted(found["missing_keys"]) + sorted(key[0] for key in found["mismatched_keys"])
    return model, tuple(absent)


def _json(path: Path, *, optional: bool = False) -> Config:
    if optional and not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUseError(
            f"{path.parent}: found no readable {path.name} ({error.strerror}); wanted a local "
            "directory of a Hugging Face model"
        ) from error
    except ValueError as error:
        raise WrongUseError(f"{path}: is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise WrongUseError(f"{path}: holds no JSON object")
    return found


def _judge(directory: Path, config: Config) -> None:
    _refuse_code(directory / CONFIG_NAME, config)
    if "quantization_config" in config:
        raise WrongUseError(f"{directory}: is quantised already; wanted the float weights")
    kind = config.get("model_type")
    if kind not in FREE_POSITIONS:
        raise WrongUseError(
            f"{directory}: found a model of type {kind!r}; taken are "
            f"{', '.join(sorted(FREE_POSITIONS))}"
        )
    files = sorted(file.relative_to(directory) for file in directory.rglob("*"))
    if pickles := [str(file) for file in files if file.suffix.lower() in PICKLES]:
        raise WrongUseError(
            f"{directory}: {pickles[0]} may run code when it is read, and is never opened; keep "
            "the safetensors and take it out"
        )
    if not any(file.suffix == ".safetensors" for file in files):
        raise WrongUseError(f"{directory}: holds no *.safetensors; save the weights in that form")


def _refuse_code(path: Path, config: Config) -> None:
    for key in ("auto_map", "trust_remote_code", "custom_pipelines"):
        if config.get(key):
            raise WrongUseError(
                f"{path}: brings code of its own ({key}), which is never run: take a checkpoint of "
                "a stock architecture"
            )


def _tokenizer_json(directory: Path, prefix_space: bool | None) -> str:
    path = directory / TOKENIZER_NAME
    if not path.is_file():
        raise WrongUseError(
            f"{directory}: has no {TOKENIZER_NAME}: load its tokenizer with transformers and save "
            "it again"
        )
    found = dict(_json(path))
    # A file's own limits would be switched off at load; without them nobody wonders.
    found["truncation"] = found["padding"] = None
    if prefix_space is not None:
        for step in _steps(found.get("pre_tokenizer")):
            if step.get("type") == "ByteLevel":
                step["add_prefix_space"] = prefix_space
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    try:
        tokenizer_of(text)
    except Exception as error:  # tokenizers raises bare Exceptions
        raise WrongUseError(f"{path}: is no tokenizer: {error}") from error
    return text


def _steps(step: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield a pre-tokenizer's parts."""
    if step:
        yield step
        for inner in step.get("pretokenizers", ()):
            yield from _steps(inner)


def _subwords(directory: Path, config: Config, settings: Config, tokenizer_json: str) -> Subwords:
    tokenizer = tokenizer_of(tokenizer_json)
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    if size > config.get("vocab_size", 0):
        raise WrongUseError(
            f"{directory}: the tokenizer knows {size} pieces and the model "
            f"{config.get('vocab_size')}: they do not belong together"
        )
    encoding = tokenizer.encode([PROBE], is_pretokenized=True, add_special_tokens=True)
    own = [place for place, mask in enumerate(encoding.special_tokens_mask) if not mask]
    if not own:
        raise WrongUseError(f"{directory}: the tokenizer makes nothing of {PROBE!r}")
    unknown = _unknown(tokenizer_json, settings)
    number = tokenizer.token_to_id(unknown) if unknown is not None else None
    if number is None:
        raise WrongUseError(f"{directory}: the tokenizer names no unknown token (unk_token)")
    return Subwords(
        prefix=tuple(encoding.ids[: own[0]]),
        suffix=tuple(encoding.ids[own[-1] + 1 :]),
        unknown=number,
    )


def _unknown(tokenizer_json: str, settings: Config) -> str | None:
    """Return the unknown token, as the settings name it or the model of the tokenizer."""
    named = settings.get("unk_token")
    if isinstance(named, dict):
        named = named.get("content")
    model = json.loads(tokenizer_json)["model"]
    if named is None:
        named = model.get("unk_token")
    if named is None and model.get("unk_id") is not None:
        named = model["vocab"][model["unk_id"]][0]
    return named if isinstance(named, str) else None


def _positions(config: Config) -> int:
    """Return how many tokens a window can have at most."""
    free = FREE_POSITIONS[config["model_type"]]
    return int(config.get("max_position_embeddings", 512)) - free
