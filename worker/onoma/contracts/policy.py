"""policy.v1: thresholds, limits and work budgets that decide about a document. Mirrors
schemas/policy/v1.json.

One frozen file: `default` plus overrides by tenant. Its sha256 is taken over canonical JSON (sorted
keys, no blanks), so that two files that say the same have the same name in the evidence. All limits
count work, never seconds. A knob that came after the first release is left out of that JSON where
it is unset, so that an older file keeps its hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import msgspec

from onoma.contracts.entities import ArtefactVersion
from onoma.contracts.ids import Sha256
from onoma.contracts.language import canonical, primary

Threshold = Annotated[float, msgspec.Meta(ge=0, le=1)]
KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE
MOST_NAMES = 50_000
"""More than 4 MiB of prose have; a million listed names then take no more than a minute or so."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Largest sizes; what is larger goes to the dead letters with its reason.

    Bytes bound no work: a document of 4 MiB has 770,000 units where it is English, and one for each
    byte where it is punctuation, which took 4.5 GB and two minutes. `rows` are what a model
    computes: units, or the pieces of a subword model, context and separators counted.

    `event_bytes` is also the most that all alerts of a document have together: what is beyond is
    omitted, and the event's coverage says so.
    """

    document_bytes: Annotated[int, msgspec.Meta(ge=1)] = 4 * MEBIBYTE
    event_bytes: Annotated[int, msgspec.Meta(ge=1)] = 16 * MEBIBYTE
    header_bytes: Annotated[int, msgspec.Meta(ge=1)] = 64 * KIBIBYTE
    nesting_depth: Annotated[int, msgspec.Meta(ge=1, le=500)] = 64
    units: Annotated[int, msgspec.Meta(ge=1)] = 2_000_000
    rows: Annotated[int, msgspec.Meta(ge=1)] = 3_000_000


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Most work on one document; what is beyond shows in the event's coverage.

    `units` is what a model reads, `alerts` how many alerts come of a document, the best ones first,
    `names` how many names are compared with each list, the first ones of the text; unset,
    `MOST_NAMES`.
    """

    units: Annotated[int, msgspec.Meta(ge=1)] = 2_000_000
    alerts: Annotated[int, msgspec.Meta(ge=1)] = 1_000
    names: Annotated[int, msgspec.Meta(ge=1)] | msgspec.UnsetType = msgspec.UNSET

    @property
    def most_names(self) -> int:
        """Return how many names of a document are compared with each list."""
        return MOST_NAMES if self.names is msgspec.UNSET else self.names


EntryTypeName = Literal["person", "organisation", "place", "vessel", "aircraft", "other"]
"""As the gazetteer's entries say it."""
MatchScore = Annotated[float, msgspec.Meta(ge=75, le=100)]
"""Below 75 one common word is enough, and an answer would be half of the list."""


class MatchThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scores from which a match is put before people, and from which it is an alert."""

    review: MatchScore = 80.0
    alert: MatchScore = 85.0


class EntityRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How names of a list, found word for word, become entities of the event.

    `labels` by type of entry; types that it doesn't name give none. `adds` is about names that the
    model has not found, `corrects` about those that it has: they are confirmed and widened, and,
    where `score` is above the model's, given the list's label. `score` is that of the entities.
    """

    labels: dict[EntryTypeName, Annotated[str, msgspec.Meta(min_length=1)]]
    adds: bool = True
    corrects: bool = False
    score: Threshold = 0.8


class ScanRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How whole documents are looked through for names that the model missed.

    `exact` finds a name's very words in any order, `near` also what is alike among capitalised
    words. At most `candidates` stretches of a document are compared with the list, in the order of
    the text: what is beyond shows in the event's coverage.
    """

    names: Literal["exact", "near"] = "exact"
    candidates: Annotated[int, msgspec.Meta(ge=1)] = 2_000


_ORGANISATIONS: tuple[EntryTypeName, ...] = ("organisation", "vessel", "aircraft", "other")


class ListRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides about a match with one list.

    `labels` says which types of entry a label of the model may mean, all for a label that it
    doesn't name. `type_thresholds` goes before `thresholds`. `single_tokens` is what names of one
    word may do (`never` match, only where `exact`, or `near`), and `single_token_alerts` for which
    types that is an alert at all; others are for review. Without `scan` only names that the model
    found are compared, without `entities` the list gives the event none, and with `screens: false`
    it does nothing else.
    """

    thresholds: MatchThresholds = MatchThresholds()
    type_thresholds: dict[EntryTypeName, MatchThresholds] = msgspec.field(default_factory=dict)
    labels: dict[str, tuple[EntryTypeName, ...]] = msgspec.field(
        default_factory=lambda: {
            "PER": ("person", "other"),
            "ORG": _ORGANISATIONS,
            "LOC": (),
            "DATE": (),
        }
    )
    single_tokens: Literal["never", "exact", "near"] = "exact"
    single_token_alerts: tuple[EntryTypeName, ...] = _ORGANISATIONS
    weak_alias_alerts: bool = False
    screens: bool | msgspec.UnsetType = msgspec.UNSET
    entities: EntityRules | msgspec.UnsetType = msgspec.UNSET
    scan: ScanRules | msgspec.UnsetType = msgspec.UNSET

    def contradictions(self) -> list[str]:
        """Return what the schema can't compare, a line for each."""
        found = [
            f"found review {each.review:g} above alert {each.alert:g}"
            for each in (self.thresholds, *self.type_thresholds.values())
            if each.review > each.alert
        ]
        if self.screens is False and self.scan is not msgspec.UNSET:
            found.append("found screens: false and a scan; wanted one of them")
        if self.entities is not msgspec.UNSET:
            if not self.entities.labels:
                found.append("entities: found no labels; wanted one for each type that gives some")
            if not self.entities.adds and not self.entities.corrects:
                found.append("entities: found neither adds nor corrects; wanted one of them")
        return found


DEFAULT_LIST_RULES = ListRules()


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides about the documents of a tenant.

    An entity below the threshold of its label is left out; one for the document's language goes
    before one for all. `lists` holds complete rules by the name of a watch list.
    """

    thresholds: dict[str, Threshold] = msgspec.field(default_factory=dict)
    language_thresholds: dict[str, dict[str, Threshold]] = msgspec.field(default_factory=dict)
    budgets: Budgets = Budgets()
    lists: dict[str, ListRules] = msgspec.field(default_factory=dict)

    def for_list(self, name: str) -> ListRules:
        """Return what decides about matches with the list called `name`."""
        return self.lists.get(name, DEFAULT_LIST_RULES)

    def threshold(self, label: str, language: str | None) -> float:
        """Return the lowest score of an entity of `label` in a document of `language`."""
        for_language = self.language_thresholds.get(primary(language), {}) if language else {}
        return for_language.get(label, self.thresholds.get(label, 0.0))


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `tenants` holds complete rules, which stand in place of `default`.

    `canaries` are the SHA-256 of the texts that may count as synthetic: of all others a mark is
    ignored, so that nobody takes a document out of sight by one.
    """

    name: Annotated[str, msgspec.Meta(min_length=1)]
    version: Annotated[str, msgspec.Meta(min_length=1)]
    limits: Limits = Limits()
    default: Rules = Rules()
    tenants: dict[str, Rules] = msgspec.field(default_factory=dict)
    canaries: frozenset[Sha256] = frozenset()

    def problems(self) -> list[str]:
        """Return what the schema can't tell, a line for each: names that could never match, and
        thresholds that contradict each other.
        """
        idle = [] if "" not in self.tenants else ["tenants: found an empty name; use `default`"]
        for rules in (self.default, *self.tenants.values()):
            for name, of_list in rules.lists.items():
                idle += [f"lists: {name}: {line}" for line in of_list.contradictions()]
            for language in rules.language_thresholds:
                try:
                    wanted = primary(canonical(language))
                except ValueError as error:
                    wanted = str(error)
                if language != wanted:
                    idle.append(f"language_thresholds: found {language}, wanted {wanted}")
        return idle


@dataclass(frozen=True)
class PinnedPolicy:
    """A policy with its name in the evidence."""

    policy: Policy

    @cached_property
    def version(self) -> ArtefactVersion:
        """Return name, version and sha256 over the canonical JSON."""
        said = msgspec.to_builtins(self.policy, order="sorted")
        if not self.policy.canaries:
            del said["canaries"]
        canonical = msgspec.json.encode(said, order="sorted")
        return ArtefactVersion(
            self.policy.name, self.policy.version, hashlib.sha256(canonical).hexdigest()
        )

    def rules(self, tenant: str | None) -> Rules:
        """Return the rules of `tenant`, `default` for an unknown one."""
        return self.policy.tenants.get(tenant or "", self.policy.default)

    def knows(self, tenant: str | None) -> bool:
        """Say whether `tenant` has rules of its own; no tenant at all is served by `default` as
        meant.
        """
        return tenant is None or tenant in self.policy.tenants


DEFAULT_POLICY = Policy(name="default", version="1")
