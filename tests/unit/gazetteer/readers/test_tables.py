"""CSV with a header and JSON lines, by their usual columns or by those that are named."""

from __future__ import annotations

import gzip

import pytest

from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from onoma.gazetteer.readers.columns import Columns
from tests.unit.gazetteer.readers.reading import read

ORBAL = Entry(
    entry_id="z:1",
    type=EntryType.PERSON,
    names=(
        Name("Vant; Orbal", kind=NameKind.PRIMARY),
        Name("O. Vant"),
        Name("Orbal V."),
        Name("Orb", Quality.WEAK),
    ),
    source="Zub",
    programmes=("AAA",),
    countries=("Zubland", "Quoria"),
    births=("1950",),
    listed_on="2030-01-02",
    remarks="tall",
)


def test_csv_with_the_usual_headings_is_read_without_a_word() -> None:
    text = (
        "id,name,aliases,weak_aliases,type,program,countries,dob,listed_on,list,remarks\n"
        "z:1,Vant; Orbal,O. Vant; Orbal V.,Orb,Individual,AAA,Zubland;Quoria,1950,2030-01-02,Zub,"
        "tall\n"
        "z:2,Meliva,,,company,,,,,,\n"
    )
    orbal, meliva = read("csv", text).entries

    assert orbal == ORBAL
    assert meliva == Entry(
        entry_id="z:2",
        type=EntryType.ORGANISATION,
        names=(Name("Meliva", kind=NameKind.PRIMARY),),
    )


def test_json_lines_are_read_with_lists_single_strings_and_nulls() -> None:
    text = (
        '{"id": "z:1", "name": "Vant; Orbal", "aliases": ["O. Vant", "Orbal V."], "type": "person",'
        '"weak_aliases": "Orb", "program": ["AAA"], "countries": ["Zubland", "Quoria"],'
        '"dob": 1950, "listed_on": "2030-01-02", "list": "Zub", "remarks": "tall"}\n'
        "\n"
        '{"id": 2, "name": "Meliva", "aliases": null, "original_script": "ميليفا"}\n'
    )
    orbal, meliva = read("jsonl", text).entries

    assert orbal == ORBAL
    assert (meliva.entry_id, meliva.type) == ("2", EntryType.OTHER)
    assert meliva.names[1] == Name("ميليفا", kind=NameKind.ORIGINAL_SCRIPT)


def test_columns_may_be_named() -> None:
    columns = Columns(
        named={"id": "No", "name": "Who", "aliases": "aka"},
        delimiter="\t",
        separator="|",
        type=EntryType.VESSEL,
    )
    (found,) = read("csv", "Who\tNo\taka\nZubo Star\t7\tZ|Zubo\n", columns=columns).entries

    assert (found.entry_id, found.type) == ("7", EntryType.VESSEL)
    assert [name.text for name in found.names] == ["Zubo Star", "Z", "Zubo"]


def test_usual_headings_are_known_in_any_case_and_named_ones_as_they_are() -> None:
    text = "ID,Name , aliases\n7,Orbal Vant,Orb\n"
    (found,) = read("csv", text).entries

    assert (found.entry_id, [name.text for name in found.names]) == ("7", ["Orbal Vant", "Orb"])
    with pytest.raises(GazetteerError, match="found no column 'name' for name"):
        read("csv", text, columns=Columns(named={"name": "name"}))


def test_an_entry_without_id_has_one_that_stays_with_its_name() -> None:
    one = read("csv", "name\nOrbal Vant\nMeliva\n").entries
    other = read("jsonl", '{"name": "Meliva"}\n{"name": "Orbal Vant"}').entries

    assert {entry.entry_id for entry in one} == {entry.entry_id for entry in other}
    assert len({entry.entry_id for entry in one}) == 2


