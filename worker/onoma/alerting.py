"""Writes alerts about hits: all that decided, in the words of the contract.

Between `gazetteer/screening.py`, which says whom a mention may mean, and alerts.v1. The rule: an
alert is a function of the document's event and of the hit alone, and names whatever decided, so
that "why this hit" is answered by the alert itself. A budget counts alerts and bytes, never
seconds, keeps the best scores, and leaves out nothing in silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import msgspec

from onoma.contracts import alerts as contract
from onoma.contracts.alerts import Alert, Origin, alert_id
from onoma.contracts.entities import ArtefactVersion, Entity, Evidence, ListScan, ListScreening
from onoma.contracts.policy import PinnedPolicy
from onoma.gazetteer import matching
from onoma.gazetteer.entries import Quality, fingerprint
from onoma.gazetteer.exclusions import Considered, Ruling
from onoma.gazetteer.index import Path
from onoma.gazetteer.matching import Decision, Match
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.running_text import RunningText
from onoma.gazetteer.scanning import KnownMention, Scan, ScannedSpan, scan
from onoma.gazetteer.screening import (
    Compared,
    ScreeningHit,
    ScreeningList,
    Settled,
    compared,
    screen,
)
from onoma.tenants import Screening

SCORE_DECIMALS = 2
SHARE_DECIMALS = 3
_PATHS: dict[Path, Literal["exact", "characters", "tokens"]] = {
    Path.EXACT: "exact",
    Path.CHARACTERS: "characters",
    Path.TOKENS: "tokens",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The document that alerts are about, as its event names it.

    `corrected` are names as the model read them that stand in the event in another way.
    """

    event_id: str
    document_id: str
    tenant: str | None
    text_sha256: str
    entities: tuple[Entity, ...]
    evidence: Evidence
    synthetic: bool = False
    corrected: tuple[Entity, ...] = ()


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
    scans: tuple[ListScan, ...] = ()


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a name in the text may mean; `origin` if the name is not among the event's."""

    entity: Entity
    hit: ScreeningHit
    origin: Origin | msgspec.UnsetType = msgspec.UNSET


def alerts_of(
    subject: Subject, text: RunningText | None, screening: Screening, policy: PinnedPolicy
) -> Alerts:
    """Return the alerts of a document under the rules of its tenant.

    `text` is the document's, if a list's names are looked for in all of it.
    """
    budgets = policy.rules(subject.tenant).budgets
    screened = screening.lists(subject.tenant).screened
    names = _names(subject)
    mentions = [matching.Mention(name.text, name.label) for name, _ in names]
    done = {each.name: compared(mentions, each.policy, budgets.most_names) for each in screened}
    hits = screen(mentions, screened, subject.tenant, most=budgets.most_names)
    if subject.corrected:
        hits = _not_repeated(names, hits)
    scans = []
    if text is not None:
        scans = [
            scan(text, each, _known(names, hits, each, done[each.name]), subject.tenant)
            for each in screened
            if each.scan
        ]
    findings = _findings(names, hits, scans, screened)
    alerts = [one for one in findings if one.hit.decision is Decision.ALERT]
    written = _written(
        subject,
        [(one, screening.versions[one.hit.gazetteer]) for one in alerts],
        budgets.alerts,
        policy.policy.limits.event_bytes,
    )
    published = Counter(each.alert.gazetteer.name for each in written)
    return Alerts(
        written,
        tuple(
            _screening(
                each.name,
                done[each.name],
                [one.hit for one in findings if one.hit.gazetteer == each.name],
                published[each.name],
            )
            for each in screened
        ),
        tuple(map(_scan, scans)),
    )


_Name = tuple[Entity, Origin | msgspec.UnsetType]


def _names(subject: Subject) -> list[_Name]:
    """Return all that is screened, in the order of the text: a list of entities may change what an
    event says, and never what is screened.
    """
    names: list[_Name] = [(entity, msgspec.UNSET) for entity in subject.entities]
    names += [(entity, "corrected") for entity in subject.corrected]
    return sorted(names, key=lambda name: (name[0].start, name[0].end))


