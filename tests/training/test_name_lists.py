"""Lists of names are read below --data, and one that can't be used is named."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.chain import open_chain
from onoma.gazetteer.entries import Entry, EntryType, Name, Quality
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.manifest import Base, SourceFile
from onoma.gazetteer.segment import Identity, read_manifest, write_segment
from onoma.training.gazetteers import NameList, read_names
from onoma.training.recipes import Lists, read_recipe
from tests.unit.gazetteer.lists import entry


def _written(data: Path, name: str, text: str) -> str:
    (data / "lists").mkdir(exist_ok=True)
    packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (data / "lists" / name).write_bytes(packed)
    return f"lists/{name}"


def _places(data: Path, name: str, text: str) -> list[str]:
    wanted = Lists(places=(_written(data, name, text),))
    return [line.strip().split("\t")[1] for line in read_names(data, wanted).gazetteer.lines()]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "Kano\n\n  Port of Spain  \n"),
        ("a.txt.gz", "Kano\nPort of Spain"),
        ("a.tsv", 'code\tname\n1\tKano\n2\tPort of Spain\n3\t"\n'),
        ("a.csv", 'name,country\nKano,"a\nb"\n"Port of Spain",c\n'),
        ("a.csv.gz", "id,local,romanized\n1,Kano,Port of Spain\n2\n"),
    ],
)
def test_names_are_lines_or_the_columns_that_are_called_so(
    tmp_path: Path, name: str, text: str
) -> None:
    assert _places(tmp_path, name, text) == ["kano", "port of spain"]


def test_places_and_people_are_kept_apart_and_counted(tmp_path: Path) -> None:
    places = _written(tmp_path, "places.txt", "Kano\nZaria\n")
    people = _written(tmp_path, "people.txt", "Amina Bello\n")

    names = read_names(tmp_path, Lists(places=(places,), people=(people,)))

    assert names.lists == (
        NameList(places, "places", 2, "not stated", "not stated"),
        NameList(people, "people", 1, "not stated", "not stated"),
    )
    assert list(names.gazetteer.lines()) == [
        "place\tkano\n",
        "place\tzaria\n",
        "person\tamina\n",
        "person\tbello\n",
    ]


def _licensed(data: Path, file: str, licence: str, *, non_commercial: bool = False) -> None:
    row = {"file": f"pool/{file}", "licence": licence, "repo": "own/lists"}
    rows = [row | {"non_commercial": non_commercial}]
    (data / "lists_manifest.json").write_text(json.dumps(rows))


def test_the_licence_of_a_list_is_that_of_the_data_directory(tmp_path: Path) -> None:
    places = _written(tmp_path, "places.txt", "Kano\n")
    _licensed(tmp_path, places, "CC0 1.0")

    (one,) = read_names(tmp_path, Lists(places=(places,))).lists

    assert (one.licence, one.source) == ("CC0 1.0", "own/lists")


@pytest.mark.parametrize(
    ("licence", "non_commercial"), [("ODbL 1.0: share-alike", False), ("CC BY-NC 4.0", True)]
)
def test_a_list_that_may_not_be_shipped_in_a_bundle_is_refused(
    tmp_path: Path, licence: str, non_commercial: bool
) -> None:
    places = _written(tmp_path, "places.txt", "Kano\n")
    _licensed(tmp_path, places, licence, non_commercial=non_commercial)

    with pytest.raises(WrongUseError, match=rf"lists/places.txt: is licensed {licence[:4]}.*take"):
        read_names(tmp_path, Lists(places=(places,)))


def _built(data: Path, name: str, *entries: Entry, sources: tuple[SourceFile, ...] = ()) -> str:
    identity = Identity(name=name, version="1", sources=sources)
    write_segment(data / "built" / name, entries, identity, INDEX)
    return f"built/{name}"


def test_a_built_list_gives_each_kind_its_entries(tmp_path: Path) -> None:
    weak = Name("Baker", Quality.WEAK)
    kadram = entry("z:1", "KADRAM, Zubo")
    built = _built(
        tmp_path,
        "mixed",
        replace(kadram, names=(*kadram.names, weak)),
        entry("z:2", "Ćirolova Trading Public Limited Company", type=EntryType.ORGANISATION),
        entry("z:3", "Ūlvar", type=EntryType.PLACE),
        entry("z:4", "Mirel", type=EntryType.OTHER),
        entry("z:5", "Grey Star", type=EntryType.VESSEL),
    )

    names = read_names(tmp_path, Lists(places=(built,), people=(built,), organisations=(built,)))

    assert list(names.gazetteer.lines()) == [
        "place\tmirel\n",
        "place\tulvar\n",
        "person\tkadram\n",
        "person\tmirel\n",
        "person\tzubo\n",
        "organisation\tcirolova trading plc\n",
        "organisation\tmirel\n",
    ]
    assert {one.sha256 for one in names.lists} == {open_chain(tmp_path / built).newest.sha256}


def test_a_chain_of_changes_gives_what_it_says_now(tmp_path: Path) -> None:
    _built(tmp_path, "first", entry("z:1", "Zubo"), entry("z:2", "Amina"))
    below, sha256 = read_manifest(tmp_path / "built" / "first")
    base = Base(version=below.version, sha256=sha256, directory="first")
    write_segment(
        tmp_path / "built" / "second",
        (),
        Identity(name="first", version="2", base=base),
        INDEX,
        tombstones=("z:1",),
    )

    names = read_names(tmp_path, Lists(people=("built/second",)))

    assert list(names.gazetteer.lines()) == ["person\tamina\n"]


@pytest.mark.parametrize(
    ("licence", "non_commercial"), [("ODbL 1.0: share-alike", False), ("CC BY-NC 4.0", True)]
)
def test_a_list_built_of_what_may_not_be_shipped_is_refused(
    tmp_path: Path, licence: str, non_commercial: bool
) -> None:
    source = SourceFile("renamed.csv", "csv", "a" * 64, 1)
    built = _built(tmp_path, "bound", entry("z:1", "Zubo Kadram"), sources=(source,))
    row = {"file": "pool/other.csv", "sha256": "a" * 64, "licence": licence, "repo": "own/lists"}
    rows = [row | {"non_commercial": non_commercial}]
    (tmp_path / "lists_manifest.json").write_text(json.dumps(rows))

    with pytest.raises(WrongUseError, match=rf"built/bound: is licensed {licence[:4]}.*take it"):
        read_names(tmp_path, Lists(people=(built,)))


def test_a_built_list_that_was_altered_is_refused(tmp_path: Path) -> None:
    built = _built(tmp_path, "altered", entry("z:1", "Zubo Kadram"))
    (tmp_path / built / "entries.jsonl").write_bytes(b"{}")

    with pytest.raises(GazetteerError, match="was altered"):
        read_names(tmp_path, Lists(people=(built,)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", "holds no name that could be matched among places"),
        ("a.txt", "\n 1 \n-\n", "holds no name that could be matched"),
        ("a.csv", "", "holds no name that could be matched"),
        ("a.csv", "name\n", "holds no name that could be matched"),
        ("a.tsv", "place\tkind\nKano\tx\n", "has the columns place, kind; wanted one .* called na"),
        ("a.yml", "- Kano\n", r"is no list of names; wanted a \.txt"),
        ("a.txt.gz.gz", "Kano\n", "is no list of names"),
    ],
)
def test_a_list_without_names_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(WrongUseError, match=message):
        _places(tmp_path, name, text)


def test_a_list_that_is_not_there_is_named_with_the_field_that_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match=r"none\.txt: is no file and .*gazetteer\.people name"):
        read_names(tmp_path, Lists(people=("none.txt",)))


def test_a_channel_without_any_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="names no list: give it places, people or organi"):
        read_names(tmp_path, Lists())


def test_a_recipe_names_its_lists(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("gazetteer: {places: [a.tsv, b.txt], dropout: 0.2}\n")

    assert read_recipe(path).gazetteer == Lists(places=("a.tsv", "b.txt"), dropout=0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gazetteer: {place: [a.tsv]}", r"gazetteer\.place is no field; known are dropout, organ"),
        ("gazetteer: {places: a.tsv}", "Expected `array.*gazetteer.places"),
        ("gazetteer: {places: [a.tsv], dropout: 1.5}", "Expected `float` <= 1.0"),
    ],
)
def test_a_recipe_whose_lists_are_misspelt_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)

    with pytest.raises(WrongUseError, match=message):
        read_recipe(path)