@pytest.mark.parametrize(
    ("format_name", "text", "complaint"),
    [
        ("csv", "id,label\n1,Orbal\n", "found no column 'name' for name; there are: id, label"),
        ("csv", "", "found no column 'name' for name; there are: none"),
        ("csv", "id,name\n1,Vant, Orbal\n", "1:2: found 3 columns, the header has 2"),
        ("csv", 'id,name\n1,"Vant\n2,Orbal\n', "1:3: is no CSV: unexpected end"),
        ("csv", "id,name\n1,a\x00b\n", "1:2: found a zero byte"),
        ("jsonl", '{"id": 1}\n', "found no column 'name' for name; there are: id"),
        ("jsonl", '{"name": "a"}\n{"name": \n', "1:2: is no JSON object"),
        ("jsonl", '["name"]\n', "1:1: is no JSON object"),
        ("jsonl", '{"name": "\\ud800"}\n', "1:1: is no JSON object"),
        ("jsonl", '{"name": {"first": "a"}}\n', "1:1: found a dict for name"),
        ("jsonl", '{"name": "a", "id": ["1", "2"]}\n', "1:1: found 2 values for id"),
        ("jsonl", '{"name": "a", "id": "' + 300 * "x" + '"}\n', "1:1: found an id of 300"),
        ("csv", "id,name\n1,a\n1,b\n", "1:3: has the id '1' of another entry, at 1:2"),
        ("jsonl", "[" * 100_000, "1:1: is no JSON object"),
    ],
)
def test_bad_tables_are_refused_with_their_line(
    format_name: str, text: str, complaint: str
) -> None:
    with pytest.raises(GazetteerError, match=complaint):
        read(format_name, text)


def test_json_lines_without_any_are_no_entries() -> None:
    assert read("jsonl", "\n").entries == ()


@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_a_named_column_that_is_not_there_is_refused(format_name: str) -> None:
    text = {"csv": "name\nOrbal\n", "jsonl": '{"name": "Orbal"}\n'}[format_name]

    with pytest.raises(GazetteerError, match="found no column 'land' for countries"):
        read(format_name, text, columns=Columns(named={"countries": "land"}))


def test_a_column_for_a_field_that_there_is_not_is_wrong_use() -> None:
    with pytest.raises(WrongUseError, match="found a column for 'shoe_size'"):
        Columns(named={"shoe_size": "feet"})


def test_other_encodings_are_refused_unless_they_are_named() -> None:
    text = "name\nŽofie Quoró\n".encode("cp1250")

    with pytest.raises(GazetteerError, match="1:2: byte 1 is not utf-8: invalid start byte"):
        read("csv", text)
    assert read("csv", text, encoding="cp1250").names == [["Žofie Quoró"]]
    with pytest.raises(WrongUseError, match="unknown encoding: cp9"):
        read("csv", text, encoding="cp9")


def test_packed_sources_and_byte_order_marks_are_taken() -> None:
    assert read("csv", b"\xef\xbb\xbfname\nOrbal Vant\n", packed=True).names == [["Orbal Vant"]]


def test_a_packed_source_that_is_cut_off_is_refused() -> None:
    packed = gzip.compress(b"name\nOrbal Vant\nMeliva\n")

    with pytest.raises(GazetteerError, match="can't be unpacked"):
        read("csv", packed[:-6])


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(GazetteerError, match="1:2: the line has"):
        read("stanford", "PERSON Orbal\nPERSON " + "a" * 1024 * 1024, packed=True)


def test_names_that_none_could_look_for_are_left_out_with_reason_and_place() -> None:
    text = "id,name,aliases\n1,Orbal Vant, ; - ;Orbal Vant\n2, ,\n3,Meliva,%s\n" % ("x" * 10_000)
    found = read("csv", text + "1,Orbal Vant, ; - ;Orbal Vant\n")

    assert found.names == [["Orbal Vant"], ["Meliva"]]
    assert found.skipped == {
        "empty_name": ["1:2", "1:5"],
        "repeated_name": ["1:2", "1:5"],
        "entry_without_name": ["1:3"],
        "name_too_long": ["1:4"],
        "repeated_entry": ["1:5"],
    }


def test_a_name_that_is_weak_and_strong_is_strong() -> None:
    (found,) = read("jsonl", '{"name": "a b", "weak_aliases": ["c"], "aliases": ["c"]}').entries

    assert found.names[1] == Name("c", Quality.STRONG)
