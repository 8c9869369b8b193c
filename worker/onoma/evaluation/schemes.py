"""Recognises how a corpus writes spans as tags (IOB2, IO, IOB1, BIOES) and turns them into spans.

First step of reading a CoNLL file, before labels are mapped: two labels that become one must not
grow together. The rule: a file has one scheme. A few damaged sequences are the linter's business,
but a file in which two schemes stand side by side would be read wrongly, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from onoma.evaluation.spans import OUTSIDE, Span, spans_of

Tagging = Literal["IOB2", "IO", "IOB1", "BIOES"]
TAGGINGS: tuple[Tagging, ...] = get_args(Tagging)

DAMAGED_SHARE = 0.1
"""Up to this share of spans may open in the other way of IOB1 and IOB2: published corpora hold up
to 2 % of damaged sequences, and a mixture is far above.
"""

_PREFIXES = frozenset("BIESLU")
_LETTERS = {"IOB2": "BI", "IOB1": "BI", "IO": "I", "BIOES": "BIESLU"}
_AS_BIOES = {"L": "E", "U": "S"}


class SchemeError(ValueError):
    """Tags that fit no scheme, or two; `place` is the number of the first tag at fault."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in its parts; a bare label, as IO files have it, stands for an `I-` of that label."""

    prefix: str
    label: str


def parsed(tag: str) -> Tag:
    """Return the parts of `tag`."""
    if tag in (OUTSIDE, ""):
        return Tag(OUTSIDE, "")
    prefix, dash, label = tag.partition("-")
    return Tag(prefix, label) if dash and prefix in _PREFIXES else Tag("", tag)


def tagging_of(sentences: Iterable[Sequence[str]]) -> Tagging:
    """Return the scheme that all `sentences` of tags are written in. Raises SchemeError."""
    flat = [parsed(tag) for tags in sentences for tag in (*tags, OUTSIDE)]
    first = {tag.prefix: place for place, tag in reversed(list(enumerate(flat)))}
    if "" in first:
        return _bare(first, flat)
    for ours, theirs in (("E", "L"), ("S", "U")):
        if ours in first and theirs in first:
            place = max(first[ours], first[theirs])
            raise SchemeError(place, f"BIOES and BILOU are mixed: found {ours}- and {theirs}-")
    if first.keys() & {"E", "S", "L", "U"}:
        return "BIOES"
    return _from_openings(flat) if "B" in first else "IO"


def checked(sentences: Iterable[Sequence[str]], tagging: Tagging) -> None:
    """Refuse tags that the declared `tagging` has no letter for. Raises SchemeError."""
    allowed = {OUTSIDE, *_LETTERS[tagging], *([""] if tagging == "IO" else [])}
    place = 0
    for tags in sentences:
        for tag in tags:
            if parsed(tag).prefix not in allowed:
                raise SchemeError(place, f"the tag {tag!r} is none of {tagging}")
            place += 1
        place += 1


def spans_in(tags: Sequence[str], tagging: Tagging) -> tuple[Span, ...]:
    """Return the spans of one sentence's `tags`, labels as the corpus has them."""
    if tagging == "BIOES":
        return spans_of(_opened(tags))
    bare = [f"I-{tag.label}" if tag.prefix == "" else text for text, tag in _parts(tags)]
    return spans_of(bare)


def damaged(tags: Sequence[str], tagging: Tagging) -> list[int]:
    """Return the places whose tag can't follow the one before it."""
    parts = [Tag(_AS_BIOES.get(t.prefix, t.prefix), t.label) for _, t in _parts(tags)]
    before = [Tag(OUTSIDE, ""), *parts]
    after = [*parts[1:], Tag(OUTSIDE, "")] if parts else []
    rule = {"IOB2": _iob2, "IOB1": _iob1, "BIOES": _bioes, "IO": _io}[tagging]
    return [
        place
        for place, (previous, tag, following) in enumerate(zip(before, parts, after, strict=False))
        if not rule(previous, tag, following)
    ]


def _parts(tags: Sequence[str]) -> list[tuple[str, Tag]]:
    return [(tag, parsed(tag)) for tag in tags]


def _bare(first: dict[str, int], flat: Sequence[Tag]) -> Tagging:
    prefixed = first.keys() & _PREFIXES
    if prefixed:
        place = max(first[""], min(first[prefix] for prefix in prefixed))
        tag = flat[first[""]]
        raise SchemeError(place, f"IO and another scheme are mixed: found a bare {tag.label!r}")
    return "IO"


def _from_openings(flat: Sequence[Tag]) -> Tagging:
    """Tell IOB1 from IOB2 by how spans open that continue nothing."""
    openings: dict[str, list[int]] = {"B": [], "I": []}
    label = ""
    for place, tag in enumerate(flat):
        if tag.label and tag.label != label:
            openings[tag.prefix].append(place)
        label = tag.label
    with_b, with_i = openings["B"], openings["I"]
    rarer = min(with_b, with_i, key=len)
    if len(rarer) > DAMAGED_SHARE * (len(with_b) + len(with_i)):
        raise SchemeError(
            max(with_b[0], with_i[0]),
            f"IOB1 and IOB2 are mixed: {len(with_b)} spans open with B-, {len(with_i)} with I-",
        )
    return "IOB2" if len(with_b) >= len(with_i) else "IOB1"


def _opened(tags: Sequence[str]) -> list[str]:
    """Return BIOES or BILOU tags as IOB2, every span opened by a `B-`."""
    written: list[str] = []
    open_label = ""
    for tag in (parsed(text) for text in tags):
        if tag.prefix == OUTSIDE:
            written.append(OUTSIDE)
            open_label = ""
            continue
        goes_on = tag.prefix in ("I", "E", "L") and tag.label == open_label
        written.append(f"{'I' if goes_on else 'B'}-{tag.label}")
        open_label = tag.label if tag.prefix in ("B", "I") else ""
    return written


def _iob2(before: Tag, tag: Tag, _after: Tag) -> bool:
    return tag.prefix != "I" or before.label == tag.label


def _iob1(before: Tag, tag: Tag, _after: Tag) -> bool:
    return tag.prefix != "B" or before.label == tag.label


def _io(_before: Tag, tag: Tag, _after: Tag) -> bool:
    return tag.prefix != "B"


def _bioes(before: Tag, tag: Tag, after: Tag) -> bool:
    inside = before.prefix in ("B", "I") and before.label == tag.label
    goes_on = after.prefix in ("I", "E") and after.label == tag.label
    fits = {
        OUTSIDE: before.prefix not in ("B", "I"),
        "B": goes_on and not inside,
        "I": inside and goes_on,
        "E": inside,
        "S": before.prefix not in ("B", "I"),
    }
    return fits.get(tag.prefix, False)
