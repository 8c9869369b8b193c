"""Makes records that are nearly right: documents of every form, bent in a place or two.

Each record follows from a seed and a number, so a finding is named by two numbers. Most records are
small, so that many are tried; a few are long, for what only length brings out.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from onoma.contracts.records import Headers, Record
from tests.texts import BLANKS, MARKS_AND_SIGNS, SCRIPT_WORDS

LONG_SHARE = 0.002
LONGEST_REPEATS = 4_000
TOPIC = "documents.v1"

HOSTILE = (
    "\u0301" * 40, "\u202e", "\u2066\u2069", "\ufdfa", "\U000e0041", "\ufffe", "\U0010ffff",
    "\x7f", "\x1b[2J", "\u0378", "\u1100\u1161\u11a8", "\u0e33", "\u0344", "ß", "ŉ", "ǰ", "\u1e9e",
    "\u03a3", "İ", "\u2028", "\u180e", "\u00ad", "\u034f", "\u115f", "\u3164", "\ufe0f", "{", "}",
    '"', "\\", "\\u0000", "\\ud83d", "J", "'", "’’", "--", "a-", "-a", "１２", "٣٫٥", "𝟙", "Ⅷ",
)  # fmt: skip
FRAGMENTS = (*SCRIPT_WORDS, *MARKS_AND_SIGNS, *BLANKS, *BLANKS, *HOSTILE)
LANGUAGES = (
    "ha", "hau", "sr-Latn", "zh-Hans-CN", "en-US-x-private", "x-private", "i-klingon", "und", "",
    "a", "ha_NG", "HA", "h\u0251", "en-" * 30, "qaa-Qaaa-QM", None, 5,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1e308, 0.1, "", " ", "x", [], {}, [[]], {"a": {"b": []}},
    "2026-01-31T00:00:00Z", "2026-01-31", "9999-12-31T23:59:60Z", "\u0000", "a" * 1025,
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "text/plain", "application/cloudevents+json", "TEXT/PLAIN; charset=utf-8",
    "text/plain;charset=latin-1", "text/html", "", ";", "application/json;charset=\"UTF-8\"",
    "application/cloudevents+json; charset=us-ascii", "text/plain\x00",
)  # fmt: skip
BAD_BYTES = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x00", b"\xef")
JSON_PIECES = (
    b"\\ud83d", b"\\udc00", b"\\u0000", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b":", b"NaN",
    b"1e999", b"-", b"\xef\xbb\xbf", b"//", b"null", b"\t", b"\\x", b"\\u12", b"\x1f", b"9" * 400,
)  # fmt: skip


def records(seed: int, batch: int, count: int) -> list[Record]:
    """Return the records of one batch, the same for the same numbers."""
    chance = random.Random(f"{seed}/{batch}")
    return [_record(chance, offset) for offset in range(count)]


def _record(chance: random.Random, offset: int) -> Record:
    form = chance.choice((_json, _json, _plain, _structured))
    value, content_type = form(chance)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 1, 2, 5))):
        value = chance.choice(BYTE_MUTATIONS)(chance, value)
    if chance.random() < 0.05:
        content_type = chance.choice(CONTENT_TYPES)
    typed: Headers = () if content_type is None else (("content-type", content_type.encode()),)
    key = chance.choice((b"key", b"key", b"", None, b"\xff", "Ọ̀ṣun".encode(), b"k" * 1100))
    whole = None if chance.random() < 0.005 else value
    return Record(TOPIC, chance.randrange(64), offset, key, whole, (*_headers(chance), *typed))


def text(chance: random.Random) -> str:
    """Return a text of fragments, some of them again and again."""
    longest = LONGEST_REPEATS if chance.random() < LONG_SHARE else 12
    pieces = []
    for _ in range(chance.choice((0, 1, 3, 8, 20))):
        repeats = chance.randint(1, longest) if chance.random() < 0.2 else 1
        fragment = chance.choice(FRAGMENTS)
        if chance.random() < 0.2:
            fragment = chr(_code_point(chance))
        pieces.append((fragment + chance.choice(("", " "))) * repeats)
    return "".join(pieces)


def _code_point(chance: random.Random) -> int:
    point = chance.randrange(chance.choice((0x100, 0x3000, 0x110000)))
    return point if not 0xD800 <= point < 0xE000 else 0xFFFD


def _document(chance: random.Random) -> dict[str, Any]:
    document: dict[str, Any] = {"document_id": f"d{chance.randrange(99)}", "text": text(chance)}
    if chance.random() < 0.4:
        document["language"] = chance.choice(LANGUAGES)
    if chance.random() < 0.2:
        document["tenant"] = chance.choice(("north", "east", "", text(chance)))
    if chance.random() < 0.2:
        document["metadata"] = {text(chance): text(chance) for _ in range(chance.randint(0, 3))}
    if chance.random() < 0.1:
        document["created_at"] = chance.choice(VALUES)
    if chance.random() < 0.2:
        field = chance.choice((*document, "source_uri", "unknown", "Text"))
        document[field] = chance.choice(VALUES)
    if chance.random() < 0.1:
        document.pop(chance.choice(tuple(document)))
    return document


def _json(chance: random.Random) -> tuple[bytes, str | None]:
    value = _encoded(chance, _document(chance))
    if chance.random() < 0.05:
        field = chance.choice(('"text": "twice"', '"language": null', '"text": 5'))
        value = value[:-1] + f", {field}}}".encode()
    return value, chance.choice((None, "application/json"))


def _plain(chance: random.Random) -> tuple[bytes, str | None]:
    return text(chance).encode(), "text/plain"


def _structured(chance: random.Random) -> tuple[bytes, str | None]:
    event: dict[str, Any] = {"specversion": "1.0", "id": "1", "source": "s", "type": "t"}
    if chance.random() < 0.5:
        event |= {"datacontenttype": "text/plain", "data": text(chance)}
    else:
        event["data"] = _document(chance)
    if chance.random() < 0.2:
        event[chance.choice((*event, "data_base64"))] = chance.choice(
            (*VALUES, "YQ==", text(chance))
        )
    return _encoded(chance, event), "application/cloudevents+json"


def _encoded(chance: random.Random, value: object) -> bytes:
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")


def _headers(chance: random.Random) -> Headers:
    names = ("trace", "x\x00y", "\r\nx", "", "Ọ̀", "onoma-reason", "CONTENT-TYPE", "ce_id", "\x7f")
    values = (b"", None, b"\xff\x00", b"v" * 300)
    return tuple(
        (chance.choice(names), chance.choice(values)) for _ in range(chance.choice((0, 0, 1, 3)))
    )


def _cut(chance: random.Random, value: bytes) -> bytes:
    begin, end = sorted((chance.randint(0, len(value)), chance.randint(0, len(value))))
    return value[:begin] + value[end:]


def _truncate(chance: random.Random, value: bytes) -> bytes:
    return value[: chance.randint(0, len(value))]


def _insert(chance: random.Random, value: bytes) -> bytes:
    place = chance.randint(0, len(value))
    return value[:place] + chance.choice((*BAD_BYTES, *JSON_PIECES)) + value[place:]


def _flip(chance: random.Random, value: bytes) -> bytes:
    if not value:
        return b"\x80"
    place = chance.randrange(len(value))
    return value[:place] + bytes((value[place] ^ 1 << chance.randrange(8),)) + value[place + 1 :]


def _repeat(chance: random.Random, value: bytes) -> bytes:
    begin = chance.randint(0, len(value))
    part = value[begin : begin + chance.randint(1, 12)]
    return value[:begin] + part * chance.randint(2, 30) + value[begin:]


def _nest(chance: random.Random, value: bytes) -> bytes:
    depth = chance.choice((1, 63, 65, 600))
    return b"[" * depth + value + b"]" * depth


BYTE_MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _cut,
    _truncate,
    _insert,
    _insert,
    _flip,
    _repeat,
    _nest,
)
