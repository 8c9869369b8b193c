"""What one list asks of a match: whom a label may mean, from which score, and what never is enough.

Data: a deployment gives it for each list, and its values stand in the policy of the evidence. The
rule: a label that no policy names is screened against entries of all types, so that a model with
other labels is never less screened than this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from onoma.gazetteer.entries import EntryType
from onoma.gazetteer.index import LEAST_THRESHOLD


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The scores from which a match is put before people, and from which it is an alert."""

    review: float = 80.0
    alert: float = 85.0

    def __post_init__(self) -> None:
        if not LEAST_THRESHOLD <= self.review <= self.alert:
            raise ValueError(
                f"found review {self.review:g} and alert {self.alert:g}; wanted "
                f"{LEAST_THRESHOLD:g} <= review <= alert"
            )


class SingleTokens(StrEnum):
    """What names of one full token may do: many words are somebody's name."""

    NEVER = "never"
    EXACT = "exact"
    NEAR = "near"


_PEOPLE = frozenset({EntryType.PERSON, EntryType.OTHER})
_ORGANISATIONS = frozenset(
    {EntryType.ORGANISATION, EntryType.VESSEL, EntryType.AIRCRAFT, EntryType.OTHER}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPolicy:
    """The rules of one list.

    `labels` says which types of entry a label of the model may mean; places mean none by default,
    since lists name people and organisations after them. `thresholds` may differ by type. A name of
    one full token has to be equal, unless `single_tokens` says otherwise, and alerts only for the
    types in `single_token_alerts`. A weak alias alone is put before people, and never an alert,
    unless `weak_alias_alerts`.
    """

    labels: Mapping[str, frozenset[EntryType]] = field(
        default_factory=lambda: {
            "PER": _PEOPLE,
            "ORG": _ORGANISATIONS,
            "LOC": frozenset(),
            "DATE": frozenset(),
        }
    )
    default: Thresholds = Thresholds()
    thresholds: Mapping[EntryType, Thresholds] = field(default_factory=dict)
    single_tokens: SingleTokens = SingleTokens.EXACT
    single_token_alerts: frozenset[EntryType] = _ORGANISATIONS
    weak_alias_alerts: bool = False

    def may_mean(self, label: str | None, entry_type: EntryType) -> bool:
        """Return whether a mention with `label` may mean an entry of this type."""
        if label is None or label not in self.labels:
            return True
        return entry_type in self.labels[label]

    def may_mean_any(self, label: str | None) -> bool:
        """Return whether a mention with `label` may mean any entry at all."""
        return label is None or label not in self.labels or bool(self.labels[label])

    def label_of(self, entry_type: EntryType) -> str:
        """Return the label that may mean an entry of this type, of several the first by the
        alphabet; the type's name, if none may.
        """
        labels = (label for label, types in self.labels.items() if entry_type in types)
        return min(labels, default=str(entry_type))

    def of(self, entry_type: EntryType) -> Thresholds:
        """Return the thresholds for entries of this type."""
        return self.thresholds.get(entry_type, self.default)

    def least(self) -> float:
        """Return the score under which no match is asked for."""
        return min(each.review for each in (self.default, *self.thresholds.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPolicy:
    """How names of a list become entities: their label by the type of entry, whether they may be
    added and may correct what a model found, and how sure the list is.
    """

    labels: Mapping[EntryType, str]
    adds: bool = True
    corrects: bool = False
    score: float = 0.8
    single_tokens: SingleTokens = SingleTokens.EXACT


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPolicy:
    """How a whole document is looked through for names of a list: for equal ones, or `near` ones
    too; at most `candidates` stretches of it are compared.
    """

    near: bool = False
    candidates: int = 2_000
