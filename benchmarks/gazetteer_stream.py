"""How many alerts does real text raise: distinct mentions of the model, through the real lists.

    python -m benchmarks.gazetteer_stream [--quick] [--show FILE]

The first lines of each text below --data are read with the shipped model; what it finds, each
distinct pair of text and label once, is screened under the default policy against the lists of
OFAC (SDN and consolidated) and the Security Council, built of their files as `onoma gazetteer
build` does. Whether a hit is right is for people to say: `--show` writes them to a file, the JSON
has numbers alone.
"""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click
import msgspec

from benchmarks.results import Figure, Run, options
from onoma.cli.listed import read_files
from onoma.contracts.entities import Entity
from onoma.contracts.records import Record
from onoma.gazetteer.index import INDEX
from onoma.gazetteer.matching import Decision, Match, Mention
from onoma.gazetteer.policy import ListPolicy
from onoma.gazetteer.readers.columns import Columns
from onoma.gazetteer.segment import Identity, write_segment
from onoma.gazetteer.served import ServedList, open_served
from onoma.pipeline import Versions, process
from onoma.registry import bundle
from onoma.settings import Settings
from onoma.stream.app import pinned_versions

QUESTION = "How many alerts does real text raise against the real lists?"
LISTS = {
    "ofac-sdn": ("ofac", ("raw/ofac_sdn.csv.gz", "raw/ofac_alt.csv.gz", "raw/ofac_add.csv.gz")),
    "ofac-consolidated": (
        "ofac",
        ("raw/ofac_cons_prim.csv.gz", "raw/ofac_cons_alt.csv.gz", "raw/ofac_cons_add.csv.gz"),
    ),
    "un-sc": ("un", ("raw/un_consolidated.xml.gz",)),
}
LINES_OF_A_TEXT = 1_000
LINES_OF_A_DOCUMENT = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A mention that may mean an entry of a list, and how often it stands in the texts."""

    mention: Mention
    times: int
    gazetteer: str
    match: Match


@click.command()
@options
@click.option("--show", type=click.Path(path_type=Path), help="Write the alerts here.")
def main(data: Path, work: Path, quick: bool, show: Path | None) -> None:
    """Measure, print, keep the JSON."""
    run = Run(data, work, quick)
    texts = sorted((data / "text").glob("*/*.txt.gz"))
    documents = [
        document for text in texts for document in documents_of(text, run.size(LINES_OF_A_TEXT, 20))
    ]
    by = pinned_versions(Settings(), bundle.load(bundle.default_directory()))
    found = Counter(mention for document in documents for mention in mentions_of(document, by))
    mentions = list(found)
    started = time.process_time()
    hits = [hit for each in _built(data, work) for hit in _hits(each, mentions, found)]
    seconds = time.process_time() - started
    alerts = [hit for hit in hits if hit.match.decision is Decision.ALERT]
    named = [mention for mention in mentions if ListPolicy().may_mean_any(mention.label)]
    alerted = {hit.mention for hit in alerts}
    figures = [
        Figure("alerts per 1,000 distinct mentions", _per_thousand(len(alerts), mentions)),
        Figure("distinct mentions with an alert, per 1,000", _per_thousand(len(alerted), mentions)),
        Figure("the same per 1,000 people and organisations", _per_thousand(len(alerted), named)),
        Figure(
            "mentions put before people alone, per 1,000",
            _per_thousand(len({hit.mention for hit in hits} - alerted), mentions),
        ),
    ]
    details = {
        "texts": len(texts),
        "documents": len(documents),
        "mentions": found.total(),
        "distinct mentions": dict(Counter(str(mention.label) for mention in mentions)),
        "alerts": len(alerts),
        "reviews": len(hits) - len(alerts),
        "alerts by list": dict(Counter(hit.gazetteer for hit in alerts)),
        "alerts by type of entry": dict(Counter(hit.match.entry.type for hit in alerts)),
        "alerts by path": dict(Counter(str(hit.match.path) for hit in alerts)),
        "alerts by words of the mention": dict(
            Counter(len(hit.match.mention_normalised.split()) for hit in alerts)
        ),
        "alerts of equal names": sum(hit.match.score.score == 100 for hit in alerts),
        "milliseconds of a mention, all lists": round(1e3 * seconds / len(mentions), 3),
    }
    run.keep("gazetteer_stream", QUESTION, figures, details)
    if show:
        ordered = sorted(alerts, key=lambda hit: (-hit.match.score.score, -hit.times))
        show.write_text("".join(_shown(ordered)), encoding="utf-8")


def documents_of(text: Path, count: int) -> Iterator[str]:
    """Yield the first `count` lines of a text, some of them together."""
    with gzip.open(text, "rt", encoding="utf-8") as lines:
        while some := list(islice(lines, min(count, LINES_OF_A_DOCUMENT))):
            count -= len(some)
            yield "".join(some)


def mentions_of(text: str, by: Versions) -> Iterator[Mention]:
    """Yield what the event of a document names."""
    record = Record("texts", 0, 0, b"text", text.encode(), (("content-type", b"text/plain"),))
    for output in process(record, by).outputs:
        for entity in msgspec.json.decode(output.value or b"", type=_Event).entities:
            yield Mention(" ".join(entity.text.split()), entity.label)


class _Event(msgspec.Struct):
    entities: tuple[Entity, ...] = ()


def _built(data: Path, work: Path) -> Iterator[ServedList]:
    for name, (format_name, files) in LISTS.items():
        paths = [data / "watchlist" / file for file in files]
        listed = read_files(paths, format_name, Columns(), "utf-8")
        directory = work / "stream_lists" / name
        write_segment(
            directory, listed.entries, Identity(name=name, version="1"), INDEX, replace=True
        )
        yield open_served(directory)


def _hits(
    served: ServedList, mentions: Sequence[Mention], times: Counter[Mention]
) -> Iterable[Hit]:
    if served.matcher is None:
        return
    for mention, matches in zip(mentions, served.matcher.match(mentions), strict=True):
        for match in matches:
            yield Hit(mention, times[mention], served.version.name, match)


def _per_thousand(count: int, of: Sequence[Mention]) -> float:
    return round(1000 * count / max(1, len(of)), 3)


def _shown(hits: Iterable[Hit]) -> Iterator[str]:
    """Yield what a person needs to judge a hit."""
    for hit in hits:
        match = hit.match
        cells = (
            f"{match.score.score:.1f}",
            str(hit.times),
            str(hit.mention.label),
            hit.mention.text,
            match.name.text,
            match.entry.type,
            hit.gazetteer,
            str(match.path),
        )
        yield "\t".join(cells) + "\n"


if __name__ == "__main__":
    main()
