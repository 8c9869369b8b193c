"""What matching finds, and what it finds too much, on real lists.

    python -m benchmarks.gazetteer_quality [--quick]

- All answers of the full rule over all names of the lists, beside those of the index.
- False alarms: people who are on no list, of whom the match says they are.
- Recall: listed names, changed in twelve ways (perturbations.py), with seeds that no weight was set
  on; the name itself has to be an answer, not another of its entry. Middle names and initials are
  people's; other kinds are tried on all names of two words and eight letters or more.
- name_bench: pairs that people labelled, threshold by five-fold cross-fitting, pooled F1 with a
  bootstrap interval over pairs.

Weights were set on the first half of the unlisted people (every second, from the first), on other
seeds of the perturbations and on the same labelled pairs: their other half is with others.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from benchmarks.name_pool import Listed, listed_names, unlisted_names
from benchmarks.perturbations import KINDS, Kind, two_at_once
from benchmarks.results import Figure, Run, median, options, percentile
from onoma.gazetteer.index import NameIndex, index_arrays
from onoma.gazetteer.normalisation import normalise
from onoma.gazetteer.scoring import score
from onoma.gazetteer.similarity import MOST_JOINED_EDITS, allowed_edits, is_full, sound_keys

QUESTION = "What does matching find on real lists, and what does it find too much?"
THRESHOLD = 80.0
SEEDS = (9_001, 9_002, 9_003)
PER_KIND, WANTED_ANSWERS = 400, 5_000
OF_PEOPLE = ("middle name dropped", "initial")
FEWEST_LETTERS = 8
FOLDS, SHUFFLES, RESAMPLES = 5, 10, 1_000
BRUTE_SEED = 9_100


@click.command()
@options
@click.option("--no-brute-force", is_flag=True, help="Leave out what takes half an hour.")
def main(data: Path, work: Path, quick: bool, no_brute_force: bool) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    listed = listed_names(data)
    index = NameIndex(index_arrays([each.text for each in listed]))
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for part in (_false_alarms(index, data, run), _recalls(index, listed, run), _pairs(data)):
        figures += part[0]
        details |= part[1]
    if not no_brute_force:
        wanted = run.size(WANTED_ANSWERS, 30)
        found, missing, other = against_brute_force(listed, wanted)
        share = 1 - missing / max(1, found)
        figures.insert(0, Figure("answers of the full rule that the index gives", share, 0.999))
        details["brute force"] = {"answers": found, "missing": missing, "other": other}
    run.keep("gazetteer_quality", QUESTION, figures, details)


def _false_alarms(index: NameIndex, data: Path, run: Run) -> tuple[list[Figure], Mapping[str, Any]]:
    names = [normalise(name) for name in unlisted_names(data)][: run.size(10_000, 400)]
    hits = index.search(names, THRESHOLD)
    best = [found[0].score if found else 0.0 for found in hits]

    def share(scores: Sequence[float], threshold: float) -> float:
        return round(100 * sum(one >= threshold for one in scores) / len(scores), 3)

    by_threshold = {f"{at:g}": share(best, at) for at in (80.0, 82.0, 85.0, 90.0)}
    figures = [
        Figure("unlisted people with an answer at 80", share(best, 80.0), 0.3, "at most", "%"),
        Figure("the half that no weight was set on", share(best[1::2], 80.0), unit="%"),
    ]
    return figures, {"false alarms, percent by threshold": by_threshold}


def _recalls(
    index: NameIndex, listed: Sequence[Listed], run: Run
) -> tuple[list[Figure], Mapping[str, Any]]:
    long = [each for each in listed if _is_tried(normalise(each.text))]
    everybody = [each.text for each in long]
    people = [each.text for each in long if each.person]
    by_kind = {}
    for kind, change in {**KINDS, "two at once": two_at_once}.items():
        names = people if kind in OF_PEOPLE else everybody
        shares = [_recall(index, names, change, seed, run) for seed in SEEDS]
        by_kind[kind] = round(sum(shares) / len(shares), 4)
    mean = round(sum(by_kind[kind] for kind in KINDS) / len(KINDS), 4)
    least = min(by_kind[kind] for kind in KINDS if kind != "initial")
    figures = [
        Figure("mean recall of twelve kinds of change at 80", mean, 0.96),
        Figure("least recall of a kind but initials", least, 0.9),
        *(Figure(f"recall: {kind}", share) for kind, share in by_kind.items()),
    ]
    return figures, {"seeds": SEEDS, "names of a kind and seed": run.size(PER_KIND, 30)}


def _is_tried(form: str) -> bool:
    return " " in form and len(form) >= FEWEST_LETTERS


def _recall(index: NameIndex, names: Sequence[str], change: Kind, seed: int, run: Run) -> float:
    chance = Random(seed)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < run.size(PER_KIND, 30):
        name = chance.choice(names)
        changed = normalise(change(name, chance) or "")
        if changed:
            pairs.append((normalise(name), changed))
    found = index.search([changed for _, changed in pairs], THRESHOLD)
    right = [
        any(hit.normalised == name for hit in hits)
        for (name, _), hits in zip(pairs, found, strict=True)
    ]
    return sum(right) / len(right)


Scored = npt.NDArray[np.float64]
"""Shape `(pairs, 2)`: the score, and 1 where the pair is one."""


def _pairs(data: Path) -> tuple[list[Figure], Mapping[str, Any]]:
    with (data / "match/name_bench_dev.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    forms = [(normalise(row["name1"]), normalise(row["name2"])) for row in rows]
    same = [row["is_match"] == "true" for row in rows]
    scored = np.array([[score(*pair).score, one] for pair, one in zip(forms, same, strict=True)])
    f1 = median(_f1(_cross_fitted(scored, seed)) for seed in range(SHUFFLES))
    resampled = [_resampled(scored, seed) for seed in range(RESAMPLES)]
    details = {
        "pairs": len(scored),
        "interval of F1": [round(percentile(resampled, share), 4) for share in (0.025, 0.975)],
        "threshold of all pairs": int(np.argmax(_f1(_counts(scored)))),
    }
    figure = Figure("name_bench: pooled F1, threshold cross-fitted", f1, 0.775)
    return [figure], {"name_bench": details}


def _cross_fitted(scored: Scored, seed: int) -> Scored:
    """Return true and false positives and misses of all folds, at the best of the others."""
    shuffled = np.random.default_rng(seed).permutation(scored)
    folds = np.arange(len(shuffled)) % FOLDS
    counts = np.zeros(3)
    for fold in range(FOLDS):
        best = int(np.argmax(_f1(_counts(shuffled[folds != fold]))))
        counts += _counts(shuffled[folds == fold])[:, best]
    return counts


def _resampled(scored: Scored, seed: int) -> float:
    drawn = np.random.default_rng(seed).integers(0, len(scored), len(scored))
    return float(_f1(_cross_fitted(scored[drawn], seed)))


def _counts(scored: Scored) -> Scored:
    """Return true positives, false positives and misses at each whole threshold from 0 to 100."""
    value, same = scored[:, 0], scored[:, 1] > 0
    reached = value[:, None] >= np.arange(101)
    right = (reached & same[:, None]).sum(axis=0)
    return np.array([right, (reached & ~same[:, None]).sum(axis=0), same.sum() - right], float)


def _f1(counts: Scored) -> Any:
    return 2 * counts[0] / np.maximum(1, 2 * counts[0] + counts[1] + counts[2])


class _Words:
    """The words of a list, to leave out the names that can't align with a mention: those without
    a full token near one of the mention's, or written as two or as one. The rule caps them at 74.
    """

    def __init__(self, names: Sequence[str]) -> None:
        split = [name.split() for name in names]
        neighbours = sorted({pair for each in split for pair in pairwise(each)})
        places = {pair: place for place, pair in enumerate(neighbours)}
        self._names = names
        self._sets = [set(each) for each in split]
        self._pairs = [{places[pair] for pair in pairwise(each)} for each in split]
        self._joined = ["".join(pair) for pair in neighbours]
        self._tokens = sorted(set().union(*self._sets))
        self._by_sound: dict[str, set[str]] = {}
        for token in self._tokens:
            for key, _ in sound_keys(token):
                self._by_sound.setdefault(key, set()).add(token)

    def related(self, mention: str) -> Iterator[str]:
        """Yield the names that may align. Nearer is asked of none than the rule asks."""
        words = mention.split()
        both = ["".join(pair) for pair in pairwise(words)]
        near = self._near(words, self._tokens, _allowed) | self._near(both, self._tokens, _two)
        alike = {self._tokens[place] for place in near}
        for key in {key for word in words for key, _ in sound_keys(word)}:
            alike |= self._by_sound.get(key, set())
        alike = {token for token in alike if is_full(token)}
        joined = self._near(words, self._joined, _two)
        for name, tokens, pairs in zip(self._names, self._sets, self._pairs, strict=True):
            if not alike.isdisjoint(tokens) or not joined.isdisjoint(pairs):
                yield name

    def _near(
        self, words: Sequence[str], others: Sequence[str], edits: Callable[[Any], Any]
    ) -> set[int]:
        if not words:
            return set()
        distances = process.cdist(words, others, scorer=OSA.distance, score_cutoff=3)
        longer = np.maximum(np.array([*map(len, words)])[:, None], [*map(len, others)])
        return set(np.nonzero((distances <= edits(longer)).any(axis=0))[0].tolist())


def _allowed(longer: Any) -> Any:
    return np.array([*map(allowed_edits, range(int(longer.max()) + 1))])[longer]


def _two(longer: Any) -> Any:
    return np.full_like(longer, MOST_JOINED_EDITS)


def against_brute_force(listed: Sequence[Listed], wanted: int) -> tuple[int, int, int]:
    """Return how many answers the rule has over all names, how many of these the index lacks, and
    how many it gives besides or with another score.

    Of the names that can't align only the letters are compared: by the character paths, which have
    a brute force of their own (gazetteer.py).
    """
    forms = sorted({form for each in listed if (form := normalise(each.text))})
    words, index = _Words(forms), NameIndex(index_arrays(forms))
    chance = Random(BRUTE_SEED)
    kinds = [*KINDS.values(), two_at_once]
    found = missing = other = 0
    while found < wanted:
        mention = normalise(chance.choice(kinds)(chance.choice(listed).text, chance) or "")
        if not mention:
            continue
        scored = {name: score(mention, name).score for name in words.related(mention)}
        brute = {name: one for name, one in scored.items() if one >= THRESHOLD}
        hits = {hit.normalised: hit.score for hit in index.search([mention], THRESHOLD)[0]}
        found += len(brute)
        missing += len(brute.keys() - hits.keys())
        other += sum(scored.get(name, one) != one for name, one in hits.items())
    return found, missing, other


if __name__ == "__main__":
    main()
