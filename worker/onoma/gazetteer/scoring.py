"""The rule that says how alike two normalised names are: one score from 0 to 100, with its reasons.

The last step of a match, and all of it where a pair is explained. The rule:

- `characters` is the better ratio of the two keys (tokens sorted, letters joined).
- `alignment` pairs tokens, each at most once, the most alike first. Two neighbours may stand for
  one token of the other side (`joined`). A pair weighs as much as its heavier side, tokens that
  found none weigh .85 of their weight in the mention and .45 in the entry, and

      alignment = 100 * sum(weight * similarity) / (paired weight + unpaired weight)

- Caps say what is never enough; they stand in `CAPS`.
- `score` is 100 where the names are equal, else the greater of `alignment` and `characters - 6`.

`index.py` finds what scores over a threshold without asking for every name, by conditions that
follow from this rule: change both together, and `VERSION` with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rapidfuzz import fuzz

from onoma.gazetteer.normalisation import joined_key, sorted_key
from onoma.gazetteer.similarity import (
    MOST_JOINED_EDITS,
    SAME_SPELLING,
    by_sound,
    is_common,
    is_full,
    joined_similarity,
    token_similarity,
    weight,
)

VERSION = "2"
CONTRADICTED_IN_MENTION, UNPAIRED_IN_MENTION, UNPAIRED_IN_ENTRY = 0.85, 0.45, 0.45
"""A token of the mention that found none weighs more where the entry has one left too."""
NUMBER_IN_MENTION, NUMBER_IN_ENTRY = 1.3, 2.5
"""An unpaired number weighs so much more: `flight 17` is not `flight 18`."""
CHARACTER_PENALTY = 6.0
CONTRADICTION_PENALTY = 10.0
"""Where both sides have a full token that found none: that the rest is alike says less."""
INITIAL_PAIR = 0.6
"""What a pair with a single letter weighs."""
JOINED_SHARE = 0.99
LEAST_TELLING = 0.8
_DISTANCE_COST = 0.01
"""Of two equally alike tokens the one nearer in position is paired."""
_JOINED_BONUS = 0.5


class Cap(StrEnum):
    """Why an alignment can't score more."""

    NO_FULL_TOKEN = "no_full_token"  # noqa: S105 (no password)
    ONE_FULL_TOKEN = "one_full_token"  # noqa: S105
    SOUND_OF_ONE_TOKEN = "sound_of_one_token"  # noqa: S105
    SOUND = "sound"
    COMMON_TOKENS = "common_tokens"
    INITIALS = "initials"


CAPS = {
    Cap.NO_FULL_TOKEN: 74.0,  # titles, legal forms and initials alone name nobody
    Cap.ONE_FULL_TOKEN: 74.0,  # one name in common, where a side has two or more
    Cap.SOUND_OF_ONE_TOKEN: 70.0,  # a name of one token, alike by sound alone
    Cap.SOUND: 85.0,  # of two full tokens, one is alike by sound alone
    Cap.INITIALS: 82.0,  # one telling name met; letters or titles stand for all others
    Cap.COMMON_TOKENS: 78.0,  # two tokens that many share, and the rest is missing or unlike
}


class PairKind(StrEnum):
    """What makes two tokens alike."""

    EQUAL = "equal"
    EDITS = "edits"
    SOUND = "sound"
    INITIAL = "initial"
    SPELLING = "spelling"
    EQUIVALENT = "equivalent"
    JOINED = "joined"


class TokenPair(NamedTuple):
    """Tokens of the mention and of the entry that stand for each other; joined ones by a blank.

    A named tuple, as all that is made for each name that is compared: half the time of a dataclass.
    """

    mention: str
    entry: str
    similarity: float
    weight: float
    kind: PairKind


