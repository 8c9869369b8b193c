"""Matches mentions with a list as it stands: which entries they may mean, and what follows.

Between the index of names, which scores, and alerts, which are written from what is said here. The
rules: a match is of an entry, by the best of its names; every hit at the review threshold is
decided and says why; nothing is dropped but what the list itself took away. What a chain of
segments answers is what one segment with the same entries answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import groupby

from onoma.gazetteer.chain import Chain
from onoma.gazetteer.entries import QUALITIES, TYPES, Entry, EntryType, Name, Quality
from onoma.gazetteer.exact import ExactNames
from onoma.gazetteer.index import VERSION, NameIndex, Path, path_of
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.policy import ListPolicy, SingleTokens, Thresholds
from onoma.gazetteer.running_text import Gap, RunningText
from onoma.gazetteer.scoring import Score, score
from onoma.gazetteer.segment import check_index
from onoma.gazetteer.similarity import is_full


class Decision(StrEnum):
    """What follows from a match."""

    ALERT = "alert"
    REVIEW = "review"
    NONE = "none"


class Reason(StrEnum):
    """Why a match is less than its score alone would make it."""

    BELOW_REVIEW = "below_review"
    BELOW_ALERT = "below_alert"
    OTHER_TYPE = "other_type"
    SINGLE_TOKEN = "single_token"  # noqa: S105 (no password)
    UNEQUAL_SINGLE_TOKEN = "unequal_single_token"  # noqa: S105
    WEAK_ALIAS = "weak_alias"


_NO_MATCH = {Reason.BELOW_REVIEW, Reason.OTHER_TYPE, Reason.UNEQUAL_SINGLE_TOKEN}


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a text, with the model's label where there is one."""

    text: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A mention and an entry of a list: the name that met it, and all that the rule says.

    `rule` is the version of index, normaliser and rule.
    """

    entry: Entry
    name: Name
    mention_normalised: str
    name_normalised: str
    path: Path
    score: Score
    thresholds: Thresholds
    decision: Decision
    reasons: tuple[Reason, ...]
    rule: str = VERSION


@dataclass(frozen=True, slots=True)
class _Found:
    """A name in one of the chain's segments."""

    segment: int
    row: int
    number: int


@dataclass(frozen=True, slots=True)
class EqualNames:
    """The words `[first, last)` of a text, which are names of the list in some order of their
    words. Those in `in_order` stand in the text as in the list.
    """

    first: int
    last: int
    found: tuple[_Found, ...]
    in_order: tuple[_Found, ...]


