"""What looking through whole documents for listed names costs, and what it finds.

    python -m benchmarks.scanning [--quick]

Documents are 300 words of real text in sixteen languages (documents.py), the list is the real ones
(name_pool.py); nothing has been found by a model, so that near names cost the most that they can.
Scripts without capitals are told apart, since there every word may begin a name. Half of the
documents get two listed names, each changed in one of twelve ways (perturbations.py), set between
words of theirs. Times are processor time of one thread, after a first pass that has seen all words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from shutil import rmtree

import click

from benchmarks.documents import LANGUAGES, of_length
from benchmarks.name_pool import LISTS, MORE, Listed, listed_names, pool
from benchmarks.perturbations import KINDS
from benchmarks.results import Figure, Run, options, percentile
from onoma.gazetteer.entries import Entry, EntryType, Name, NameKind
from onoma.gazetteer.exact import ExactNames, Stretch
from onoma.gazetteer.exclusions import Exclusions
from onoma.gazetteer.index import INDEX, index_arrays
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.policy import ListPolicy, ScanPolicy
from onoma.gazetteer.running_text import Gap, RunningText, running_text
from onoma.gazetteer.scanning import Scan, scan
from onoma.gazetteer.screening import ScreeningList
from onoma.gazetteer.segment import Identity, write_segment
from onoma.gazetteer.served import open_served
from onoma.text.segmentation import segment

QUESTION = "What does looking through documents for listed names cost, and what does it find?"
NAMES, MANY, DOCUMENTS, WORDS = 31_750, 300_000, 96, 300
PLANTED = 2
SEED = 40_411
WITHOUT_CAPITALS = {"amh", "hin", "tam", "urd"}
EXACT, NEAR = ScanPolicy(), ScanPolicy(near=True, candidates=100_000)


@dataclass(frozen=True, slots=True)
class _Text:
    """A document, whether its script has capitals, and the places of the names set into it."""

    text: RunningText
    capitals: bool
    planted: tuple[tuple[int, str], ...]


@click.command()
@options
def main(data: Path, work: Path, quick: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    listed = listed_names(data, *LISTS, MORE)[: run.size(NAMES, 2_000)]
    texts = _texts(data, run.size(DOCUMENTS, 32), listed)
    screened = _screened(work / "scanning", listed)
    plain = [each for each in texts if not each.planted]
    cased = [each.text for each in plain if each.capitals]
    caseless = [each.text for each in plain if not each.capitals]
    units = [segment(each.text.text) for each in plain]
    words = [_milliseconds(partial(running_text, each)) for each in units]
    exact = _times([each.text for each in plain], screened, EXACT)
    near = _times(cased, screened, NEAR)
    near_caseless = _times(caseless, screened, NEAR)
    many = run.size(MANY, 20_000)
    build, found = _of_many(pool(data, many), [each.text for each in plain])
    recall = {policy: _recall(texts, screened, policy) for policy in (EXACT, NEAR)}
    hits = {policy: _hits(plain, screened, policy) for policy in (EXACT, NEAR)}
    figures = [
        Figure("words of a document as names are compared", _mean(words), None,
               unit="ms CPU"),
        Figure("31.7 k names: exact, per document", _mean(exact), 0.5, "at most", "ms CPU"),
        Figure("31.7 k names: exact, p99", percentile(exact, 0.99), None, unit="ms CPU"),
        Figure("300 k names: exact, per document", found, 0.5, "at most", "ms CPU"),
        Figure("300 k names: table for exact names, once", build, None, unit="s CPU"),
        Figure("31.7 k names: near, per document with capitals", _mean(near), 6.0, "at most",
               "ms CPU"),
        Figure("31.7 k names: near, p99", percentile(near, 0.99), None, unit="ms CPU"),
        Figure("31.7 k names: near, per document without capitals", _mean(near_caseless), None,
               unit="ms CPU"),
        Figure("exact: changed names found", recall[EXACT], None, unit="of planted"),
        Figure("near: changed names found, texts with capitals", recall[NEAR], None,
               unit="of planted"),
        Figure("exact: matches in a thousand documents", hits[EXACT], None, unit="matches"),
        Figure("near: matches in a thousand documents", hits[NEAR], None, unit="matches"),
    ]  # fmt: skip
    candidates = {
        name: round(_mean([_scan(one, screened, NEAR).candidates for one in some]), 1)
        for name, some in (("capitals", cased), ("no capitals", caseless))
    }
    details = {
        "names": len(listed),
        "documents": len(plain),
        "words": WORDS,
        "near_candidates_a_document": candidates,
    }
    run.keep("scanning", QUESTION, [_rounded(figure) for figure in figures], details)


def _texts(data: Path, count: int, listed: Sequence[Listed]) -> list[_Text]:
    chance = Random(SEED)
    documents = of_length(2 * count, WORDS, data, seed=SEED, languages=tuple(LANGUAGES))
    kinds = list(KINDS.values())
    names = [each.text for each in listed if len(normalise(each.text).split()) > 1]
    texts = []
    for number, document in enumerate(documents):
        words, planted = document.text.split(), []
        for _ in range(PLANTED if number >= count else 0):
            name = chance.choice(names)
            changed = chance.choice(kinds)(_as_written(name), chance) or _as_written(name)
            place = chance.randrange(len(words))
            words[place:place] = ["—", changed, "—"]
            planted.append((name, changed))
        text = " ".join(words)
        places = tuple((text.index(f"— {changed} —"), name) for name, changed in planted)
        capitals = document.language not in {LANGUAGES[each] for each in WITHOUT_CAPITALS}
        texts.append(_Text(running_text(segment(text)), capitals, places))
    return texts


def _as_written(name: str) -> str:
    """Return a listed name as texts write it, with the family name last."""
    family, _, others = name.partition(", ")
    return f"{others} {family}" if others and "," not in others else name


def _screened(directory: Path, listed: Sequence[Listed]) -> ScreeningList:
    rmtree(directory, ignore_errors=True)
    entries = (
        Entry(
            entry_id=str(number),
            type=EntryType.PERSON if each.person else EntryType.ORGANISATION,
            names=(Name(each.text, kind=NameKind.PRIMARY),),
        )
        for number, each in enumerate(listed)
    )
    write_segment(directory, entries, Identity(name="real", version="1"), INDEX)
    served = open_served(directory)
    if served.matcher is None:
        raise ValueError(f"{directory}: found no names")
    return ScreeningList("real", served.matcher, ListPolicy(), Exclusions((), normalise))


def _scan(text: RunningText, screened: ScreeningList, policy: ScanPolicy) -> Scan:
    asked = ScreeningList("real", screened.matcher, screened.policy, screened.exclusions, policy)
    return scan(text, asked, ())


def _times(
    texts: Sequence[RunningText], screened: ScreeningList, policy: ScanPolicy
) -> list[float]:
    for text in texts:
        _scan(text, screened, policy)
    return [_milliseconds(partial(_scan, text, screened, policy)) for text in texts]


def _of_many(names: Sequence[str], texts: Sequence[RunningText]) -> tuple[float, float]:
    """Return seconds to make the table of many names, and milliseconds to find them in a text."""
    arrays = index_arrays(names)
    made: list[ExactNames] = []
    seconds = _milliseconds(lambda: made.append(ExactNames(arrays))) / 1e3
    (table,) = made
    found = [partial(_found, table, text) for text in texts]
    _ = [_milliseconds(one) for one in found]
    return seconds, _mean([_milliseconds(one) for one in found])


def _found(table: ExactNames, text: RunningText) -> list[Stretch]:
    return list(table.find(text, over=Gap.PARTS))


def _recall(texts: Sequence[_Text], screened: ScreeningList, policy: ScanPolicy) -> float:
    """Return the share of planted names at whose place their entry's name was matched."""
    met = planted = 0
    for each in texts:
        if not each.capitals or not each.planted:
            continue
        found = _scan(each.text, screened, policy)
        hits = [(found.spans[hit.mention], hit.match.name.text) for hit in found.hits]
        planted += len(each.planted)
        met += sum(
            any(normalise(name) == normalise(hit) and abs(span.start - place) < 40
                for span, hit in hits)
            for place, name in each.planted
        )  # fmt: skip
    return met / max(1, planted)


def _hits(texts: Sequence[_Text], screened: ScreeningList, policy: ScanPolicy) -> float:
    return 1_000 * _mean([len(_scan(each.text, screened, policy).hits) for each in texts])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def _milliseconds(doing: Callable[[], object]) -> float:
    started = time.thread_time()
    doing()
    return 1e3 * (time.thread_time() - started)


def _rounded(figure: Figure) -> Figure:
    return Figure(figure.name, float(f"{figure.value:.3g}"), figure.goal, figure.bound, figure.unit)


if __name__ == "__main__":
    main()