def _not_repeated(names: Sequence[_Name], hits: Sequence[ScreeningHit]) -> tuple[ScreeningHit, ...]:
    """Return `hits` without those of corrected names that say no more of an entry than a name of
    the event does there.
    """
    settled: defaultdict[str, Settled] = defaultdict(Settled)
    for hit in hits:
        entity, origin = names[hit.mention]
        if origin is msgspec.UNSET:
            settled[hit.gazetteer].settle(hit, entity.start, entity.end)
    return tuple(
        hit
        for hit in hits
        if names[hit.mention][1] is msgspec.UNSET
        or not settled[hit.gazetteer].says_as_much(
            hit.match, names[hit.mention][0].start, names[hit.mention][0].end
        )
    )


def _known(
    names: Sequence[_Name],
    hits: Sequence[ScreeningHit],
    screened: ScreeningList,
    done: Compared,
) -> list[KnownMention]:
    """Return the names of the document that were compared with a list, with what came of them."""
    mine = groupby(
        (hit for hit in hits if hit.gazetteer == screened.name), key=lambda hit: hit.mention
    )
    by_mention = {number: tuple(of_mention) for number, of_mention in mine}
    return [
        KnownMention(entity.start, entity.end, by_mention.get(number, ()))
        for number, (entity, _) in enumerate(names[: done.end])
        if screened.policy.may_mean_any(entity.label)
    ]


def _findings(
    names: Sequence[_Name],
    hits: Sequence[ScreeningHit],
    scans: Sequence[Scan],
    screened: Sequence[ScreeningList],
) -> list[_Finding]:
    """Return what names may mean, in the order of the text."""
    policies = {each.name: each.policy for each in screened}
    findings = [_Finding(names[hit.mention][0], hit, names[hit.mention][1]) for hit in hits]
    for each in scans:
        findings += [
            _Finding(_scanned_name(each.spans[hit.mention], hit, policies), hit, "scan")
            for hit in each.hits
        ]
    return sorted(findings, key=lambda one: (one.entity.start, one.entity.end))


def _scanned_name(
    span: ScannedSpan, hit: ScreeningHit, policies: Mapping[str, ListPolicy]
) -> Entity:
    """Return what a scan found as a name like those of the event: with the label that may mean the
    entry, and the score of the match.
    """
    label = policies[hit.gazetteer].label_of(hit.match.entry.type)
    score = round(hit.match.score.score / 100, 3)
    return Entity(span.start, span.end, label, score, span.text, "gazetteer", hit.gazetteer)


def _scan(scanned: Scan) -> ListScan:
    return ListScan(
        gazetteer=scanned.gazetteer,
        candidates=scanned.candidates,
        exact_until=scanned.exact_until,
        near_until=scanned.near_until,
        truncated=not scanned.complete,
        matches=len(scanned.hits),
    )


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


def _written(
    subject: Subject,
    findings: Sequence[tuple[_Finding, ArtefactVersion]],
    most: int,
    most_bytes: int,
) -> tuple[WrittenAlert, ...]:
    """Return the alerts that fit, the best scores first where not all do."""
    scores = [one.hit.match.score.score for one, _ in findings]
    best_first = sorted(range(len(scores)), key=lambda number: -scores[number])
    kept: dict[int, WrittenAlert] = {}
    for number in best_first[:most]:
        one, gazetteer = findings[number]
        alert = alert_of(subject, one.entity, gazetteer, one.hit, origin=one.origin)
        value = msgspec.json.encode(alert)
        if len(value) <= most_bytes:
            most_bytes -= len(value)
            kept[number] = WrittenAlert(alert, value)
    return tuple(kept[number] for number in sorted(kept))


def alert_of(
    subject: Subject,
    entity: Entity,
    gazetteer: ArtefactVersion,
    hit: ScreeningHit,
    *,
    origin: Origin | msgspec.UnsetType = msgspec.UNSET,
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
        origin=origin,
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
