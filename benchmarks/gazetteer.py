"""How fast a million names are searched, and whether anything is missed by it.

    python -m benchmarks.gazetteer [--quick]

The names are those of real lists and recombinations of them (name_pool.py). Mentions are half
listed names, each changed in one of twelve ways (perturbations.py), half people who are on no list.
Times are processor time of one thread; the first pass finds every token for the first time, the
second has seen them all. Those of a document, here sixteen, are asked for together, as the worker
does. What a stream costs lies between: some tokens are new, most are not. So the mentions that the
shipped model finds in real documents are searched for as well, document after document, by a
process that has seen none. Each pass is made by five processes that have seen nothing before, and
the best time of a mention counts: what else runs on the machine only adds. What brute force says is
taken from rapidfuzz.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
from rapidfuzz import fuzz, process

from benchmarks.gazetteer_stream import documents_of, mentions_of
from benchmarks.name_pool import LISTS, MORE, distinct, listed_names, pool, unlisted_names
from benchmarks.perturbations import KINDS
from benchmarks.results import Figure, Run, median, options, percentile
from onoma.gazetteer.characters import Characters
from onoma.gazetteer.index import NameIndex, index_arrays
from onoma.gazetteer.normalisation import joined_key, normalise, sorted_key
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.texts import Texts
from onoma.registry import bundle
from onoma.settings import Settings
from onoma.stream.app import pinned_versions

QUESTION = "How fast are a million names searched, and is any missed?"
NAMES, MENTIONS, SMALL = 1_000_000, 500, 31_750
CUTS = (80.0, 85.0, 90.0)
THRESHOLD = 80.0
BATCH, DOCUMENT, NAMES_AT_ONCE = 128, 16, 100_000
LINES_OF_A_TEXT = 300
ROUNDS = 5
SEED = 20_311


@click.command()
@options
@click.option("--fresh", type=click.Path(path_type=Path), hidden=True)
@click.option("--asked", type=str, hidden=True)
def main(data: Path, work: Path, quick: bool, fresh: Path | None, asked: str) -> None:
    """Measure, print, keep the JSON."""
    if fresh is not None:
        click.echo(json.dumps(_fresh(fresh, asked)))
        return
    run = Run(data, work, quick)
    chance = Random(SEED)
    unlisted = unlisted_names(data)
    names = pool(data, run.size(NAMES, 20_000))
    mentions = _mentions(names, unlisted, run.size(MENTIONS, 40), chance)
    small_names = distinct([each.text for each in listed_names(data, *LISTS, MORE)], SMALL)
    small = index_arrays(small_names)
    documents = _real_documents(run)
    small_mentions = _mentions(small_names, unlisted, run.size(MENTIONS, 40), chance)
    few = _times(small, small_names, small_mentions, documents, run)
    started = time.thread_time()
    arrays = index_arrays(names)
    build_seconds = time.thread_time() - started
    many = _times(arrays, names, mentions, documents, run)
    brute = _Brute(names, arrays, mentions)
    differing, answers = brute.differing()
    ratios = brute.speeds(run.size(8, 4))
    figures = [
        Figure("character paths: answers that differ from brute force", sum(differing.values()), 0,
               "at most", "answers"),
        Figure("1 M names: per mention", many["alone_first"], 1.5, "at most", "ms CPU"),
        Figure("1 M names: per mention, tokens seen before", many["alone_second"], 1.5, "at most",
               "ms CPU"),
        Figure("1 M names: p99", many["p99_alone_first"], 5.0, "at most", "ms CPU"),
        Figure("1 M names: p99, tokens seen before", many["p99_alone_second"], 5.0, "at most",
               "ms CPU"),
        Figure("1 M names: per mention of a document", many["together_first"], 1.5, "at most",
               "ms CPU"),
        Figure("1 M names: per mention of a document, tokens seen before",
               many["together_second"], 1.5, "at most", "ms CPU"),
        Figure("1 M names: per mention of real documents", many["real_first"], 1.5, "at most",
               "ms CPU"),
        Figure("1 M names: p99 of real documents", many["p99_real_first"], 5.0, "at most",
               "ms CPU"),
        Figure("1 M names: build", round(build_seconds, 2), 20.0, "at most", "s CPU"),
        Figure("1 M names: memory over the names", many["memory"], 500, "at most", "MB"),
        Figure("31.7 k names: per mention", few["alone_first"], 0.2, "at most", "ms CPU"),
        Figure("31.7 k names: per mention, tokens seen before", few["alone_second"], 0.2, "at most",
               "ms CPU"),
        Figure("31.7 k names: per mention of a document", few["together_first"], 0.2, "at most",
               "ms CPU"),
        Figure("31.7 k names: per mention of a document, tokens seen before",
               few["together_second"], 0.2, "at most", "ms CPU"),
        Figure("31.7 k names: per mention of real documents", few["real_first"], 0.2, "at most",
               "ms CPU"),
        Figure("process.extract / both character paths, cut 85", ratios["extract"], 100),
        Figure("cdist in batches / both character paths in batches, cut 85", ratios["cdist"], 5),
    ]  # fmt: skip
    tokens = {token for name in names for token in normalise(name).split()}
    details = {
        "names": len(names),
        "mean_length": round(sum(map(len, map(normalise, names))) / len(names), 1),
        "distinct_tokens": len(tokens),
        "answers_by_cut": answers,
        "differing_by_cut": differing,
        "milliseconds": {"1 M": many, "31.7 k": few, **ratios["milliseconds"]},
    }
    run.keep("gazetteer", QUESTION, figures, details)


def _mentions(
    names: Sequence[str], unlisted: Sequence[str], count: int, chance: Random
) -> list[str]:
    found: list[str] = []
    kinds = list(KINDS.values())
    while len(found) < count:
        text = chance.choice(unlisted)
        if len(found) % 2:
            text = chance.choice(kinds)(chance.choice(names), chance) or ""
        if form := normalise(text):
            found.append(form)
    return found


def _real_documents(run: Run) -> list[list[str]]:
    """Return for each document of real texts the distinct names that the shipped model finds and
    that may mean an entry. Documents are in a chance order, as several topics bring them.
    """
    by = pinned_versions(Settings(), bundle.load(bundle.default_directory()))
    rules, found = ListPolicy(), []
    for text in sorted((run.data / "text").glob("*/*.txt.gz")):
        for document in documents_of(text, run.size(LINES_OF_A_TEXT, 20)):
            mentions = [m for m in mentions_of(document, by) if rules.may_mean_any(m.label)]
            forms = dict.fromkeys(normalise(mention.text) for mention in mentions)
            found.append([form for form in forms if form])
    Random(SEED).shuffle(found)
    return [forms for forms in found if forms]


def _times(
    arrays: Any,
    names: Sequence[str],
    mentions: Sequence[str],
    documents: Sequence[Sequence[str]],
    run: Run,
) -> dict[str, float]:
    """Return milliseconds for a mention, for the first and second time: alone, with others, and in
    real documents.
    """
    directory = run.work / "gazetteer"
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(directory / f"{name}.npy", array)
    asked: dict[str, list[Any]] = {
        "alone": [[mention] for mention in mentions],
        "together": [
            list(mentions[start : start + DOCUMENT]) for start in range(0, len(mentions), DOCUMENT)
        ],
        "real": list(documents),
    }
    for kind, groups in asked.items():
        content = json.dumps({"listed": normalise(names[0]), "groups": groups})
        (directory / f"{kind}.json").write_text(content, encoding="utf-8")
    passes = [
        {kind: _elsewhere(directory, kind, run) for kind in asked}
        for _ in range(run.size(ROUNDS, 1))
    ]
    found = {"memory": median([each["together"]["memory"] for each in passes])}
    for kind, groups in asked.items():
        sizes = np.array(list(map(len, groups)))
        for time_of in ("first", "second"):
            best = np.min([each[kind][time_of] for each in passes], axis=0)
            found[f"{kind}_{time_of}"] = round(float(best.sum() / sizes.sum()), 4)
            of_each = np.repeat(best / sizes, sizes).tolist()
            found[f"p99_{kind}_{time_of}"] = round(percentile(of_each, 0.99), 4)
    return found


def _elsewhere(directory: Path, kind: str, run: Run) -> Any:
    """Return what `_fresh` finds in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gazetteer", "--fresh", str(directory)]
    command += ["--asked", kind, "--data", str(run.data)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def _fresh(directory: Path, kind: str) -> dict[str, Any]:
    """Return the milliseconds of each search for a group of mentions, and the megabytes of it."""
    asked = json.loads((directory / f"{kind}.json").read_text(encoding="utf-8"))
    before = _resident_megabytes()
    arrays = {path.stem: np.load(path) for path in sorted(directory.glob("*.npy"))}
    index = NameIndex(arrays)
    # A name of the list, so that what its answer needs is loaded, too.
    index.search([asked["listed"]], THRESHOLD)
    searches = [partial(index.search, group, THRESHOLD) for group in asked["groups"]]
    found: dict[str, Any] = {
        "first": [_milliseconds(search) for search in searches],
        "second": [_milliseconds(search) for search in searches],
    }
    texts = Texts(arrays["letters"], arrays["offsets"])
    forms = [texts[number] for number in range(0, len(texts), max(1, len(texts) // MENTIONS))]
    index.search([form[:-1] + "a" for form in forms], THRESHOLD)
    return {**found, "memory": round(_resident_megabytes() - before, 1)}


def _milliseconds(doing: Callable[[], object]) -> float:
    started = time.thread_time()
    doing()
    return 1e3 * (time.thread_time() - started)


class _Brute:
    """The same questions, answered by comparing every name."""

    def __init__(self, names: Sequence[str], arrays: Any, mentions: Sequence[str]) -> None:
        self._texts = Texts(arrays["letters"], arrays["offsets"])
        self._forms = self._texts.all()
        self._sorted = [sorted_key(form) for form in self._forms]
        self._joined = [joined_key(form) for form in self._forms]
        prefix = "characters."
        own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        self._characters = Characters(self._texts, own)
        self._mentions = mentions

    def differing(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return by cut how many answers differ, and how many there are."""
        brute = list(self._answers(min(CUTS)))
        differing, answers = {}, {}
        for cut in CUTS:
            found = self._characters.search(self._mentions, cut)
            ours = set(
                zip(
                    found.mentions.tolist(),
                    found.names.tolist(),
                    found.ratios.tolist(),
                    strict=True,
                )
            )
            theirs = {answer for answer in brute if answer[2] >= cut}
            differing[f"{cut:g}"] = len(ours ^ theirs)
            answers[f"{cut:g}"] = len(theirs)
        return differing, answers

    def _answers(self, cut: float) -> Iterator[tuple[int, int, float]]:
        for start in range(0, len(self._forms), NAMES_AT_ONCE):
            part = slice(start, start + NAMES_AT_ONCE)
            ratios = np.maximum(
                self._cdist(sorted_key, self._sorted[part], cut, self._mentions),
                self._cdist(joined_key, self._joined[part], cut, self._mentions),
            )
            for mention, name in zip(*np.nonzero(ratios >= cut), strict=True):
                yield int(mention), start + int(name), float(ratios[mention, name])

    def _cdist(
        self, key: Callable[[str], str], keys: Sequence[str], cut: float, mentions: Sequence[str]
    ) -> Any:
        return process.cdist(
            [key(m) for m in mentions], keys, scorer=fuzz.ratio, score_cutoff=cut, dtype=np.float64
        )

    def speeds(self, rounds: int) -> dict[str, Any]:
        """Return how much longer brute force takes at cut 85, rounds interleaved, medians."""
        cut = 85.0
        batch = self._mentions[:BATCH]
        extract, ours_alone, cdist, ours = [], [], [], []
        for number in range(rounds):
            mention = self._mentions[number * 7 % len(self._mentions)]
            extract.append(_milliseconds(partial(self._extract, mention, cut)))
            alone = _milliseconds(
                lambda: [self._characters.search([m], cut) for m in self._mentions]
            )
            ours_alone.append(alone / len(self._mentions))
            ours.append(_milliseconds(lambda: self._characters.search(batch, cut)) / len(batch))
            if number % 4 == 0:
                cdist.append(self._cdist_milliseconds(batch, cut) / len(batch))
        return {
            "extract": round(median(extract) / median(ours_alone), 1),
            "cdist": round(median(cdist) / median(ours), 1),
            "milliseconds": {
                "process.extract, both keys": median(extract),
                "cdist in batches, both keys": median(cdist),
                "character paths alone": median(ours_alone),
                "character paths in batches": median(ours),
            },
        }

    def _extract(self, mention: str, cut: float) -> None:
        for key, keys in ((sorted_key, self._sorted), (joined_key, self._joined)):
            process.extract(key(mention), keys, scorer=fuzz.ratio, score_cutoff=cut, limit=None)

    def _cdist_milliseconds(self, batch: Sequence[str], cut: float) -> float:
        def both() -> None:
            for key, keys in ((sorted_key, self._sorted), (joined_key, self._joined)):
                process.cdist(
                    [key(m) for m in batch], keys, scorer=fuzz.ratio, score_cutoff=cut, workers=1
                )

        return _milliseconds(both)


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
