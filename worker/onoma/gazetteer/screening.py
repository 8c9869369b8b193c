"""Screens the mentions of one document against all lists of a deployment.

The step of the pipeline between spans and alerts. A pure function of mentions, lists, their
policies and exclusions. The rule: every hit at a list's threshold for review comes back, best
first; what people have excluded is marked, never left out, and no hit is dropped for there being
many, so that an exclusion can't use up the place of another hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onoma.gazetteer.exclusions import Considered, Exclusions, Ruling
from onoma.gazetteer.matching import Decision, ListMatcher, Match, Mention
from onoma.gazetteer.policy import ListPolicy, ScanPolicy
from onoma.text.intervals import Spans


@dataclass(frozen=True, slots=True)
class ScreeningList:
    """A list as a document takes it when it is admitted, and keeps it.

    With `scan` the whole document is looked through for its names, too.
    """

    name: str
    matcher: ListMatcher
    policy: ListPolicy
    exclusions: Exclusions
    scan: ScanPolicy | None = None


@dataclass(frozen=True, slots=True)
class ScreeningHit:
    """What a mention may mean. `mention` is its place among the document's."""

    mention: int
    gazetteer: str
    match: Match
    considered: tuple[Considered, ...]

    @property
    def excluded(self) -> bool:
        """Return whether people have judged that it is none, and the entry is as it was."""
        return any(one.ruling is Ruling.EXCLUDED for one in self.considered)

    @property
    def decision(self) -> Decision:
        """Return what follows: nothing from an excluded hit."""
        return Decision.NONE if self.excluded else self.match.decision


def screen(
    mentions: Sequence[Mention],
    lists: Sequence[ScreeningList],
    tenant: str | None = None,
    *,
    most: int | None = None,
) -> tuple[ScreeningHit, ...]:
    """Return all hits of a document, by the order of its mentions, of the lists, and by score.

    With `most` the first so many mentions that may mean an entry are compared with each list.
    """
    by_list = [
        each.matcher.match(mentions[: compared(mentions, each.policy, most).end], each.policy)
        for each in lists
    ]
    return tuple(
        hit_of(number, each, match, tenant)
        for number in range(len(mentions))
        for each, matches in zip(lists, by_list, strict=True)
        for match in (matches[number] if number < len(matches) else ())
    )


class Settled:
    """What stretches of a text that were compared have said about entries of one list.

    What people have excluded is settled as an alert is: it goes before all that overlaps it.
    """

    def __init__(self) -> None:
        self._spans: dict[tuple[str, Decision], Spans] = {}

    def settle(self, hit: ScreeningHit, start: int, end: int) -> None:
        """Take note of what characters `[start, end)` may mean."""
        decision = Decision.ALERT if hit.excluded else hit.match.decision
        for weaker in _AS_WEAK[decision]:
            key = hit.match.entry.entry_id, weaker
            self._spans.setdefault(key, Spans()).add(start, end)

    def says_as_much(self, match: Match, start: int, end: int) -> bool:
        """Return whether an overlapping stretch has said as much about the entry of `match`."""
        spans = self._spans.get((match.entry.entry_id, match.decision))
        return spans is not None and spans.overlap(start, end)


_AS_WEAK = {
    Decision.ALERT: (Decision.ALERT, Decision.REVIEW),
    Decision.REVIEW: (Decision.REVIEW,),
    Decision.NONE: (),
}
"""What each decision about an entry goes before, in a stretch that overlaps."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Which of a document's mentions are compared with a list: those before `end` that may mean an
    entry, `names` of them; `left` more would be.
    """

    end: int
    names: int
    left: int


def compared(mentions: Sequence[Mention], policy: ListPolicy, most: int | None = None) -> Compared:
    """Return which of `mentions` are compared with a list of this policy, at `most` so many."""
    places = [place for place, one in enumerate(mentions) if policy.may_mean_any(one.label)]
    if most is None or len(places) <= most:
        return Compared(len(mentions), len(places), 0)
    return Compared(places[most], most, len(places) - most)


def hit_of(mention: int, screened: ScreeningList, match: Match, tenant: str | None) -> ScreeningHit:
    """Return a match of the mention at this place, with what people have judged about it."""
    considered = screened.exclusions.about(
        match.mention_normalised, screened.name, match.entry, tenant
    )
    return ScreeningHit(mention, screened.name, match, considered)
