"""The XML of the Security Council, and XML that isn't."""

from __future__ import annotations

import pytest

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from tests.unit.gazetteer.readers.reading import read

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
LIST = """<CONSOLIDATED_LIST dateGenerated="2031-02-03T00:00:00Z">
<INDIVIDUALS><INDIVIDUAL>
  <DATAID>1</DATAID><FIRST_NAME>ORBAL </FIRST_NAME><SECOND_NAME>VANT &amp; SON</SECOND_NAME>
  <UN_LIST_TYPE>Zub</UN_LIST_TYPE><REFERENCE_NUMBER>ZUi.001</REFERENCE_NUMBER>
  <LISTED_ON>2030-01-02</LISTED_ON><NAME_ORIGINAL_SCRIPT>أوربال</NAME_ORIGINAL_SCRIPT>
  <NATIONALITY><VALUE>Zubland</VALUE></NATIONALITY><COMMENTS1>Tall.</COMMENTS1>
  <INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY>
    <ALIAS_NAME>Orbal the\n Elder</ALIAS_NAME></INDIVIDUAL_ALIAS>
  <INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Orb</ALIAS_NAME></INDIVIDUAL_ALIAS>
  <INDIVIDUAL_ADDRESS><COUNTRY>Quoria</COUNTRY></INDIVIDUAL_ADDRESS>
  <INDIVIDUAL_ADDRESS><COUNTRY>Zubland</COUNTRY></INDIVIDUAL_ADDRESS>
  <INDIVIDUAL_DATE_OF_BIRTH><YEAR>1950</YEAR></INDIVIDUAL_DATE_OF_BIRTH>
  <INDIVIDUAL_DATE_OF_BIRTH><FROM_YEAR>1951</FROM_YEAR>
    <TO_YEAR>1953</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
  <INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE/></INDIVIDUAL_DATE_OF_BIRTH>
</INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY>
  <DATAID>2</DATAID><FIRST_NAME>MELIVA</FIRST_NAME><REFERENCE_NUMBER>ZUe.001</REFERENCE_NUMBER>
  <ENTITY_ALIAS><QUALITY>f.k.a.</QUALITY><ALIAS_NAME>Old Meliva</ALIAS_NAME></ENTITY_ALIAS>
  <ENTITY_ALIAS><QUALITY/><ALIAS_NAME/></ENTITY_ALIAS>
  <ENTITY_ADDRESS><COUNTRY/></ENTITY_ADDRESS>
</ENTITY></ENTITIES>
</CONSOLIDATED_LIST>"""


def test_individuals_and_entities_are_read_with_the_quality_of_their_aliases() -> None:
    found = read("un", HEAD + LIST)
    orbal, meliva = found.entries

    assert orbal == Entry(
        entry_id="ZUi.001",
        type=EntryType.PERSON,
        names=(
            Name("ORBAL VANT & SON", kind=NameKind.PRIMARY),
            Name("أوربال", kind=NameKind.ORIGINAL_SCRIPT),
            Name("Orbal the Elder"),
            Name("Orb", Quality.WEAK),
        ),
        source="UN Security Council",
        programmes=("Zub",),
        countries=("Zubland", "Quoria"),
        births=("1950", "1951 to 1953"),
        listed_on="2030-01-02",
        remarks="Tall.",
    )
    assert meliva.names == (
        Name("MELIVA", kind=NameKind.PRIMARY),
        Name("Old Meliva", kind=NameKind.FORMER),
    )
    assert not found.notes.skipped
    assert found.notes.published == "2031-02-03T00:00:00Z"


BOMB = (
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n'
    "<CONSOLIDATED_LIST>&b;</CONSOLIDATED_LIST>"
)
FILE = (
    '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n'
    "<CONSOLIDATED_LIST>&a;</CONSOLIDATED_LIST>"
)


@pytest.mark.parametrize("document", [BOMB, FILE, "<!DOCTYPE html><html/>"])
def test_a_document_type_is_refused_before_anything_is_made_of_it(document: str) -> None:
    with pytest.raises(GazetteerError, match=r"1:2: found a document type"):
        read("un", HEAD + document)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        (HEAD + LIST[:-300], r"1:\d+: is no whole XML document: unclosed token"),
        (HEAD + LIST.replace("</ENTITY>", "</ENTITE>"), "mismatched tag"),
        (HEAD + "<html/>", "found <html>, wanted <CONSOLIDATED_LIST>"),
        ("", "is no whole XML document"),
        (HEAD + LIST.replace("ZUe.001", "").replace("<DATAID>2", "<DATAID>"), "REFERENCE_NUMBER"),
        ((HEAD + LIST).encode("latin-1", "replace").replace(b"Tall", b"\xe9"), "invalid token"),
        ((HEAD + LIST).replace("UTF-8", "EBCDIC-9"), "unknown encoding"),
    ],
)
def test_broken_documents_are_refused(document: str | bytes, complaint: str) -> None:
    with pytest.raises(GazetteerError, match=complaint):
        read("un", document)
