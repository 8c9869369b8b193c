"""Writes alerts about hits: all that decided, in the words of the contract.

Between `gazetteer/screening.py`, which says whom a mention may mean, and alerts.v1. The rule: an
alert is a function of the document's event and of the hit alone, and names whatever decided, so
that "why this hit" is answered by the alert itself.
"""

from __future__ import annotations

from typing import Literal

from onoma.contracts import alerts as contract
from onoma.contracts.alerts import Alert, alert_id
from onoma.contracts.entities import ArtefactVersion, Entities, Entity
from onoma.gazetteer.entries import Quality, fingerprint
from onoma.gazetteer.exclusions import Considered, Ruling
from onoma.gazetteer.index import Path
from onoma.gazetteer.matching import Match
from onoma.gazetteer.screening import ScreeningHit

SCORE_DECIMALS = 2
SHARE_DECIMALS = 3
_PATHS: dict[Path, Literal["exact", "characters", "tokens"]] = {
    Path.EXACT: "exact",
    Path.CHARACTERS: "characters",
    Path.TOKENS: "tokens",
}


def alert_of(
    event: Entities, entity: Entity, gazetteer: ArtefactVersion, hit: ScreeningHit
) -> Alert:
    """Return the alert about what `entity` of the document of `event` may mean in `gazetteer`."""
    entry = hit.match.entry
    return Alert(
        alert_id=alert_id(event.event_id, entity, gazetteer.name, entry.entry_id),
        event_id=event.event_id,
        document_id=event.document_id,
        tenant=event.tenant,
        synthetic=event.synthetic,
        text_sha256=event.text_sha256,
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
        evidence=event.evidence,
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
