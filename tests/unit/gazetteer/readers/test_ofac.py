"""OFAC's CSV files: primary, aliases, addresses and spilt remarks make one list."""

from __future__ import annotations

import pytest

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from tests.unit.gazetteer.readers.reading import read

PRIMARY = (
    '7,"VANT, Orbal","individual","AAA] [BBB","Minister",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    "\"DOB 02 Mar 1950; alt. DOB 1951; a.k.a. 'O''VANT, THE'; f.k.a. 'QUORO'; Gender Male.\"\r\n"
    '8,"MELIVA TRADING FZE",-0- ,"AAA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    '9,"ZUBO STAR","vessel","BBB",-0- ,"5ZUB","Tug","1","2","Zubland","Meliva",-0- \r\n'
    "\x1a"
)
ALIASES = '8,1,"aka","MELIVA FZE",-0- \r\n8,2,"fka","OLD MELIVA",-0- \r\n\x1a'
ADDRESSES = '8,1,"Street 1","Zubo","Zubland",-0- \r\n7,2,-0- ,-0- ,"Quoria",-0- \r\n\x1a'
COMMENTS = "7,\"; a.k.a. 'SPILT'.\"\r\n"


def test_the_files_are_told_apart_by_their_columns_and_joined_by_number() -> None:
    orbal, meliva, zubo = read("ofac", ALIASES, COMMENTS, PRIMARY, ADDRESSES).entries

    assert (orbal.type, meliva.type, zubo.type) == (
        EntryType.PERSON,
        EntryType.ORGANISATION,
        EntryType.VESSEL,
    )
    assert orbal.names == (
        Name("VANT, Orbal", kind=NameKind.PRIMARY),
        Name("O''VANT, THE", Quality.WEAK),
        Name("QUORO", Quality.WEAK, NameKind.FORMER),
        Name("SPILT", Quality.WEAK),
    )
    assert meliva == Entry(
        entry_id="8",
        type=EntryType.ORGANISATION,
        names=(
            Name("MELIVA TRADING FZE", kind=NameKind.PRIMARY),
            Name("MELIVA FZE"),
            Name("OLD MELIVA", kind=NameKind.FORMER),
        ),
        source="OFAC",
        programmes=("AAA",),
        countries=("Zubland",),
    )
    assert (orbal.programmes, orbal.births) == (("AAA", "BBB"), ("02 Mar 1950", "1951"))
    assert (orbal.countries, zubo.countries) == (("Quoria",), ("Zubland",))


def test_aliases_of_an_entry_that_is_not_there_are_noted() -> None:
    found = read("ofac", PRIMARY, '8,1,"aka","MELIVA",-0- \r\n10,2,"aka","NOBODY",-0- \r\n')

    assert found.skipped == {"unknown_entry": ["2:2"]}
    assert found.notes.records == {"1": 3, "2": 2}


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        ((ALIASES,), "found no file of 12 columns"),
        ((PRIMARY, "1,2,3\n"), r"2:1: found 3 columns, wanted 12 \(primary\)"),
        ((PRIMARY + '10,"CUT OFF\n',), "1:4: is no CSV: unexpected end of data"),
        ((PRIMARY.replace('"VANT, Orbal"', '"VANT" Orbal"'),), "1:1: is no CSV"),
        ((PRIMARY.replace('"vessel"', '"vessel","x"'),), "1:3: found 13 columns, those before"),
        ((PRIMARY.replace("vessel", "planet"),), "1:3: found the type 'planet'"),
    ],
)
def test_broken_files_are_refused_with_the_line(texts: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(GazetteerError, match=complaint):
        read("ofac", *texts)
