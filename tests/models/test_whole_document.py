"""The shipped model reads long documents in windows, and nobody can tell."""

from __future__ import annotations

import random

import pytest

from onoma.contracts.records import Record
from onoma.ner.wordhash import WordHashRecogniser
from onoma.pipeline import Annotated, Job, Reading, Versions, admit, conclude, process
from onoma.registry import bundle
from onoma.settings import Settings
from onoma.stream.app import pinned_versions
from onoma.text.windows import Window

FILLER = (  # noqa: SIM905 (a text, not a list of words)
    "rahoto ya nuna cewa an fara aiki jiya da safe a kasuwa, kuma jama'a sun ji dadi sosai . "
    "wannan labari ya fito daga ofishin ma'aikata bayan taron da aka yi a makon jiya ; "
).split()
PLANTED = "Shugaba Muhammadu Buhari ya isa Abuja ."


@pytest.fixture(scope="module")
def versions() -> Versions:
    return pinned_versions(Settings(), bundle.load(bundle.default_directory()))


def _document(words: int, planted: int) -> Record:
    """Return a document of about `words` words with the same sentence planted `planted` times."""
    chance = random.Random(7)
    filler = [chance.choice(FILLER) for _ in range(words)]
    step = words // planted
    for place in range(planted):
        filler[place * step] = PLANTED
    return Record("documents.v1", 0, 0, b"long", " ".join(filler).encode(), (PLAIN,))


PLAIN = ("content-type", b"text/plain")


def test_a_document_in_windows_gives_the_event_of_a_single_pass(versions: Versions) -> None:
    record = _document(50_000, 50)
    job = admit(record, versions)
    assert isinstance(job, Job)
    units = len(job.units)
    whole = Window(0, units, 0, units)
    recogniser = versions.recogniser
    assert isinstance(recogniser, WordHashRecogniser)
    features = recogniser.rows(job.units.strings())
    single = conclude(job, [Reading(whole, recogniser.emissions([features])[0])])
    windowed = process(record, versions)

    assert isinstance(single, Annotated)
    assert isinstance(windowed, Annotated)
    assert len(job.windows) > 50
    assert windowed.event.entities == single.event.entities
    assert windowed.event.coverage.ratio == single.event.coverage.ratio == 1.0


def test_a_name_planted_in_every_thousandth_is_found_throughout(versions: Versions) -> None:
    outcome = process(_document(50_000, 1_000), versions)

    assert isinstance(outcome, Annotated)
    places = [e.start for e in outcome.event.entities if e.text == "Muhammadu Buhari"]
    length = outcome.event.text_length
    tenths = {place * 10 // length for place in places}
    assert len(places) >= 950
    assert tenths == set(range(10))


def test_a_dropped_window_shows_in_the_coverage(versions: Versions) -> None:
    job = admit(_document(5_000, 5), versions)
    assert isinstance(job, Job)
    readings = [
        Reading(window, versions.recogniser.emissions([rows])[0])
        for window, rows in zip(job.windows, job.features, strict=True)
    ]
    outcome = conclude(job, readings[:3] + readings[4:])

    assert isinstance(outcome, Annotated)
    assert outcome.event.coverage.ratio < 1
    assert outcome.event.coverage.truncated
    assert outcome.event.coverage.windows == len(job.windows) - 1
