"""Which columns of a generic list hold what: our fields, and how their values become an entry.

The rule: a column that was asked for and is not there is an error, not a list without countries.
A list without ids gets them from types and names, so that the same name keeps its id in the next
version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind, Quality
from onoma.gazetteer.readers import types
from onoma.gazetteer.readers.found import Place

USUAL: dict[str, tuple[str, ...]] = {
    "id": ("id", "entry_id"),
    "name": ("name",),
    "aliases": ("aliases", "alias"),
    "weak_aliases": ("weak_aliases", "weak_alias"),
    "original_script": ("original_script",),
    "type": ("type", "schema"),
    "programmes": ("programmes", "programme", "programs", "program"),
    "countries": ("countries", "country"),
    "births": ("births", "birth_date", "dob"),
    "listed_on": ("listed_on",),
    "source": ("source", "list"),
    "remarks": ("remarks",),
}
"""Our fields, and the columns that are taken for them where nothing else is said."""

Values = Mapping[str, tuple[str, ...]]
"""Our fields with what a record says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How a generic list is read.

    `named` maps our fields to columns. In CSV, `delimiter` parts cells and `separator` the values
    in one. `type` is that of entries whose record says none.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    separator: str = ";"
    type: EntryType = EntryType.OTHER

    def __post_init__(self) -> None:
        """Raise WrongUseError for a field that there is not."""
        if unknown := sorted(self.named.keys() - USUAL.keys()):
            raise WrongUseError(
                f"found a column for {unknown[0]!r}, wanted one for: {', '.join(USUAL)}"
            )

    def held(self, present: Set[str]) -> dict[str, str]:
        """Return which of the columns `present` hold which of our fields.

        A column that is named is meant letter by letter; usual ones are known in any case.
        """
        folded = {column.strip().casefold(): column for column in sorted(present)}
        usual = {
            wanted: folded[column]
            for wanted, columns in USUAL.items()
            for column in reversed(columns)
            if column in folded
        }
        named = {wanted: column for wanted, column in self.named.items() if column in present}
        return {field: column for field, column in usual.items() if field not in self.named} | named

    def check(self, present: Set[str], source: str) -> None:
        """Raise GazetteerError where a column that was named is in none of the records."""
        held = self.held(present)
        for wanted in ("name", *self.named):
            if wanted not in held:
                raise GazetteerError(
                    f"{source}: found no column {self.named.get(wanted, wanted)!r} for {wanted}; "
                    f"there are: {', '.join(sorted(present)) or 'none'}. Say which it is with "
                    f"--column {wanted}=COLUMN"
                )

    def entry(self, values: Values, place: Place) -> Entry:
        """Return the entry that a record's `values` say."""
        names = tuple(_names(values))
        kind = types.of_word(values["type"][0]) if any(values.get("type", ())) else self.type
        return Entry(
            entry_id=_one(values, "id", place) or id_of(kind, names[0].text if names else ""),
            type=kind,
            names=names,
            source=_one(values, "source", place),
            programmes=_distinct(values.get("programmes", ())),
            countries=_distinct(values.get("countries", ())),
            births=_distinct(values.get("births", ())),
            listed_on=_one(values, "listed_on", place),
            remarks=" ".join(values.get("remarks", ())) or None,
        )


def id_of(kind: EntryType, name: str) -> str:
    """Return the id of an entry whose list gives none."""
    return f"name-{hashlib.sha256(f'{kind}: {name}'.encode()).hexdigest()[:16]}"


def _names(values: Values) -> list[Name]:
    names = [Name(text, kind=NameKind.PRIMARY) for text in values.get("name", ())[:1]]
    others = (*values.get("name", ())[1:], *values.get("aliases", ()))
    names += [Name(text) for text in others]
    names += [
        Name(text, kind=NameKind.ORIGINAL_SCRIPT) for text in values.get("original_script", ())
    ]
    return names + [Name(text, Quality.WEAK) for text in values.get("weak_aliases", ())]


def _one(values: Values, wanted: str, place: Place) -> str | None:
    found = _distinct(values.get(wanted, ()))
    if len(found) > 1:
        raise GazetteerError(f"{place}: found {len(found)} values for {wanted}, wanted one")
    return found[0] if found else None


def _distinct(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        return ()
    return tuple(dict.fromkeys(filter(None, map(str.strip, texts))))
