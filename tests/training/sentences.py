"""Annotated sentences that the tests wrote themselves."""

from __future__ import annotations

from onoma.evaluation.corpora import Corpus, Sentence

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")


def sentence(text: str) -> Sentence:
    """Read `Ada/B-PER sings` as two tokens, the second outside."""
    pairs = [token.partition("/") for token in text.split()]
    return Sentence(tuple(p[0] for p in pairs), tuple(p[2] or "O" for p in pairs))


SENTENCES = tuple(
    sentence(text)
    for text in (
        "Amina/B-PER Bello/I-PER ta isa Kano/B-LOC .",
        "Kamfanin Dangote/B-ORG yana da ofis a Legas/B-LOC",
        "The minister met Grace/B-PER Okoro/I-PER in Accra/B-LOC yesterday",
        "Bank/B-ORG of/I-ORG Uganda/I-ORG raised its rates",
        "in/O May Wanjiru/B-PER left Nairobi/B-LOC for Mombasa/B-LOC",
        "Nothing is said about anyone here .",
        "Élodie/B-PER Ouédraogo/I-PER vit à Bobo-Dioulasso/B-LOC",
        "المهندس سالم/B-PER في القاهرة/B-LOC",
    )
)


def corpus(name: str = "own/xx", annotates: frozenset[str] | None = None) -> Corpus:
    types = frozenset({"PER", "LOC", "ORG"}) if annotates is None else annotates
    return Corpus(name, "xx", types, SENTENCES)
