"""Yields the sample documents of the demo as records ready to publish.

Used by `onoma demo` and its throughput phase. All texts are written for it, and the persons and
companies in them are invented. The short ones are the lines of `samples.jsonl` (one document.v1
each), the long one is composed here, and two records are broken on purpose, so that dead letters
show. Its rule: no chance and no clock; the same call gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle, islice

import msgspec

LONG_DOCUMENT_ID = "demo-long"
EMOJI_DOCUMENT_ID = "demo-en-emoji"
PLAIN_TEXT_DOCUMENT_ID = "demo-en-plain"
"""This one is published as `text/plain`: its key is the id, and its language goes undeclared."""

Headers = tuple[tuple[str, bytes], ...]
Document = dict[str, str]
"""A document.v1 of the samples: none of them has `metadata`, so every field is a string."""

_JSON: Headers = (("content-type", b"application/json"),)
_PLAIN_TEXT: Headers = (("content-type", b"text/plain"),)


@dataclass(frozen=True, slots=True)
class Sample:
    """One record as it goes to the documents topic."""

    key: bytes
    value: bytes
    headers: Headers


def samples() -> Iterator[Sample]:
    """Yield every sample of the demo, the bad records between good neighbours."""
    not_json, without_text = bad_samples()
    good = good_samples()
    yield from good[:4]
    yield not_json
    yield from good[4:8]
    yield without_text
    yield from good[8:]


def good_samples() -> tuple[Sample, ...]:
    """Return the samples that become entity events: the short ones, then the long one."""
    return tuple(_sample(document) for document in (*short_documents(), long_document()))


def bad_samples() -> tuple[Sample, Sample]:
    """Return the two that become dead letters: one is no JSON, the other has no `text`."""
    cut_off = (
        b'{"document_id": "demo-bad-json", "tenant": "demo", "text": "The line broke off in the'
    )
    without_text = {"document_id": "demo-bad-text", "language": "en", "tenant": "demo"}
    return (
        Sample(key=b"demo-bad-json", value=cut_off, headers=_JSON),
        Sample(key=b"demo-bad-text", value=msgspec.json.encode(without_text), headers=_JSON),
    )


def load(count: int) -> Iterator[Sample]:
    """Yield `count` records that repeat the short samples in turn, each with an id of its own."""
    for number, document in enumerate(islice(cycle(short_documents()), count)):
        yield _sample(document, id_suffix=f"-{number:08d}")


def short_documents() -> tuple[Document, ...]:
    """Return the documents of `samples.jsonl`."""
    # Bytes, because `str.splitlines` also cuts at characters that may stand inside a text.
    lines = files("onoma.stream").joinpath("samples.jsonl").read_bytes().splitlines()
    return tuple(msgspec.json.decode(line, type=Document) for line in lines)


def long_document() -> Document:
    """Compose a report of over 20,000 words: names every few sentences, none of them twice."""
    title = "Yearly report of the Meridian Register on the files reviewed in 2024."
    paragraphs = (_paragraph(number) for number in range(1, _LONG_DOCUMENT_ENTRIES + 1))
    return {
        "document_id": LONG_DOCUMENT_ID,
        "text": "\n\n".join((title, *paragraphs)),
        "language": "en",
        "tenant": "demo",
        "created_at": "2025-01-06T09:00:00Z",
    }


def _sample(document: Document, *, id_suffix: str = "") -> Sample:
    document_id = document["document_id"] + id_suffix
    if document["document_id"] == PLAIN_TEXT_DOCUMENT_ID:
        return Sample(document_id.encode(), document["text"].encode(), _PLAIN_TEXT)
    value = msgspec.json.encode(document | {"document_id": document_id})
    return Sample(document_id.encode(), value, _JSON)


def _paragraph(number: int) -> str:
    """Return entry `number` of the report; number, sum and counts make every sentence unique."""
    opening = _pick(_OPENINGS, number).format(
        number=number,
        person=_person(number),
        company=_company(number),
        place=_pick(_PLACES, number),
        date=f"{1 + number * 5 % 28} {_pick(_MONTHS, number)} 2024",
    )
    dealing = _pick(_DEALINGS, number).format(
        person=_person(number + 211),
        company=_company(number + 71),
        place=_pick(_PLACES, number * 3 + 5),
        amount=f"{1250 + 85 * number:,}",
    )
    closing = _pick(_CLOSINGS, number).format(
        reference=f"MR-{number:04d}",
        person=_person(number + 433),
        month=_pick(_MONTHS, number + 5),
    )
    first, second, third = (_finding(number * 3 + place) for place in range(3))
    return " ".join((opening, first, second, dealing, third, closing))


def _finding(number: int) -> str:
    # 997 is prime and above every number that comes here: no two findings share their count.
    return _pick(_FINDINGS, number).format(count=17 + number * 37 % 997)


def _person(number: int) -> str:
    return f"{_pick(_GIVEN_NAMES, number)} {_pick(_FAMILY_NAMES, number)}"


def _company(number: int) -> str:
    return f"{_pick(_COMPANY_NAMES, number)} {_pick(_COMPANY_KINDS, number)}"


def _pick(choices: Sequence[str], number: int) -> str:
    return choices[number % len(choices)]


_LONG_DOCUMENT_ENTRIES = 220

# The two halves of a name come from lists whose lengths share no divisor: no combination returns
# before 667 persons or 247 companies.
_GIVEN_NAMES = (
    "Amina", "Bertil", "Chiara", "Dawit", "Elif", "Farhad", "Gulnara", "Henrik", "Ifeoma",
    "Joaquim", "Kavita", "Lwazi", "Marisol", "Nadeem", "Odalys", "Petros", "Rukmini", "Sanele",
    "Tereza", "Umut", "Vesna", "Wanjiru", "Yelena",
)  # fmt: skip
_FAMILY_NAMES = (
    "Alderquist", "Brenholt", "Castavelle", "Dornikova", "Ekundale", "Fennimarsh", "Gavrantes",
    "Hollowayne", "Ibragulov", "Jankemore", "Kestrelin", "Lomvaski", "Mbarowe", "Nordhaugen",
    "Okelundi", "Pradhavan", "Quillander", "Rostamvar", "Sundarapet", "Tillingbeck", "Umarkhel",
    "Valdoreno", "Westervang", "Yarokan", "Zelmanis", "Achterveld", "Bosunmi", "Corvalho",
    "Drăgulescar",
)  # fmt: skip
_COMPANY_NAMES = (
    "Amberquay", "Bluefen", "Corrinvale", "Duskhaven", "Eastermoor", "Fairlock", "Greyfathom",
    "Hexbridge", "Ironmeadow", "Juniper Reach", "Kingsfallow", "Larkmantle", "Mossgarth",
    "Nettlemere", "Oakenfell", "Pinehallow", "Quarrystone", "Redthistle", "Silverwend",
)  # fmt: skip
_COMPANY_KINDS = (
    "Bank", "Holdings", "Logistics Ltd", "Insurance Group", "Textiles plc", "Trading Company",
    "Foods Ltd", "Energy Corporation", "Shipping Ltd", "Partners", "Foundation", "Mining plc",
    "Pharmaceuticals",
)  # fmt: skip
_PLACES = (
    "Nairobi", "Lagos", "Kano", "Accra", "Lusaka", "Kampala", "Addis Ababa", "Cairo", "Tunis",
    "Dakar", "Karachi", "Lahore", "Kathmandu", "Colombo", "Dhaka", "Jaipur", "Almaty", "Ankara",
    "Zagreb", "Riga", "Helsinki", "Lisbon", "Porto", "Rotterdam", "Geneva", "Jakarta", "Surabaya",
    "Wellington", "Toronto", "Montevideo", "Recife",
)  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_OPENINGS = (
    "Entry {number}: on {date} {person} of {company} met the review panel in {place}.",
    "Entry {number} concerns {company}: on {date} {person} visited its office in {place}.",
    "Entry {number} was opened in {place} on {date} by {person} with the ledgers of {company}.",
    "In entry {number}, {company} reports that {person} took over its branch in {place} on {date}.",
    "Entry {number} follows a letter that {person} sent from {place} to {company} on {date}.",
    "For entry {number}, {person} and the board of {company} held a meeting in {place} on {date}.",
    "Entry {number} records the visit of {person} to {company} in {place}, begun on {date}.",
)
_FINDINGS = (
    "The reviewers read {count} invoices and found dates, sums and signatures in agreement.",
    "A sample of {count} payments was traced to the bank statement, and none was missing.",
    "All but two of the {count} contracts bore the required stamp, and those two have it now.",
    "The stock count came to {count} crates, which is what the storehouse book had promised.",
    "Staff answered {count} questions in writing, most of them on how long receipts are kept.",
    "The till was {count} cents short, until a deposit was found that had been entered a day late.",
    "A backup of {count} records was restored as a trial, and the copy agreed with the original.",
    "Travel claims for {count} kilometres were compared with the log of the vehicles and accepted.",
    "Some {count} pages had been scanned upside down and were scanned again before filing.",
    "The list of suppliers was shortened by {count} lines that nobody had used for three years.",
    "Training took {count} hours over the year, as the plan of the previous autumn had foreseen.",
)
_DEALINGS = (
    "{person}, bookkeeper of {company}, confirmed a balance of {amount} euros from {place}.",
    "A copy went to {company} in {place}, where {person} signed for a balance of {amount} euros.",
    "At the request of {person}, {company} paid the remaining {amount} euros to a bank in {place}.",
    "{company} lent {amount} euros for a new roof, and {person} came from {place} to see the work.",
    "The guarantee of {amount} euros given by {company} stays with {person} in {place} for a year.",
)
_CLOSINGS = (
    "The next visit by {person} is planned for {month} 2025, under reference {reference}.",
    "{person} will close the file {reference} in {month} 2025, and no further step is needed.",
    "A short note on file {reference} will be written by {person} before the end of {month} 2025.",
)
