"""The lists that are served, as the documents of each tenant meet them.

Between the policy, which speaks the words of its contract, and the gazetteer, which has its own.
The rule: what the policy says about a list is turned into what the matcher takes once for each
tenant that the policy names, when its first document comes, and not for every document.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from onoma.contracts.entities import ArtefactVersion
from onoma.contracts.policy import ListRules, MatchThresholds, PinnedPolicy, Rules
from onoma.gazetteer.entries import EntryType
from onoma.gazetteer.listed import EntityList
from onoma.gazetteer.policy import (
    EntityPolicy,
    ListPolicy,
    ScanPolicy,
    SingleTokens,
    Thresholds,
)
from onoma.gazetteer.screening import ScreeningList
from onoma.gazetteer.served import ListVersion, ServedLists


@dataclass(frozen=True, slots=True)
class TenantLists:
    """The lists that documents are screened against, and those that give entities."""

    screened: tuple[ScreeningList, ...]
    giving: tuple[EntityList, ...]

    @property
    def read_whole_texts(self) -> bool:
        """Return whether more than the model's names is looked at."""
        return bool(self.giving) or any(each.scan for each in self.screened)


class Screening:
    """The lists that are served, under the rules that the policy has for each tenant."""

    def __init__(self, lists: ServedLists, policy: PinnedPolicy) -> None:
        self._lists, self._policy = lists, policy
        self.versions = {version.name: artefact(version) for version in lists.versions}
        self._by_tenant: dict[str | None, TenantLists] = {}

    def lists(self, tenant: str | None) -> TenantLists:
        """Return the lists as documents of `tenant` meet them."""
        # Tenants that the policy doesn't name have the default rules, and no place of their own.
        named = tenant if tenant in self._policy.policy.tenants else None
        known = self._by_tenant.get(named)
        if known is None:
            known = self._by_tenant[named] = self._under(self._policy.rules(named))
        return known

    def _under(self, rules: Rules) -> TenantLists:
        known = self._lists.under(lambda name: list_policy(rules.for_list(name)))
        screened = [each for each in known if rules.for_list(each.name).screens is not False]
        giving = ((each, entity_policy(rules.for_list(each.name))) for each in known)
        return TenantLists(
            tuple(replace(each, scan=scan_policy(rules.for_list(each.name))) for each in screened),
            tuple(EntityList(each.name, each.matcher, policy) for each, policy in giving if policy),
        )


def artefact(version: ListVersion) -> ArtefactVersion:
    """Return a list as events name it."""
    return ArtefactVersion(version.name, version.version, version.sha256)


def list_policy(rules: ListRules) -> ListPolicy:
    """Return the policy's rules of a list as the matcher takes them."""
    return ListPolicy(
        labels={label: frozenset(map(EntryType, types)) for label, types in rules.labels.items()},
        default=_thresholds(rules.thresholds),
        thresholds={
            EntryType(type_): _thresholds(each) for type_, each in rules.type_thresholds.items()
        },
        single_tokens=SingleTokens(rules.single_tokens),
        single_token_alerts=frozenset(map(EntryType, rules.single_token_alerts)),
        weak_alias_alerts=rules.weak_alias_alerts,
    )


def scan_policy(rules: ListRules) -> ScanPolicy | None:
    """Return how documents are looked through for a list's names, None if they are not."""
    if rules.scan is msgspec.UNSET:
        return None
    return ScanPolicy(near=rules.scan.names == "near", candidates=rules.scan.candidates)


def entity_policy(rules: ListRules) -> EntityPolicy | None:
    """Return how a list's names become entities, None if they do not."""
    if rules.entities is msgspec.UNSET:
        return None
    return EntityPolicy(
        labels={EntryType(type_): label for type_, label in rules.entities.labels.items()},
        adds=rules.entities.adds,
        corrects=rules.entities.corrects,
        score=rules.entities.score,
        single_tokens=SingleTokens(rules.single_tokens),
    )


def _thresholds(thresholds: MatchThresholds) -> Thresholds:
    return Thresholds(thresholds.review, thresholds.alert)
