"""What the words for types in published lists mean: data, from each format's own vocabulary."""

from __future__ import annotations

from onoma.gazetteer.entries import EntryType

_PERSON, _ORGANISATION, _PLACE = EntryType.PERSON, EntryType.ORGANISATION, EntryType.PLACE

WORDS: dict[str, EntryType] = {
    **dict.fromkeys(("person", "individual", "per", "people", "human", "i", "p"), _PERSON),
    **dict.fromkeys(
        ("organisation", "organization", "org", "entity", "company", "legalentity"), _ORGANISATION
    ),
    **dict.fromkeys(("publicbody", "association", "group", "norp", "enterprise"), _ORGANISATION),
    **dict.fromkeys(("place", "location", "loc", "gpe", "fac", "city", "country"), _PLACE),
    **dict.fromkeys(("vessel", "ship"), EntryType.VESSEL),
    **dict.fromkeys(("aircraft", "airplane"), EntryType.AIRCRAFT),
    **dict.fromkeys(("other", "misc"), EntryType.OTHER),
}
"""Words of generic tables, of labels in spaCy patterns and of classes in Stanford's gazettes."""

OFAC: dict[str, EntryType] = {
    "individual": _PERSON,
    "vessel": EntryType.VESSEL,
    "aircraft": EntryType.AIRCRAFT,
    "": _ORGANISATION,
}
"""SDN_Type of the SDN format; it is empty for entities."""

FOLLOW_THE_MONEY: dict[str, EntryType] = {
    "Person": _PERSON,
    "LegalEntity": _ORGANISATION,
    "Organization": _ORGANISATION,
    "Company": _ORGANISATION,
    "PublicBody": _ORGANISATION,
    "Vessel": EntryType.VESSEL,
    "Airplane": EntryType.AIRCRAFT,
}
"""Schemata that have names to look for; what is in none of these (ownership, addresses,
identification) is about such a party."""


def of_word(word: str) -> EntryType:
    """Return the type that a label means; a word that is none of ours is some other thing."""
    return WORDS.get(word.strip().casefold().replace(" ", "").replace("_", ""), EntryType.OTHER)