class Alignment(NamedTuple):
    """How the tokens of two names meet; `uncapped` is what the score were without `caps`."""

    score: float
    uncapped: float
    pairs: tuple[TokenPair, ...]
    unpaired_in_mention: tuple[str, ...]
    unpaired_in_entry: tuple[str, ...]
    caps: tuple[Cap, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """All that the rule says about a mention and a name."""

    score: float
    sorted_ratio: float
    joined_ratio: float
    alignment: Alignment


_Candidate = tuple[float, float, tuple[int, ...], tuple[int, ...]]
"""A pair that may be made: its gain, by which the best is found, its similarity, and the places of
its tokens on both sides. A bare tuple, as a dozen are made for each name that is compared.
"""


class _Meeting(NamedTuple):
    """Which tokens meet, which find none, and what they come to before caps."""

    chosen: list[_Candidate]
    left: list[str]
    right: list[str]
    unpaired_left: tuple[str, ...]
    unpaired_right: tuple[str, ...]
    uncapped: float


def score(mention: str, entry: str) -> Score:
    """Return what the rule says about two normalised names."""
    in_order = fuzz.ratio(sorted_key(mention), sorted_key(entry))
    joined = fuzz.ratio(joined_key(mention), joined_key(entry))
    alignment = align(mention, entry)
    return Score(combined(max(in_order, joined), alignment), in_order, joined, alignment)


def combined(characters: float, alignment: Alignment) -> float:
    """Return the score of names with this ratio of characters; equal ones align with 100."""
    penalty = CHARACTER_PENALTY
    if any(map(is_full, alignment.unpaired_in_mention)) and any(
        map(is_full, alignment.unpaired_in_entry)
    ):
        penalty = CONTRADICTION_PENALTY
    return max(alignment.score, characters - penalty)


def align(mention: str, entry: str) -> Alignment:
    """Return how the tokens of two normalised names meet."""
    return _explained(mention == entry, _meeting(mention, entry))


def align_at_least(mention: str, entry: str, least: float) -> Alignment | None:
    """Return how two normalised names meet, None where their alignment is less than `least`."""
    meeting = _meeting(mention, entry)
    if meeting.uncapped < least:
        return None  # before what only explains it is made, as most names that are compared
    alignment = _explained(mention == entry, meeting)
    return alignment if alignment.score >= least else None


def _meeting(mention: str, entry: str) -> _Meeting:
    left, right = mention.split(), entry.split()
    chosen = _chosen(sorted(_candidates(left, right), reverse=True))
    used_left = {place for one in chosen for place in one[2]}
    used_right = {place for one in chosen for place in one[3]}
    rest_left = tuple([token for place, token in enumerate(left) if place not in used_left])
    rest_right = tuple([token for place, token in enumerate(right) if place not in used_right])
    matched = total = 0.0
    for _, similarity, mine, theirs in chosen:
        weighs = _weighs(left, right, mine, theirs)
        matched += weighs * similarity
        total += weighs
    extra = CONTRADICTED_IN_MENTION if any(map(is_full, rest_right)) else UNPAIRED_IN_MENTION
    total += sum([extra * _missed(token, NUMBER_IN_MENTION) for token in rest_left])
    total += sum([UNPAIRED_IN_ENTRY * _missed(token, NUMBER_IN_ENTRY) for token in rest_right])
    uncapped = 100.0 if mention == entry else 100.0 * (matched / total) if total else 0.0
    return _Meeting(chosen, left, right, rest_left, rest_right, uncapped)


def _explained(equal: bool, meeting: _Meeting) -> Alignment:
    left, right, rest_left, rest_right = meeting[1:5]
    pairs = tuple([_pair(left, right, one) for one in meeting.chosen])
    caps = () if equal else _caps(left, right, pairs, rest_left + rest_right)
    capped = min([meeting.uncapped, *(CAPS[cap] for cap in caps)])
    return Alignment(capped, meeting.uncapped, pairs, rest_left, rest_right, caps)


def _candidates(left: Sequence[str], right: Sequence[str]) -> list[_Candidate]:
    found: list[_Candidate] = []
    for i, mine in enumerate(left):
        for j, theirs in enumerate(right):
            similarity = token_similarity(mine, theirs)
            if similarity > 0:
                gain = similarity * min(len(mine), len(theirs)) - _DISTANCE_COST * abs(i - j)
                found.append((gain, similarity, (i,), (j,)))
    if len(left) > len(right):
        found += _joined(left, right)
    elif len(left) < len(right):
        found += [(one[0], one[1], one[3], one[2]) for one in _joined(right, left)]
    return found


def _joined(longer: Sequence[str], shorter: Sequence[str]) -> Iterator[_Candidate]:
    """Yield two neighbours of the longer side that the shorter writes as one token."""
    for i in range(len(longer) - 1):
        length = len(longer[i]) + len(longer[i + 1])
        for j, single in enumerate(shorter):
            if abs(length - len(single)) > MOST_JOINED_EDITS:
                continue
            similarity = joined_similarity(longer[i], longer[i + 1], single)
            if similarity > 0:
                gain = similarity * len(single) + _JOINED_BONUS
                yield gain, similarity * JOINED_SHARE, (i, i + 1), (j,)


def _chosen(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    used_left: set[int] = set()
    used_right: set[int] = set()
    chosen = []
    for one in candidates:
        if used_left.isdisjoint(one[2]) and used_right.isdisjoint(one[3]):
            used_left.update(one[2])
            used_right.update(one[3])
            chosen.append(one)
    return chosen


def _weighs(
    left: Sequence[str], right: Sequence[str], mine: Sequence[int], theirs: Sequence[int]
) -> float:
    if len(mine) + len(theirs) == 2:
        one, other = left[mine[0]], right[theirs[0]]
        if len(one) == 1 or len(other) == 1:
            return INITIAL_PAIR
        return max(weight(one), weight(other))
    return max(sum(weight(left[i]) for i in mine), sum(weight(right[j]) for j in theirs))


def _pair(left: Sequence[str], right: Sequence[str], one: _Candidate) -> TokenPair:
    _, similarity, places, others = one
    mine, theirs = [left[i] for i in places], [right[j] for j in others]
    kind = _kind(mine, theirs, similarity)
    weighs = _weighs(left, right, places, others)
    return TokenPair(" ".join(mine), " ".join(theirs), similarity, weighs, kind)


def _kind(mine: Sequence[str], theirs: Sequence[str], similarity: float) -> PairKind:
    if len(mine) + len(theirs) > 2:
        return PairKind.JOINED
    if len(mine[0]) == 1 or len(theirs[0]) == 1:
        return PairKind.INITIAL
    if mine == theirs:
        return PairKind.EQUAL
    if similarity == 1.0:
        return PairKind.EQUIVALENT
    if similarity == by_sound(mine[0], theirs[0]):
        return PairKind.SPELLING if similarity == SAME_SPELLING else PairKind.SOUND
    return PairKind.EDITS


def _missed(token: str, number: float) -> float:
    return weight(token) * (number if token.isdigit() else 1.0)


def _caps(
    left: Sequence[str],
    right: Sequence[str],
    pairs: Sequence[TokenPair],
    unpaired: Sequence[str],
) -> tuple[Cap, ...]:
    full = [pair for pair in pairs if _is_full_pair(pair)]
    met = sum(max(pair.mention.count(" "), pair.entry.count(" ")) + 1 for pair in full)
    most = max(sum(map(is_full, left)), sum(map(is_full, right)))
    if met == 0:
        return (Cap.NO_FULL_TOKEN,)
    if met < 2 <= most:
        # Without a full token left on either side, the others met letters, titles or the like.
        by_letters = _tells(full[0]) and not any(map(is_full, unpaired))
        return (Cap.INITIALS if by_letters else Cap.ONE_FULL_TOKEN,)
    caps = []
    if met <= 2 and any(pair.kind is PairKind.SOUND for pair in full):
        caps.append(Cap.SOUND if most > 1 else Cap.SOUND_OF_ONE_TOKEN)
    if met == 2 and not any(map(_tells, full)) and (most > 2 or any(map(_is_weak, full))):
        caps.append(Cap.COMMON_TOKENS)
    return tuple(caps)


def _tells(pair: TokenPair) -> bool:
    """Return whether a pair tells a name from others: it is alike, and not what many share."""
    if pair.kind is PairKind.JOINED:
        return True
    return not (_is_weak(pair) or is_common(pair.mention) or is_common(pair.entry))


def _is_weak(pair: TokenPair) -> bool:
    return pair.kind is PairKind.SOUND or pair.similarity < LEAST_TELLING


def _is_full_pair(pair: TokenPair) -> bool:
    if pair.kind is PairKind.INITIAL:
        return False
    return any(map(is_full, pair.mention.split())) and any(map(is_full, pair.entry.split()))
