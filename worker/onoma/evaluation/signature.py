"""Names what a score was made of, in one line, so that two scores can be compared or must not be.

As sacrebleu does (metrics/base.py). The rule: equal signatures mean equal scores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from onoma.evaluation.corpora import Corpus
from onoma.evaluation.texts import Form

SCHEME = "IOB2"
MATCHING = "strict"
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Signature:
    """What decides a score: the form of the text, the data, the model, our version."""

    form: str
    data: str
    model: str
    onoma: str

    def __str__(self) -> str:
        """Return it in one line, hashes cut short."""
        return (
            f"scheme:{SCHEME}|matching:{MATCHING}|text:{self.form}|data:{self.data[:SHOWN]}|"
            f"model:{self.model[:SHOWN]}|onoma:{self.onoma}"
        )

    def as_record(self) -> dict[str, str]:
        """Return it as JSON, hashes whole."""
        return {
            "scheme": SCHEME,
            "matching": MATCHING,
            "text": self.form,
            "data_sha256": self.data,
            "model_sha256": self.model,
            "onoma": self.onoma,
        }


def sha256_of(corpora: Iterable[Corpus]) -> str:
    """Return the sha256 over names, annotated types, tokens and tags of `corpora`, by name."""
    digest = hashlib.sha256()
    for corpus in sorted(corpora, key=lambda corpus: corpus.name):
        digest.update("\0".join((corpus.name, *sorted(corpus.annotates))).encode() + b"\1")
        for sentence in corpus.sentences:
            digest.update("\0".join((*sentence.tokens, *sentence.tags)).encode() + b"\2")
            if sentence.origin is not None:
                digest.update(sentence.origin.text.encode() + b"\3")
    return digest.hexdigest()


def signature_of(corpora: Iterable[Corpus], form: Form, *, model: str, onoma: str) -> Signature:
    """Return the signature of scores on `corpora`."""
    return Signature(form, sha256_of(corpora), model, onoma)
