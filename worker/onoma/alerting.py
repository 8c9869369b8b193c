"""Writes alerts about hits: all that decided, in the words of the contract.

Between `gazetteer/screening.py`, which says whom a mention may mean, and alerts.v1. The rule: an
alert is a function of the document's event and of the hit alone, and names whatever decided, so
that "why this hit" is answered by the alert itself. A budget counts alerts and bytes, never
seconds, keeps the best scores, and leaves out nothing in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from onoma.contracts import alerts as contract
from onoma.contracts.alerts import Alert, alert_id
from onoma.contracts.entities import ArtefactVersion, Entity, Evidence, ListScreening
from onoma.contracts.policy import ListRules, MatchThresholds, PinnedPolicy
from onoma.gazetteer import matching
from onoma.gazetteer.entries import EntryType, Quality, fingerprint
from onoma.gazetteer.exclusions import Considered, Ruling
from onoma.gazetteer.index import Path
from onoma.gazetteer.matching import Decision, Match
from onoma.gazetteer.policy import ListPolicy, SingleTokens, Thresholds
from onoma.gazetteer.screening import Compared, ScreeningHit, ScreeningList, compared, screen
from onoma.gazetteer.served import ListVersion, ServedLists

SCORE_DECIMALS = 2
SHARE_DECIMALS = 3
_PATHS: dict[Path, Literal["exact", "characters", "tokens"]] = {
    Path.EXACT: "exact",
    Path.CHARACTERS: "characters",
    Path.TOKENS: "tokens",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The document that alerts are about, as its event names it."""

    event_id: str
    document_id: str
    tenant: str | None
    text_sha256: str
    entities: tuple[Entity, ...]
    evidence: Evidence
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class WrittenAlert:
    """An alert and its bytes."""

    alert: Alert
    value: bytes


@dataclass(frozen=True, slots=True)
class Alerts:
    """What is published, in the order of the text, and what came of each list."""

    written: tuple[WrittenAlert, ...]
    screening: tuple[ListScreening, ...]


class Screening:
    """The lists that are served, under the rules that the policy has for each tenant.

    Rules are turned into what the matcher takes once for each tenant that the policy names, when
    its first document comes, and not for every document.
    """

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
            rules = self._policy.rules(named)
            known = self._lists.under(lambda name: list_policy(rules.for_list(name)))
            self._by_tenant[named] = known
        return known


def alerts_of(subject: Subject, screening: Screening, policy: PinnedPolicy) -> Alerts:
    """Return the alerts of a document under the rules of its tenant."""
    budgets = policy.rules(subject.tenant).budgets
    screened = screening.lists(subject.tenant)
    mentions = [matching.Mention(entity.text, entity.label) for entity in subject.entities]
    hits = screen(mentions, screened, subject.tenant, most=budgets.most_names)
    written = _written(
        subject,
        [(hit, screening.versions[hit.gazetteer]) for hit in hits if _is_alert(hit)],
        budgets.alerts,
        policy.policy.limits.event_bytes,
    )
    published = Counter(each.alert.gazetteer.name for each in written)
    return Alerts(
        written,
        tuple(
            _screening(
                each.name,
                compared(mentions, each.policy, budgets.most_names),
                [hit for hit in hits if hit.gazetteer == each.name],
                published[each.name],
            )
            for each in screened
        ),
    )


def _is_alert(hit: ScreeningHit) -> bool:
    return hit.decision is Decision.ALERT


def _screening(
    name: str, done: Compared, hits: Sequence[ScreeningHit], published: int
) -> ListScreening:
    decided = Counter(hit.decision for hit in hits)
    return ListScreening(
        gazetteer=name,
        names=done.names,
        alerts=published,
        reviews=decided[Decision.REVIEW],
        excluded=sum(hit.excluded for hit in hits),
        omitted=decided[Decision.ALERT] - published,
        unscreened=done.left or msgspec.UNSET,
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


def _thresholds(thresholds: MatchThresholds) -> Thresholds:
    return Thresholds(thresholds.review, thresholds.alert)


def _written(
    subject: Subject,
    hits: Sequence[tuple[ScreeningHit, ArtefactVersion]],
    most: int,
    most_bytes: int,
) -> tuple[WrittenAlert, ...]:
    """Return the alerts that fit, the best scores first where not all do."""
    best_first = sorted(range(len(hits)), key=lambda number: -hits[number][0].match.score.score)
    kept: dict[int, WrittenAlert] = {}
    for number in best_first[:most]:
        hit, gazetteer = hits[number]
        alert = alert_of(subject, subject.entities[hit.mention], gazetteer, hit)
        value = msgspec.json.encode(alert)
        if len(value) <= most_bytes:
            most_bytes -= len(value)
            kept[number] = WrittenAlert(alert, value)
    return tuple(kept[number] for number in sorted(kept))


def alert_of(
    subject: Subject, entity: Entity, gazetteer: ArtefactVersion, hit: ScreeningHit
) -> Alert:
    """Return the alert about what `entity` of a document may mean in `gazetteer`."""
    entry = hit.match.entry
    return Alert(
        alert_id=alert_id(subject.event_id, entity, gazetteer.name, entry.entry_id),
        event_id=subject.event_id,
        document_id=subject.document_id,
        tenant=subject.tenant,
        synthetic=subject.synthetic,
        text_sha256=subject.text_sha256,
        entity=entity,
        gazetteer=gazetteer,
        entry=contract.ListedEntry(
            entry.entry_id,
            entry.type,
            entry.names[0].text,
            entry.programmes,
            entry.listed_on,
            fingerprint(entry),
        ),
        match=_match(hit.match),
        thresholds=contract.Thresholds(hit.match.thresholds.review, hit.match.thresholds.alert),
        exclusions=tuple(map(_considered, hit.considered)),
        evidence=subject.evidence,
    )


def _match(match: Match) -> contract.Match:
    said, alignment = match.score, match.score.alignment
    return contract.Match(
        name=contract.NameHit(
            match.name.text,
            "weak" if match.name.quality is Quality.WEAK else "strong",
            match.name.kind,
        ),
        mention_normalised=match.mention_normalised,
        name_normalised=match.name_normalised,
        path=_PATHS[match.path],
        score=round(said.score, SCORE_DECIMALS),
        sorted_ratio=round(said.sorted_ratio, SCORE_DECIMALS),
        joined_ratio=round(said.joined_ratio, SCORE_DECIMALS),
        alignment=round(alignment.score, SCORE_DECIMALS),
        uncapped=round(alignment.uncapped, SCORE_DECIMALS),
        pairs=tuple(
            contract.TokenPair(
                pair.mention,
                pair.entry,
                round(pair.similarity, SHARE_DECIMALS),
                round(pair.weight, SHARE_DECIMALS),
                pair.kind,
            )
            for pair in alignment.pairs
        ),
        unpaired_in_mention=alignment.unpaired_in_mention,
        unpaired_in_entry=alignment.unpaired_in_entry,
        caps=tuple(alignment.caps),
        rule=match.rule,
    )


def _considered(considered: Considered) -> contract.ConsideredExclusion:
    one = considered.exclusion
    return contract.ConsideredExclusion(
        "excluded" if considered.ruling is Ruling.EXCLUDED else "reopened",
        one.reviewer,
        one.reason,
        one.reviewed_on,
        one.expires_on,
    )
