"""Patterns of spaCy's EntityRuler, one on each line; patterns with one id are names of one entry.

Format: https://spacy.io/usage/rule-based-matching#entityruler. A phrase is a name, and so are
tokens that are given by their text alone; tokens with operators, lists, shapes or expressions stand
for no one name, and are noted and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from onoma.errors import GazetteerError
from onoma.gazetteer.entries import Entry, Name, NameKind
from onoma.gazetteer.readers import types
from onoma.gazetteer.readers.columns import id_of
from onoma.gazetteer.readers.found import Found, Notes, Place, SkipReason
from onoma.gazetteer.readers.records import Record, objects
from onoma.gazetteer.readers.sources import Source

_TEXT_ATTRIBUTES = frozenset({"TEXT", "ORTH", "LOWER", "NORM", "text", "orth", "lower", "norm"})


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Found]:
    """Yield an entry for each id and label, with the names of all its patterns."""
    entries: dict[tuple[str, str], Found] = {}
    for source in sources:
        for place, record in objects(source):
            notes.read(source)
            found = _entry(record, place, notes)
            if found is None:
                continue
            key = (found.entry.entry_id, str(record["label"]))
            known = entries.setdefault(key, found)
            if known is not found:
                names = (*known.entry.names, replace(found.entry.names[0], kind=NameKind.ALIAS))
                entries[key] = Found(replace(known.entry, names=names), known.place)
    yield from entries.values()


def _entry(record: Record, place: Place, notes: Notes) -> Found | None:
    label, entry_id = record.get("label"), record.get("id", "")
    if not isinstance(label, str) or not isinstance(entry_id, str) or "pattern" not in record:
        raise GazetteerError(
            f"{place}: is no pattern; wanted `label` and `pattern`, and maybe `id`"
        )
    text = _text(record["pattern"])
    if text is None:
        notes.skip(SkipReason.TOKEN_PATTERN, place)
        return None
    kind = types.of_word(label)
    entry = Entry(
        entry_id=entry_id or id_of(kind, text),
        type=kind,
        names=(Name(text, kind=NameKind.PRIMARY),),
    )
    return Found(entry, place)


def _text(pattern: object) -> str | None:
    """Return the text that a pattern stands for, if it stands for one."""
    if isinstance(pattern, str):
        return pattern
    if not isinstance(pattern, list):
        return None
    words = [_word(token) for token in pattern]
    return " ".join(word for word in words if word) if words and all(words) else None


def _word(token: object) -> str | None:
    match token:
        case {**attributes} if len(attributes) == 1 and attributes.keys() <= _TEXT_ATTRIBUTES:
            value = next(iter(attributes.values()))
            return value if isinstance(value, str) else None
        case _:
            return None