class ListMatcher:
    """The names of a list as it stands, ready to be matched. Threads may share it."""

    def __init__(self, chain: Chain) -> None:
        """Take a list. Raises GazetteerError for one whose arrays are of another version."""
        for segment in chain.segments:
            check_index(segment.directory, segment.manifest, VERSION)
        self._chain = chain
        self._indexes = tuple(NameIndex(segment.index) for segment in chain.segments)

    def match(
        self, mentions: Sequence[Mention], policy: ListPolicy | None = None
    ) -> list[tuple[Match, ...]]:
        """Return for each mention what it may mean: best first, decided `alert` or `review`."""
        rules = policy or ListPolicy()
        forms = [normalise(mention.text) for mention in mentions]
        # What may mean no entry at all, as a date, is not looked up.
        asked = zip(mentions, forms, strict=True)
        distinct = list(dict.fromkeys(form for m, form in asked if rules.may_mean_any(m.label)))
        found = dict(zip(distinct, self._search(distinct, rules.least()), strict=True))
        return [
            self._matches(mention, form, found.get(form, ()), rules)
            for mention, form in zip(mentions, forms, strict=True)
        ]

    def explain(
        self, mention: Mention, entry_id: str, policy: ListPolicy | None = None
    ) -> Match | None:
        """Return how `mention` and an entry meet, match or not; None for an unknown entry."""
        entry = self._chain.find(entry_id)
        if entry is None:
            return None
        form, rules = normalise(mention.text), policy or ListPolicy()
        decided = [self._decided(mention, form, entry, name, rules) for name in entry.names]
        return max(decided, key=_rank)

    def equal_names(self, text: RunningText, *, over: Gap) -> Iterator[EqualNames]:
        """Yield the stretches of `text` that have the very words of names, over gaps up to `over`:
        by their first word, then by their last.
        """
        stretches = [
            (each.first, each.last, number, each)
            for number, names in enumerate(self._exact)
            for each in names.find(text, over=over)
        ]
        stretches.sort(key=lambda one: one[:3])
        for (first, last), same in groupby(stretches, key=lambda one: one[:2]):
            found: list[_Found] = []
            in_order: list[_Found] = []
            for _, _, number, stretch in same:
                named = self._live(number, stretch.place)
                found += named
                in_order += named if stretch.in_order else ()
            if found:
                yield EqualNames(first, last, tuple(found), tuple(in_order))

    def kinds(self, found: Iterable[_Found]) -> Iterator[tuple[EntryType, Quality]]:
        """Yield what each name in `found` is a name of, and how far the list trusts it."""
        for one in found:
            segment = self._chain.segments[one.segment]
            yield TYPES[segment.types[one.row]], QUALITIES[segment.qualities[one.number]]

    def decide(
        self, mention: Mention, found: Sequence[_Found], policy: ListPolicy
    ) -> tuple[Match, ...]:
        """Return what `mention` may mean of what `equal_names` found there."""
        return self._matches(mention, normalise(mention.text), found, policy)

    @cached_property
    def _exact(self) -> tuple[ExactNames, ...]:
        # Made when a text is looked through first: most deployments screen mentions only.
        return tuple(ExactNames(segment.index) for segment in self._chain.segments)

    def _live(self, number: int, place: int) -> list[_Found]:
        """Return the names at `place` of a segment's index whose entries still hold."""
        rows, hidden = self._chain.segments[number].name_rows, self._chain.hidden[number]
        named = self._indexes[number].numbers(place)
        return [_Found(number, int(rows[n]), n) for n in named if not hidden[rows[n]]]

    def _search(self, forms: Sequence[str], threshold: float) -> list[list[_Found]]:
        found: list[list[_Found]] = [[] for _ in forms]
        for number, (segment, hidden) in enumerate(
            zip(self._chain.segments, self._chain.hidden, strict=True)
        ):
            for into, hits in zip(
                found, self._indexes[number].search(forms, threshold), strict=True
            ):
                rows = [int(segment.name_rows[hit.number]) for hit in hits]
                into += [
                    _Found(number, row, hit.number)
                    for row, hit in zip(rows, hits, strict=True)
                    if not hidden[row]
                ]
        return found

    def _matches(
        self, mention: Mention, form: str, found: Sequence[_Found], rules: ListPolicy
    ) -> tuple[Match, ...]:
        """Return the best match of each entry that `mention` may mean."""
        best: dict[str, Match] = {}
        for one in found:
            segment = self._chain.segments[one.segment]
            if not rules.may_mean(mention.label, TYPES[segment.types[one.row]]):
                continue
            entry = segment.entry(one.row)
            name = entry.names[one.number - int(segment.first_names[one.row])]
            match = self._decided(mention, form, entry, name, rules)
            known = best.get(entry.entry_id)
            if match.decision is not Decision.NONE and (
                known is None or _rank(match) > _rank(known)
            ):
                best[entry.entry_id] = match
        return tuple(
            sorted(best.values(), key=lambda match: (-match.score.score, match.entry.entry_id))
        )

    def _decided(
        self, mention: Mention, form: str, entry: Entry, name: Name, rules: ListPolicy
    ) -> Match:
        name_form = normalise(name.text)
        said = score(form, name_form)
        thresholds = rules.of(entry.type)
        match = Match(
            entry=entry,
            name=name,
            mention_normalised=form,
            name_normalised=name_form,
            path=path_of(form == name_form, said.alignment, said.score),
            score=said,
            thresholds=thresholds,
            decision=Decision.ALERT,
            reasons=(),
        )
        reasons = tuple(_reasons(match, mention.label, rules))
        return replace(match, decision=_decision(reasons), reasons=reasons)


def _reasons(match: Match, label: str | None, rules: ListPolicy) -> list[Reason]:
    reasons = []
    if match.score.score < match.thresholds.review:
        reasons.append(Reason.BELOW_REVIEW)
    elif match.score.score < match.thresholds.alert:
        reasons.append(Reason.BELOW_ALERT)
    if not rules.may_mean(label, match.entry.type):
        reasons.append(Reason.OTHER_TYPE)
    if _is_single(match.mention_normalised) and _is_single(match.name_normalised):
        if not _may_be_single(match.path, rules.single_tokens):
            reasons.append(Reason.UNEQUAL_SINGLE_TOKEN)
        elif match.entry.type not in rules.single_token_alerts:
            reasons.append(Reason.SINGLE_TOKEN)
    if match.name.quality is Quality.WEAK and not rules.weak_alias_alerts:
        reasons.append(Reason.WEAK_ALIAS)
    return reasons


def _is_single(form: str) -> bool:
    return sum(map(is_full, form.split())) <= 1


def _may_be_single(path: Path, single_tokens: SingleTokens) -> bool:
    if single_tokens is SingleTokens.EXACT:
        return path is Path.EXACT
    return single_tokens is SingleTokens.NEAR


def _decision(reasons: Sequence[Reason]) -> Decision:
    if not _NO_MATCH.isdisjoint(reasons):
        return Decision.NONE
    return Decision.REVIEW if reasons else Decision.ALERT


def _rank(match: Match) -> tuple[int, float, bool]:
    """Return what makes a match of an entry better than another; of equals the first name stays."""
    decided = tuple(Decision)[::-1].index(match.decision)
    return decided, match.score.score, match.path is Path.EXACT
