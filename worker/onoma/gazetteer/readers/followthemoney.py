"""Lists in the FollowTheMoney model, one entity on each line, as OpenSanctions publishes them.

Format: https://followthemoney.tech/docs/ (`id`, `schema`, `properties`, each a list of strings).
Parties have names; `Sanction` entities say under which programme and since when a party is listed,
wherever in the file they stand. Other schemata are noted and left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, Name, NameKind, Quality
from onoma.gazetteer.readers import types
from onoma.gazetteer.readers.found import Found, Notes, Place, SkipReason
from onoma.gazetteer.readers.records import Record, objects, strings
from onoma.gazetteer.readers.sources import Source

Values = tuple[str, ...]
_SANCTION = "Sanction"


@dataclass(slots=True)
class _Listing:
    """What all sanctions of one party say."""

    programmes: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield the parties with what sanctions say about them."""
    parties: list[_Party] = []
    listings: dict[str, _Listing] = defaultdict(_Listing)
    for source in sources:
        for place, record in objects(source):
            notes.read(source)
            party = _Party(record, place)
            if party.schema in types.FOLLOW_THE_MONEY:
                parties.append(party)
            elif party.schema == _SANCTION:
                for entity in party.said("entity"):
                    listings[entity].programmes += party.said("programId", "program")
                    listings[entity].dates += party.said("listingDate", "startDate")
            else:
                notes.skip(SkipReason.OTHER_KIND, place)
    for party in parties:
        yield Found(_entry(party, listings.get(party.entry_id, _Listing())), party.place)


class _Party:
    """One entity of the file."""

    def __init__(self, record: Record, place: Place) -> None:
        self.place = place
        self.entry_id = self._text(record, "id")
        self.schema = self._text(record, "schema")
        caption = record.get("caption")
        self.caption = caption if isinstance(caption, str) else ""
        self.datasets = strings(record.get("datasets"), place, "datasets")
        properties = record.get("properties", {})
        if not isinstance(properties, dict):
            raise GazetteerError(f"{place}: found no object of properties")
        self._properties: Mapping[str, object] = properties

    def _text(self, record: Record, field: str) -> str:
        value = record.get(field)
        if not isinstance(value, str) or not value:
            raise GazetteerError(f"{self.place}: found no {field}; wanted an entity on each line")
        return value

    def said(self, *properties: str) -> Values:
        """Return the distinct values of `properties`."""
        found = (
            value
            for name in properties
            for value in strings(self._properties.get(name), self.place, name)
        )
        return tuple(dict.fromkeys(filter(None, map(str.strip, found))))


def _entry(party: _Party, listing: _Listing) -> Entry:
    dates = sorted(filter(None, (*party.said("listingDate"), *listing.dates)))
    return Entry(
        entry_id=party.entry_id,
        type=types.FOLLOW_THE_MONEY[party.schema],
        names=tuple(_names(party)),
        source=" ".join(party.datasets) or None,
        programmes=tuple(dict.fromkeys((*party.said("programId", "program"), *listing.programmes))),
        countries=party.said("nationality", "citizenship", "country", "jurisdiction", "flag"),
        births=party.said("birthDate"),
        listed_on=dates[0] if dates else None,
        remarks=" ".join(party.said("notes")) or None,
    )


def _names(party: _Party) -> Iterator[Name]:
    # The caption is the name that the publisher chose among them.
    names = dict.fromkeys((party.caption, *party.said("name")))
    names.pop("", None)
    for place, text in enumerate(names):
        yield Name(text, kind=NameKind.PRIMARY if place == 0 else NameKind.ALIAS)
    for text in party.said("alias"):
        yield Name(text)
    for text in party.said("previousName"):
        yield Name(text, kind=NameKind.FORMER)
    for text in party.said("weakAlias", "abbreviation"):
        yield Name(text, Quality.WEAK)
