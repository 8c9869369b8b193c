from __future__ import annotations

from itertools import pairwise

import msgspec

from onoma.registry.manifest import Decoder, Languages, Manifest
from onoma.training.card import accuracy_page, card

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
        "macro_intervals": {"tokens": [0.7, 0.72], "raw": [0.69, 0.71]},
        "mentions": {
            "seen": {"f1": 0.9, "precision": 0.9, "recall": 0.91, "gold": 1200},
            "unseen": {"f1": 0.5, "precision": 0.6, "recall": 0.43, "gold": 900},
        },
        "sets": {"own/hau": {"sentences": 9, "types": ["PER"], "tokens": 0.71239, "raw": 0.7}},
        "robustness": {"lower case": {"macro_f1": 0.6, "macro_interval": [0.58, 0.62]}},
    },
)


def test_the_card_names_labels_languages_and_data() -> None:
    text = card(MANIFEST)

    assert text.startswith("# own 1.2.3\n")
    assert "finds PER, SHIP in" in text
    assert "ha, yo" in text
    assert "2,000,000 units were read in 1,000 seconds of one processor core, seed 5." in text


def test_the_card_says_what_a_model_was_trained_on_and_started_from() -> None:
    row = {**MANIFEST.training["corpora"]["own/hau"], "licence": "not stated"}
    further = msgspec.structs.replace(
        MANIFEST,
        training={
            **MANIFEST.training,
            "corpora": {"own/hau": row},
            "started_from": {"name": "first", "version": "1.0"},
        },
    )

    assert "It was trained from scratch on openly licensed corpora and" in card(MANIFEST)
    assert "It was trained on the corpora below, starting from first 1.0, and" in card(further)


def test_the_card_names_the_teachers_of_a_model() -> None:
    teachers = [{"name": "one", "version": "1"}, {"name": "two", "version": "2"}]
    start = {"name": "first", "version": "1.0"}
    taught, both = (
        card(msgspec.structs.replace(MANIFEST, training={**MANIFEST.training, **more}))
        for more in ({"teachers": teachers}, {"teachers": teachers, "started_from": start})
    )

    assert "from scratch on openly licensed corpora, taught by one 1, two 2, and holds" in taught
    assert "corpora, starting from first 1.0, taught by one 1, two 2, and holds" in both


def test_the_card_shows_scores_to_three_decimals() -> None:
    text = card(MANIFEST)

    assert "| own/hau | 9 | PER | 0.712 | 0.700 |  |" in text
    assert "| tokens | the corpora's own tokens | 0.712 (0.700-0.720) |" in text
    assert "| lower case | 0.600 (0.580-0.620) |" in text


def test_weaknesses_are_measured_ones_first() -> None:
    text = card(MANIFEST)

    assert "- Weakest sets: own/hau (0.71)." in text
    assert "- Of names that training saw 91% are found, of others 43%." in text


def test_a_model_without_scores_says_so_and_where_it_came_from() -> None:
    imported = msgspec.structs.replace(
        MANIFEST,
        kind="token-classification",
        scores={},
        training={"what": "Imported.", "origin": {"config.json": "ab12"}},
    )
    text = card(imported)

    assert "None are stated here: `onoma evaluate` measures them." in text
    assert "| config.json | `ab12` |" in text
    assert "from scratch" not in text


def test_the_page_of_accuracy_says_what_the_card_says() -> None:
    page = accuracy_page(MANIFEST, "<!-- note -->")

    assert page.startswith("# Accuracy\n\n<!-- note -->\n")
    assert card(MANIFEST).partition("## Scores")[2] == page.partition("## Scores")[2]


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
