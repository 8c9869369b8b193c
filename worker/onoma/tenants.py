"""The lists that are served, as the documents of each tenant meet them.

Between the policy, which speaks the words of its contract, and the gazetteer, which has its own.
The rule: what the policy says about a list is turned into what the matcher takes once for each
tenant that the policy names, when its first document comes, and not for every document.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from onoma.contracts.entities import ArtefactVersion
from onoma.contracts.policy import ListRules, MatchThresholds, PinnedPolicy
from onoma.gazetteer.entries import EntryType
from onoma.gazetteer.policy import ListPolicy, ScanPolicy, SingleTokens, Thresholds
from onoma.gazetteer.screening import ScreeningList
from onoma.gazetteer.served import ListVersion, ServedLists


class Screening:
    """The lists that are served, under the rules that the policy has for each tenant."""

    def __init__(self, lists: ServedLists, policy: PinnedPolicy) -> None:
        self._lists, self._policy = lists, policy
        self.versions = {version.name: artefact(version) for version in lists.versions}
        self._by_tenant: dict[str | None, tuple[ScreeningList, ...]] = {}

    def lists(self, tenant: str | None) -> tuple[ScreeningList, ...]:
        """Return the lists as documents of `tenant` are screened against them."""
        # Tenants that the policy doesn't name have the default rules, and no place of their own.
        named = tenant if tenant in self._policy.policy.tenants else None
        known = self._by_tenant.get(named)
        if known is None:
            known = self._by_tenant[named] = self._under_rules(named)
        return known

    def _under_rules(self, tenant: str | None) -> tuple[ScreeningList, ...]:
        rules = self._policy.rules(tenant)
        screened = self._lists.under(lambda name: list_policy(rules.for_list(name)))
        return tuple(
            replace(each, scan=scan_policy(rules.for_list(each.name))) for each in screened
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


def _thresholds(thresholds: MatchThresholds) -> Thresholds:
    return Thresholds(thresholds.review, thresholds.alert)
