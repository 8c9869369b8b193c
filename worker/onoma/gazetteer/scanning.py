"""Looks through a whole document for names of a list that no recogniser found.

After `screening.py`, with a list whose policy asks for it. First the stretches that have a name's
very words; then, if near names are asked for too, stretches of capitalised words. The rules: a
candidate is a stretch that is compared with names, and candidates are counted in the order of the
text, so that the same document always stops at the same place; names of one token are not scanned
for, since most words are somebody's name; and what a mention said about an entry goes before what
an overlapping stretch says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

from onoma.gazetteer.entries import EntryType, Quality
from onoma.gazetteer.index import Path
from onoma.gazetteer.matching import Decision, EqualNames, ListMatcher, Match, Mention
from onoma.gazetteer.policy import ListPolicy, ScanPolicy, SingleTokens
from onoma.gazetteer.running_text import Gap, RunningText
from onoma.gazetteer.screening import ScreeningHit, ScreeningList, Settled, hit_of
from onoma.gazetteer.similarity import is_full

LONGEST_NEAR = 5
"""Words of a stretch that is compared with near names; of longer ones only the very words count.
"""
FEWEST_FULL = 2
_AT_ONCE = 64
_UNLABELLED = ""
"""What no recogniser found has no label."""
Candidate = TypeVar("Candidate")


@dataclass(frozen=True, slots=True)
class KnownMention:
    """Characters `[start, end)` that were compared with the list, and what came of it."""

    start: int
    end: int
    hits: tuple[ScreeningHit, ...]


@dataclass(frozen=True, slots=True)
class ScannedSpan:
    """Characters `[start, end)` that only the scan brought up."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What came of a document and a list; the `mention` of a hit is its place among `spans`.

    All candidates that begin before `exact_until` were compared, and of near names (None where they
    are not asked for) before `near_until`.
    """

    gazetteer: str
    candidates: int
    exact_until: int
    near_until: int | None
    complete: bool
    spans: tuple[ScannedSpan, ...]
    hits: tuple[ScreeningHit, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A match of a stretch."""

    start: int
    end: int
    match: Match


def scan(
    text: RunningText,
    screened: ScreeningList,
    known: Sequence[KnownMention],
    tenant: str | None = None,
) -> Scan:
    """Return what only looking through `text` finds of a list, as its scan policy asks for."""
    policy = screened.scan or ScanPolicy()
    rules = _rules(screened.policy)
    exact, left = _within(_equal(text, screened.matcher), policy.candidates)
    found = list(_exact(text, exact, screened.matcher, rules))
    exact_until = len(text.text) if left is None else text.words[left.first].start
    near: list[tuple[int, int]] = []
    near_until = None
    complete = left is None
    if policy.near:
        near, beyond = _within(_near(text, known), policy.candidates - len(exact))
        found += _matched(text, near, screened.matcher, rules)
        near_until = len(text.text) if beyond is None else text.words[beyond[0]].start
        complete = complete and beyond is None
    kept = _unknown(found, known, screened, tenant)
    return Scan(
        gazetteer=screened.name,
        candidates=len(exact) + len(near),
        exact_until=exact_until,
        near_until=near_until,
        complete=complete,
        spans=tuple(
            ScannedSpan(one.start, one.end, text.text[one.start : one.end]) for one, _ in kept
        ),
        hits=tuple(replace(hit, mention=place) for place, (_, hit) in enumerate(kept)),
    )


def _rules(policy: ListPolicy) -> ListPolicy:
    """Return the policy for stretches: types that some label may mean, and names of no one token.

    Of a policy without labels, all types.
    """
    types = frozenset[EntryType]().union(*policy.labels.values())
    return replace(
        policy,
        labels={_UNLABELLED: types if policy.labels else frozenset(EntryType)},
        single_tokens=SingleTokens.NEVER,
    )


def _within(candidates: Iterator[Candidate], most: int) -> tuple[list[Candidate], Candidate | None]:
    """Return the first `most` candidates, and the one that was to come next."""
    taken = list(islice(candidates, most))
    return taken, next(candidates, None)


