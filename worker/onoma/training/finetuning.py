"""Fine-tunes a local Hugging Face encoder: the same examples and the same loop as `wordhash`.

Between `encoder.py` and `encoder_bundle.py`. The rule: what is learnt at a unit is what will be
read there, the scores of its first piece; where the annotation leaves several labels open, their
chances are added up and none of them is pushed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.learning import rows_of
from onoma.ner import decoding
from onoma.ner.subwords import Subwords, Tokens
from onoma.ner.token_classification import TokenClassificationRecogniser
from onoma.registry import bundle
from onoma.registry.bundle import window_form
from onoma.registry.manifest import Decoder, Manifest
from onoma.training.bundle import claim
from onoma.training.corpora import Corpora
from onoma.training.encoder import Checkpoint, load_encoder
from onoma.training.encoder_bundle import Description, write_bundle
from onoma.training.encoder_export import Precision, Tagger
from onoma.training.encoder_layers import Tuning, draw_anew, groups_of
from onoma.training.examples import Example, Examples
from onoma.training.feeds import Feed, Source
from onoma.training.finishing import Grounds, finish
from onoma.training.loop import Saving, Trained, Watch, train
from onoma.training.precision import products
from onoma.training.progress import Progress
from onoma.training.recipes import Recipe, Schedule
from onoma.training.subword_batches import SubwordBatch, SubwordCollator

Loss = Callable[[Sequence[Example]], tuple[Tensor, int]]
"""What to minimise on a batch of examples, and its units."""


SCHEDULE = Schedule(
    seconds=3600.0,
    learning_rate=3e-5,
    last_learning_rate=0.0,
    warm_up=0.08,
    depth_decay=0.95,
    average_decay=0.999,
)
"""Where to start: long training, which brings most with few sentences (Zhang et al., "Revisiting
Few-sample BERT Fine-tuning", 2006.05987), each layer a little slower than the one above it.
"""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A fine-tuned encoder and what it cost."""

    tagger: Tagger
    trained: Trained


def finetune(
    checkpoint: Checkpoint,
    corpora: Sequence[Corpus],
    labels: Sequence[str],
    recipe: Recipe,
    tuning: Tuning,
    *,
    progress: Progress,
    score: Callable[[TokenClassificationRecogniser], float] | None = None,
    saving: Saving | None = None,
) -> Tuned:
    """Fine-tune the encoder of `checkpoint` under a new head on `corpora`.

    `score` judges the model on development sets, as often as the schedule of `recipe` says.
    """
    torch.set_num_threads(1)
    model = load_encoder(checkpoint, len(labels), recipe.seed)
    draw_anew(model, tuning.drawn_anew)
    groups = groups_of(model, tuning)
    tagger = Tagger(model, _alike(labels))
    subwords = subwords_of(checkpoint)
    collator = SubwordCollator(subwords, labels, [c.annotates for c in corpora], _padding(model))
    examples = Examples(corpora, labels, recipe, recipe.seed)
    watch = None
    if score is not None and recipe.schedule.evaluate_every:
        judge = partial(score, recogniser_of(tagger, subwords, labels))
        watch = Watch(judge, recipe.schedule.evaluate_every, recipe.schedule.patience)
    model.train()
    trained = train(
        model,
        groups,
        [Source("names", 1.0, Feed(examples.chunk), _loss(model, collator, tuning))],
        recipe.schedule,
        seed=recipe.seed,
        progress=progress,
        watch=watch,
        saving=saving,
    )
    return Tuned(tagger, trained)


def _loss(model: nn.Module, collator: SubwordCollator, tuning: Tuning) -> Loss:
    def loss(examples: Sequence[Example]) -> tuple[Tensor, int]:
        batch = collator.batch(examples)
        with products(bfloat16=tuning.bfloat16):
            scores = scores_of(model, batch)
        return allowed_loss(scores.float(), batch.allowed), len(batch.allowed)

    return loss


def write_finetuned(
    directory: Path,
    tuned: Tuned,
    *,
    checkpoint: Checkpoint,
    corpora: Corpora,
    labels: Sequence[str],
    recipe: Recipe,
    precision: Precision = "int8",
    report: Callable[[str], None] = lambda line: None,
) -> Manifest:
    """Write the bundle of `tuned` to `directory`, new or empty, and have it scored and gated on the
    development sets.
    """
    claim(directory)
    write_bundle(
        directory,
        checkpoint=checkpoint,
        tagger=tuned.tagger,
        labels=labels,
        decoder=free_moves(labels),
        precision=precision,
        described=Description(
            name=recipe.name,
            version=recipe.version,
            languages=sorted({corpus.language for corpus in corpora.train}),
            training=_training(tuned, corpora, recipe),
        ),
    )
    if any(corpus.sentences for corpus in corpora.dev):
        checks = finish(
            directory,
            Grounds.of(corpora.dev, corpora.train),
            date=datetime.now(UTC).date().isoformat(),
            reference=recogniser_of(tuned.tagger, subwords_of(checkpoint), labels),
            told=report,
        )
        if failed := [check.name for check in checks if check.passed is False]:
            report(f"not gated, so no worker will serve it: {', '.join(failed)}")
    return bundle.load(directory, allow_ungated=True).manifest


def free_moves(labels: Sequence[str]) -> Decoder:
    """Return moves that are all alike: only what IOB2 forbids is closed, by the decoder."""
    zeros = (0.0,) * len(labels)
    return Decoder(start=zeros, transitions=(zeros,) * len(labels))


def subwords_of(checkpoint: Checkpoint) -> Subwords:
    """Return what cuts units into the pieces of `checkpoint`."""
    return Subwords(checkpoint.tokenizer_json, window_form(checkpoint.subwords))


def recogniser_of(
    tagger: Tagger, subwords: Subwords, labels: Sequence[str]
) -> TokenClassificationRecogniser:
    """Return a recogniser that asks the network itself, to score it while it trains."""

    @torch.no_grad()
    def run(tokens: Tokens) -> np.typing.NDArray[np.float32]:
        scores: np.typing.NDArray[np.float32] = tagger(torch.from_numpy(tokens)).numpy()
        return scores

    moves = free_moves(labels)
    decoder = decoding.Decoder(labels=labels, start=moves.start, transitions=moves.transitions)
    return TokenClassificationRecogniser(run, subwords=subwords, labels=labels, decoder=decoder)


def scores_of(model: nn.Module, batch: SubwordBatch) -> Tensor:
    """Return the scores of each unit's first piece `(units, labels)`."""
    scores = model(input_ids=batch.tokens, attention_mask=batch.mask).logits
    first: Tensor = scores[batch.windows, batch.places]
    return first


def allowed_loss(scores: Tensor, allowed: Tensor) -> Tensor:
    """Return the mean of minus the log chance that a unit has one of its `allowed` labels."""
    open_scores = scores.masked_fill(~allowed, -torch.inf)
    return (scores.logsumexp(-1) - open_scores.logsumexp(-1)).mean()


def _alike(labels: Sequence[str]) -> tuple[tuple[int], ...]:
    return tuple((number,) for number in range(len(labels)))


def _padding(model: nn.Module) -> int:
    return int(model.config.pad_token_id or 0)


def _training(tuned: Tuned, corpora: Corpora, recipe: Recipe) -> dict[str, Any]:
    return {
        "what": "An encoder from elsewhere, fine-tuned here.",
        "seconds": round(tuned.trained.seconds),
        "steps": tuned.trained.steps,
        "units": tuned.trained.units,
        "learning": rows_of(tuned.trained.scores),
        "seed": recipe.seed,
        "recipe": msgspec.to_builtins(recipe),
        "corpora": corpora.described(),
    }
