"""The consolidated list of the UN Security Council, in its XML form.

Format: https://www.un.org/securitycouncil/content/un-sc-consolidated-list (the schema is
sc-sanctions.xsd). Aliases of low quality are weak. The rule of parsing: a document type is refused,
and with it every entity that could grow or read a file; the list has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from onoma.gazetteer.readers.found import Found, Notes, Place
from onoma.gazetteer.readers.sources import Source

_TYPES = {"INDIVIDUAL": EntryType.PERSON, "ENTITY": EntryType.ORGANISATION}
_ROOT = "CONSOLIDATED_LIST"
_QUALITIES = {"low": Quality.WEAK}
_KINDS = {"f.k.a.": NameKind.FORMER}
_PARTS_OF_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_BORN_IN_SPAN = ("FROM_YEAR", "TO_YEAR")


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield individuals and entities in the order of the file."""
    for source in sources:
        for element, line in _Parsing(source, notes).elements():
            notes.read(source)
            yield Found(_entry(element, Place(source.name, line)), Place(source.name, line))


class _Parsing:
    """Cuts a stream of XML into the elements of listed parties."""

    def __init__(self, source: Source, notes: Notes) -> None:
        self._source, self._notes = source, notes
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._depth = 0
        self._builder: TreeBuilder | None = None
        self._begun_on = 0
        self._whole: list[tuple[Element, int]] = []

    def elements(self) -> Iterator[tuple[Element, int]]:
        """Yield each party with the line where it begins."""
        try:
            for chunk in self._source.chunks():
                self._parser.Parse(chunk, False)
                yield from self._whole
                self._whole.clear()
            self._parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise GazetteerError(
                f"{self._source.name}:{self._parser.CurrentLineNumber}: is no whole XML document: "
                f"{error}; fetch the file again"
            ) from error

    def _refuse(self, *_: object) -> None:
        raise GazetteerError(
            f"{self._source.name}:{self._parser.CurrentLineNumber}: found a document type; the "
            "list has none, and one could define entities without end: fetch the file again"
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            if tag != _ROOT:
                raise GazetteerError(f"{self._source.name}: found <{tag}>, wanted <{_ROOT}>")
            self._notes.published = attributes.get("dateGenerated", self._notes.published)
        if self._depth == 3 and tag in _TYPES:
            self._builder, self._begun_on = TreeBuilder(), self._parser.CurrentLineNumber
        if self._builder is not None:
            self._builder.start(tag, attributes)

    def _text(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._builder is None:
            return
        self._builder.end(tag)
        if self._depth == 2:
            self._whole.append((self._builder.close(), self._begun_on))
            self._builder = None


def _entry(element: Element, place: Place) -> Entry:
    entry_id = _text(element, "REFERENCE_NUMBER") or _text(element, "DATAID")
    if not entry_id:
        raise GazetteerError(f"{place}: found no REFERENCE_NUMBER; fetch the file again")
    kind = element.tag
    return Entry(
        entry_id=entry_id,
        type=_TYPES[kind],
        names=tuple(_names(element, kind)),
        source="UN Security Council",
        programmes=tuple(filter(None, [_text(element, "UN_LIST_TYPE")])),
        countries=_distinct(
            [*element.iterfind("NATIONALITY/VALUE"), *element.iterfind(f"{kind}_ADDRESS/COUNTRY")]
        ),
        births=tuple(filter(None, map(_birth, element.iterfind(f"{kind}_DATE_OF_BIRTH")))),
        listed_on=_text(element, "LISTED_ON") or None,
        remarks=_text(element, "COMMENTS1") or None,
    )


def _names(element: Element, kind: str) -> Iterator[Name]:
    parts = (_text(element, part) for part in _PARTS_OF_NAMES)
    yield Name(" ".join(filter(None, parts)), kind=NameKind.PRIMARY)
    if original := _text(element, "NAME_ORIGINAL_SCRIPT"):
        yield Name(original, kind=NameKind.ORIGINAL_SCRIPT)
    for alias in element.iterfind(f"{kind}_ALIAS"):
        # Entries without aliases have one that is all empty.
        if text := _text(alias, "ALIAS_NAME"):
            quality = _text(alias, "QUALITY").casefold()
            yield Name(
                text,
                _QUALITIES.get(quality, Quality.STRONG),
                _KINDS.get(quality, NameKind.ALIAS),
            )


def _birth(element: Element) -> str:
    exact = _text(element, "DATE") or _text(element, "YEAR")
    return exact or " to ".join(filter(None, (_text(element, year) for year in _BORN_IN_SPAN)))


def _text(element: Element, path: str) -> str:
    return " ".join(element.findtext(path, "").split())


def _distinct(elements: Sequence[Element]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (" ".join((e.text or "").split()) for e in elements))))
