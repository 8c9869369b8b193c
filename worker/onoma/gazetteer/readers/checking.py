"""Makes entries of what readers found: names that could be looked for, ids that name one entry.

The rule: what stays is word for word what the list says, only blanks at the ends go. Two different
entries under one id are an error: whichever were taken, an alert could name the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, Name, Quality
from onoma.gazetteer.readers.found import Found, Notes, Place, SkipReason

MAX_NAME_CHARACTERS = 1_000
"""The longest in the lists of OFAC and the UN has under 400."""
MAX_ID_CHARACTERS = 200


def checked(found: Iterable[Found], notes: Notes) -> tuple[Entry, ...]:
    """Return the entries of `found`. Raises GazetteerError; notes what is left out."""
    entries: dict[str, tuple[Entry, Place]] = {}
    for one in found:
        _check_id(one)
        names = _names(one, notes)
        entry = one.entry if names == one.entry.names else replace(one.entry, names=names)
        if not names:
            notes.skip(SkipReason.ENTRY_WITHOUT_NAME, one.place)
            continue
        known, place = entries.setdefault(entry.entry_id, (entry, one.place))
        if place is one.place:
            continue
        if known != entry:
            raise GazetteerError(
                f"{one.place}: has the id {entry.entry_id!r} of another entry, at {place}; ids "
                "have to be distinct: mend the source, or build two lists"
            )
        notes.skip(SkipReason.REPEATED_ENTRY, one.place)
    return tuple(entry for entry, _ in entries.values())


def _check_id(one: Found) -> None:
    entry_id = one.entry.entry_id
    if not entry_id.strip() or len(entry_id) > MAX_ID_CHARACTERS:
        raise GazetteerError(
            f"{one.place}: found an id of {len(entry_id)} characters, wanted one of 1 to "
            f"{MAX_ID_CHARACTERS}, not blank"
        )


def _names(one: Found, notes: Notes) -> tuple[Name, ...]:
    names: dict[str, Name] = {}
    for name in one.entry.names:
        text = name.text.strip()
        known = names.get(text)
        if not any(map(str.isalnum, text)):
            notes.skip(SkipReason.EMPTY_NAME, one.place)
        elif len(text) > MAX_NAME_CHARACTERS:
            notes.skip(SkipReason.NAME_TOO_LONG, one.place)
        elif known is None:
            names[text] = name if text == name.text else replace(name, text=text)
        else:
            notes.skip(SkipReason.REPEATED_NAME, one.place)
            if name.quality is Quality.STRONG:
                names[text] = replace(known, quality=name.quality)
    return tuple(names.values())
