"""FollowTheMoney entities, spaCy patterns and Stanford gazettes."""

from __future__ import annotations

import json

import pytest

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from tests.unit.gazetteer.readers.reading import read


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_follow_the_money_parties_are_joined_with_their_sanctions() -> None:
    sanction = {
        "id": "s-1",
        "schema": "Sanction",
        "properties": {"entity": ["q-1"], "program": ["AAA"], "startDate": ["2030-01-02"]},
    }
    person = {
        "id": "q-1",
        "schema": "Person",
        "caption": "Orbal Vant",
        "datasets": ["zub_list"],
        "properties": {
            "name": ["VANT Orbal", "Orbal Vant"],
            "alias": ["The Elder"],
            "weakAlias": ["Orb"],
            "previousName": ["Orbal Quoro"],
            "nationality": ["zu"],
            "birthDate": ["1950"],
            "notes": ["Tall."],
        },
    }
    address = {"id": "a-1", "schema": "Address", "properties": {"full": ["Street 1"]}}
    found = read("ftm", lines(sanction, person, address))

    assert found.entries == (
        Entry(
            entry_id="q-1",
            type=EntryType.PERSON,
            names=(
                Name("Orbal Vant", kind=NameKind.PRIMARY),
                Name("VANT Orbal"),
                Name("The Elder"),
                Name("Orbal Quoro", kind=NameKind.FORMER),
                Name("Orb", Quality.WEAK),
            ),
            source="zub_list",
            programmes=("AAA",),
            countries=("zu",),
            births=("1950",),
            listed_on="2030-01-02",
            remarks="Tall.",
        ),
    )
    assert found.skipped == {"other_kind": ["1:3"]}


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        ({"schema": "Person", "properties": {}}, "1:1: found no id"),
        ({"id": "a"}, "1:1: found no schema"),
        ({"id": "a", "schema": "Person", "properties": []}, "1:1: found no object of properties"),
        (
            {"id": "a", "schema": "Person", "properties": {"name": [{"a": 1}]}},
            "1:1: found a dict for name",
        ),
    ],
)
def test_other_json_is_no_follow_the_money(record: object, complaint: str) -> None:
    with pytest.raises(GazetteerError, match=complaint):
        read("ftm", lines(record))


def test_spacy_patterns_with_one_id_are_names_of_one_entry() -> None:
    found = read(
        "spacy",
        lines(
            {"label": "PERSON", "pattern": "Orbal Vant", "id": "orbal"},
            {"label": "GPE", "pattern": [{"LOWER": "new"}, {"TEXT": "Zubo"}]},
            {"label": "PERSON", "pattern": [{"lower": "o."}, {"lower": "vant"}], "id": "orbal"},
            {"label": "ORG", "pattern": [{"LOWER": "meliva"}, {"OP": "?"}]},
            {"label": "ORG", "pattern": [{"LOWER": {"IN": ["meliva", "melivo"]}}]},
        ),
    )
    orbal, zubo = found.entries

    assert (orbal.entry_id, orbal.type, zubo.type) == (
        "orbal",
        EntryType.PERSON,
        EntryType.PLACE,
    )
    assert found.names == [["Orbal Vant", "o. vant"], ["new Zubo"]]
    assert orbal.names[1].kind is NameKind.ALIAS
    assert found.skipped == {"token_pattern": ["1:4", "1:5"]}


@pytest.mark.parametrize(
    "record", [{"label": "ORG"}, {"pattern": "a"}, {"label": 1, "pattern": ""}]
)
def test_other_json_is_no_spacy_pattern(record: object) -> None:
    with pytest.raises(GazetteerError, match="1:1: is no pattern"):
        read("spacy", lines(record))


def test_stanford_gazettes_are_a_class_and_a_name() -> None:
    found = read("stanford", "PERSON Orbal  Vant\nLOCATION\tZubo\n\nMONEY zub\nPERSON Orbal Vant\n")

    assert found.names == [["Orbal Vant"], ["Zubo"], ["zub"]]
    assert [entry.type for entry in found.entries] == [
        EntryType.PERSON,
        EntryType.PLACE,
        EntryType.OTHER,
    ]
    assert found.skipped == {"repeated_entry": ["1:5"]}
    with pytest.raises(GazetteerError, match="1:2: found one word"):
        read("stanford", "PERSON Orbal\nPERSON\n")
