"""A small tokenizer of its own making, and a graph of numbers of chance whose windows show.

The scores of a token depend on the whole window, as attention's do: a window that was cut, framed
or stitched otherwise has other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from onoma.ner.decoding import Decoder
from onoma.ner.subwords import Subwords, Tokens, WindowForm
from onoma.ner.token_classification import TokenClassificationRecogniser
from tests.fakes import LABELS
from tests.texts import SCRIPT_WORDS

FORM = WindowForm(prefix=(0,), suffix=(2,), unknown=3, window_tokens=24, overlap_tokens=6)
_PRIME = 1_000_003


@cache
def tokenizer_json() -> str:
    """Return a tokenizer over the words of the tests, whose file wants to cut and to pad.

    It leaves U+0000 out, so that some units have no pieces.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace("\u0000", "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([f"{word} {word}" for word in SCRIPT_WORDS], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.enable_truncation(max_length=5)
    tokenizer.enable_padding(length=9)
    text: str = tokenizer.to_str()
    return text


def subwords(form: WindowForm = FORM) -> Subwords:
    return Subwords(tokenizer_json(), form)


class FakeGraph:
    """Scores of chance from each token and its whole window; `names` surely have their label."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self.shapes: list[tuple[int, ...]] = []
        cut = subwords()
        self._names = {
            tuple(cut.pieces([word]).tokens.tolist()): LABELS.index(label)
            for word, label in (names or {}).items()
        }

    def __call__(self, tokens: Tokens) -> npt.NDArray[np.float32]:
        self.shapes.append(tokens.shape)
        whole = (tokens * np.arange(1, tokens.shape[1] + 1)).sum(1, keepdims=True)
        state = (tokens * 31 + whole) % _PRIME
        factors = np.arange(1, len(LABELS) + 1) * 7919
        scores: npt.NDArray[np.float32] = (state[..., None] * factors % _PRIME / _PRIME * 4).astype(
            np.float32
        )
        if self._names:
            scores[..., LABELS.index("O")] += 40.0
        for row, numbers in enumerate(tokens.tolist()):
            for name, label in self._names.items():
                for place in range(len(numbers)):
                    if tuple(numbers[place : place + len(name)]) == name:
                        scores[row, place, label] += 80.0
        return scores


def recogniser(
    graph: FakeGraph | None = None, form: WindowForm = FORM
) -> TokenClassificationRecogniser:
    zeros = [0.0] * len(LABELS)
    return TokenClassificationRecogniser(
        graph or FakeGraph(),
        subwords=subwords(form),
        labels=LABELS,
        decoder=Decoder(labels=LABELS, start=zeros, transitions=[zeros] * len(LABELS)),
    )
