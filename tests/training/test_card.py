from __future__ import annotations

from itertools import pairwise

from onoma.registry.manifest import Decoder, Languages, Manifest
from onoma.training.card import card

MANIFEST = Manifest(
    kind="wordhash",
    name="own",
    version="1.2.3",
    files={},
    labels=("O", "B-PER", "I-PER", "B-SHIP", "I-SHIP"),
    decoder=Decoder((), ()),
    temperature=1.0,
    context_units=4,
    languages=Languages(trained=("ha", "yo")),
    training={
        "seconds": 1000,
        "units": 2_000_000,
        "seed": 5,
        "corpora": {
            "own/hau": {
                "sentences": 12,
                "tokens": 345,
                "licence": "CC0 | or MIT",
                "source": "a/b",
            }
        },
    },
    scores={
        "what": "Strict.",
        "macro_f1": {"tokens": 0.71239, "raw": 0.7},
        "sets": {"own/hau": {"sentences": 9, "types": ["PER"], "tokens": 0.71239, "raw": 0.7}},
        "robustness": {"lower": 0.6},
    },
)


def test_the_card_names_labels_languages_and_data() -> None:
    text = card(MANIFEST)

    assert text.startswith("# own 1.2.3\n")
    assert "finds PER, SHIP in" in text
    assert "ha, yo" in text
    assert "2,000,000 units were read in 1,000 seconds of one processor core, seed 5." in text


def test_the_card_shows_scores_to_three_decimals() -> None:
    text = card(MANIFEST)

    assert "| own/hau | 9 | PER | 0.712 | 0.700 |" in text
    assert "| **macro** | | | **0.712** | **0.700** |" in text
    assert "| lower | 0.600 |" in text


def test_a_bar_in_a_licence_does_not_break_the_table() -> None:
    assert "| own/hau | 12 | 345 | CC0 / or MIT | a/b |" in card(MANIFEST)


def test_every_table_row_has_as_many_cells_as_its_header() -> None:
    lines = card(MANIFEST).splitlines()
    for header, rule in pairwise(lines):
        if rule.startswith("|--"):
            for row in lines[lines.index(header) :]:
                if not row.startswith("|"):
                    break
                assert row.count("|") == header.count("|")