def _equal(text: RunningText, matcher: ListMatcher) -> Iterator[EqualNames]:
    """Yield the stretches that have the words of names of more than one full token."""
    for one in matcher.equal_names(text, over=Gap.PARTS):
        if _full_tokens(text, one.first, one.last) >= FEWEST_FULL:
            yield one


def _near(text: RunningText, known: Sequence[KnownMention]) -> Iterator[tuple[int, int]]:
    """Yield words `[first, last)` that may be a name by their capitals, but for what lies within a
    mention.
    """
    reach = text.reach(Gap.WITHIN).tolist()
    inside = _Inside(known)
    for first, word in enumerate(text.words):
        if not word.may_begin or not any(map(is_full, word.tokens)):
            continue
        for last in range(first + 1, min(reach[first], first + LONGEST_NEAR) + 1):
            end = text.words[last - 1]
            if not end.may_begin:
                if any(map(is_full, end.tokens)):
                    break
            elif _full_tokens(text, first, last) >= FEWEST_FULL and not inside(word.start, end.end):
                yield first, last


class _Inside:
    """Says whether characters lie within a mention; to be asked from a text's beginning on."""

    def __init__(self, known: Iterable[KnownMention]) -> None:
        self._coming = sorted(((one.start, one.end) for one in known), reverse=True)
        self._reached = 0

    def __call__(self, start: int, end: int) -> bool:
        while self._coming and self._coming[-1][0] <= start:
            self._reached = max(self._reached, self._coming.pop()[1])
        return end <= self._reached


def _full_tokens(text: RunningText, first: int, last: int) -> int:
    return sum(map(is_full, text.tokens(first, last)))


def _exact(
    text: RunningText, stretches: Iterable[EqualNames], matcher: ListMatcher, rules: ListPolicy
) -> Iterator[_Found]:
    for one in stretches:
        start, end = text.characters(one.first, one.last)
        mention = Mention(text.text[start:end], _UNLABELLED)
        yield from (
            _Found(start, end, match) for match in matcher.decide(mention, one.found, rules)
        )


def _matched(
    text: RunningText,
    stretches: Sequence[tuple[int, int]],
    matcher: ListMatcher,
    rules: ListPolicy,
) -> Iterator[_Found]:
    for begin in range(0, len(stretches), _AT_ONCE):
        spans = [text.characters(*one) for one in stretches[begin : begin + _AT_ONCE]]
        mentions = [Mention(text.text[start:end], _UNLABELLED) for start, end in spans]
        for (start, end), matches in zip(spans, matcher.match(mentions, rules), strict=True):
            yield from (_Found(start, end, match) for match in matches)


def _unknown(
    found: Sequence[_Found],
    known: Sequence[KnownMention],
    screened: ScreeningList,
    tenant: str | None,
) -> list[tuple[_Found, ScreeningHit]]:
    """Return, in the order of the text, the best stretches of each entry that don't overlap one
    another, nor a mention that says as much about the entry.
    """
    settled = Settled()
    for mention in known:
        for hit in mention.hits:
            settled.settle(hit, mention.start, mention.end)
    kept = []
    for one in sorted(found, key=_best_first):
        weak = one.match.name.quality is Quality.WEAK and not screened.policy.weak_alias_alerts
        if not weak and not settled.says_as_much(one.match, one.start, one.end):
            hit = hit_of(0, screened, one.match, tenant)
            settled.settle(hit, one.start, one.end)
            kept.append((one, hit))
    return sorted(kept, key=lambda each: (each[0].start, each[0].end, _best_first(each[0])))


def _best_first(found: _Found) -> tuple[bool, float, bool, int, int, str]:
    match = found.match
    return (
        match.decision is not Decision.ALERT,
        -match.score.score,
        match.path is not Path.EXACT,
        found.end - found.start,
        found.start,
        match.entry.entry_id,
    )
