"""Makes tiny encoders of every architecture that is taken, as directories, with sentences to learn.

All text was written for these tests; tokenizers are trained on it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from onoma.evaluation.corpora import Corpus, Sentence
from onoma.training.recipes import Recipe, Schedule, Variation
from tests.training.sentences import sentence

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
VOCABULARY = 320
WIDTH, LAYERS = 64, 2

PEOPLE = (
    "Amina/B-PER Bello/I-PER", "Grace/B-PER Okoro/I-PER", "Wanjiru/B-PER", "Élodie/B-PER",
    "Joaquim/B-PER de/I-PER Sá/I-PER", "Ђорђе/B-PER", "Salma/B-PER", "Tunde/B-PER Ọṣun/I-PER",
)  # fmt: skip
PLACES = (
    "Kano/B-LOC", "Accra/B-LOC", "Addis/B-LOC Ababa/I-LOC", "القاهرة/B-LOC", "Bobo-Dioulasso/B-LOC",
    "Riga/B-LOC", "दिल्ली/B-LOC",
)  # fmt: skip
FIRMS = (
    "Dangote/B-ORG", "Bank/B-ORG of/I-ORG Uganda/I-ORG", "Greyfathom/B-ORG Ltd/I-ORG",
    "Kampuni/B-ORG ya/I-ORG Meli/I-ORG", "Amberquay/B-ORG",
)  # fmt: skip
FORMS = (
    "{person} left {place} for the office of {firm} .",
    "In {place} , {firm} pays its staff late .",
    "Shugaban {firm} ya gana da {person} a {place} .",
    "Nothing of note was said there .",
    "{person} , {person2} and {firm} met in {place}",
)


def tiny_recipe(steps: int, *, depth_decay: float = 1.0) -> Recipe:
    """Return a recipe in which a tiny encoder learns sentences as they are."""
    return Recipe(
        name="tiny",
        variation=Variation(joined=0, resegmented=0, noise=0, replacement=0),
        batch=16,
        schedule=Schedule(
            steps=steps,
            learning_rate=3e-3,
            last_learning_rate=1e-4,
            warm_up=0.1,
            depth_decay=depth_decay,
            average_decay=0.9,
            average_from=0.7,
            average_every=5,
        ),
    )


def learnable() -> Corpus:
    """Return 32 sentences of names in five forms."""
    people, places, firms = cycle(PEOPLE), cycle(PLACES), cycle(FIRMS)
    sentences = tuple(
        sentence(
            form.format(
                person=next(people), person2=next(people), place=next(places), firm=next(firms)
            )
        )
        for form in islice(cycle(FORMS), 32)
    )
    return Corpus("own/xx", "en", frozenset({"PER", "LOC", "ORG"}), sentences)


def text_of(line: Sentence) -> str:
    """Return the running text of a sentence."""
    return " ".join(line.tokens)


def _unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    return _trained(
        tokenizer,
        trainers.UnigramTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
            unk_token="<unk>",
            show_progress=False,
        ),
        ("<s>", "</s>"),
    )


def _word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY, special_tokens=special, show_progress=False
    )
    return _trained(tokenizer, trainer, ("[CLS]", "[SEP]"))


def _byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(
        tokenizer,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
        ("<s>", "</s>"),
    )


def _trained(tokenizer: Tokenizer, trainer: Any, around: tuple[str, str]) -> Tokenizer:
    tokenizer.train_from_iterator([text_of(line) for line in learnable().sentences], trainer)
    first, last = around
    ids = [(token, tokenizer.token_to_id(token)) for token in around]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} $B {last}", special_tokens=ids
    )
    # Both are in many published files, and would drop text in silence.
    tokenizer.enable_truncation(max_length=12)
    tokenizer.enable_padding(length=12)
    return tokenizer


TOKENIZERS: Mapping[str, Callable[[], Tokenizer]] = {
    "xlm-roberta": _unigram,
    "bert": _word_piece,
    "albert": _unigram,
    "roberta": _byte_level,
    "deberta-v2": _unigram,
    "modernbert": _byte_level,
}


def config_of(architecture: str, tokenizer: Tokenizer) -> transformers.PretrainedConfig:
    """Return the tiny configuration of `architecture`."""
    padding = tokenizer.token_to_id("<pad>")
    sizes: dict[str, Any] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "intermediate_size": 2 * WIDTH,
        "max_position_embeddings": 130,
        "pad_token_id": 0 if padding is None else padding,
    }
    more: dict[str, dict[str, Any]] = {
        "albert": {"embedding_size": 32},
        "deberta-v2": {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "position_biased_input": False,
        },
        "modernbert": {
            "bos_token_id": 0,
            "cls_token_id": 0,
            "eos_token_id": 2,
            "sep_token_id": 2,
            "local_attention": 16,
            "global_attn_every_n_layers": 2,
        },
    }
    return transformers.AutoConfig.for_model(architecture, **sizes, **more.get(architecture, {}))


def write_encoder(directory: Path, architecture: str) -> Path:
    """Write an encoder of chance weights with a head of masked words, as one is published."""
    tokenizer = TOKENIZERS[architecture]()
    torch.manual_seed(1)
    config = config_of(architecture, tokenizer)
    with warnings.catch_warnings():
        # The library uses what torch deprecates.
        warnings.simplefilter("ignore")
        model = transformers.AutoModelForMaskedLM.from_config(config)
    model.save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


def write_tagger(
    directory: Path, model: Any, tokenizer_json: str, labels: tuple[str, ...] = LABELS
) -> Path:
    """Write a fine-tuned model with its labels, as one is published."""
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {label: number for number, label in enumerate(labels)}
    model.save_pretrained(directory)
    (directory / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
    return directory


def change_json(path: Path, **values: Any) -> None:
    """Set keys of a JSON file; None takes one out."""
    found = {**json.loads(path.read_text(encoding="utf-8")), **values}
    path.write_text(json.dumps({k: v for k, v in found.items() if v is not None}))
