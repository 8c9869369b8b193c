"""`onoma gazetteer search`, `explain` and `bench`: what a list answers, why, and how fast."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from onoma.cli import json_option
from onoma.cli.terminal import console, printable
from onoma.errors import GazetteerError, WrongUseError
from onoma.gazetteer.chain import Chain, open_chain
from onoma.gazetteer.index import LEAST_THRESHOLD
from onoma.gazetteer.matching import Decision, ListMatcher, Match, Mention, Reason
from onoma.gazetteer.policy import ListPolicy, Thresholds

_REASONS = {
    Reason.BELOW_REVIEW: "the score is below the threshold for review, {review:g}",
    Reason.BELOW_ALERT: "the score is below the threshold for alerts, {alert:g}",
    Reason.OTHER_TYPE: "the label can't mean an entry of this type",
    Reason.SINGLE_TOKEN: "a single word is put before people, for entries of this type",
    Reason.UNEQUAL_SINGLE_TOKEN: "a single word has to be equal",
    Reason.WEAK_ALIAS: "the list marks this name as weak, which never alerts alone",
}
_CAPS = {
    "no_full_token": "only titles, legal forms or single letters met",
    "one_full_token": "one word met, where a name has two or more",
    "sound_of_one_token": "the only word is alike by its consonants alone",
    "sound": "of two words, one is alike by its consonants alone",
    "initials": "one telling word met, and single letters stand for all the others",
    "common_tokens": "the two words that met are shared by many, and the rest is missing or unlike",
}

gazetteer_option = click.option(
    "--gazetteer",
    "directory",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory of the list, as `onoma gazetteer build` wrote it.",
)
label_option = click.option("--label", help="The label that the model gave, such as PER.")
threshold_option = click.option(
    "--threshold",
    type=click.FloatRange(LEAST_THRESHOLD, 100.0),
    default=Thresholds().review,
    show_default=True,
    help="The score, to 100, from which a name is a match.",
)


@click.command("search")
@click.argument("name")
@gazetteer_option
@threshold_option
@label_option
@json_option
def search_command(
    name: str, directory: Path, threshold: float, label: str | None, as_json: bool
) -> None:
    """Print the entries that NAME may mean, best first.

    With --json one line for each: `entry_id`, `name`, `score` and why; nothing where none matches.
    """
    matcher = ListMatcher(open_chain(directory))
    policy = ListPolicy(default=_thresholds(threshold))
    matches = matcher.match([Mention(name, label)], policy)[0]
    if as_json:
        for match in matches:
            click.echo(msgspec.json.encode(_described(match)).decode())
        return
    if not matches:
        click.echo(f"no match at {threshold:g} or above; `onoma gazetteer explain` says why not")
        return
    console().print(_table(matches))


def _thresholds(review: float) -> Thresholds:
    return Thresholds(review, max(review, Thresholds().alert))


def _table(matches: Sequence[Match]) -> Table:
    table = Table()
    for heading in ("score", "entry", "name", "type", "found by", "decision"):
        table.add_column(heading, overflow="fold")
    for match in matches:
        cells = (
            f"{match.score.score:.1f}",
            match.entry.entry_id,
            match.name.text,
            match.entry.type,
            match.path,
            match.decision,
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _described(match: Match) -> dict[str, Any]:
    """Return a match as a flat record; scores have one decimal."""
    alignment = match.score.alignment
    return {
        "entry_id": match.entry.entry_id,
        "name": match.name.text,
        "score": round(match.score.score, 1),
        "decision": match.decision,
        "reasons": match.reasons,
        "type": match.entry.type,
        "quality": match.name.quality,
        "path": match.path,
        "mention_normalised": match.mention_normalised,
        "name_normalised": match.name_normalised,
        "sorted_ratio": round(match.score.sorted_ratio, 1),
        "joined_ratio": round(match.score.joined_ratio, 1),
        "alignment": round(alignment.score, 1),
        "uncapped": round(alignment.uncapped, 1),
        "pairs": [pair._asdict() for pair in alignment.pairs],
        "unpaired_in_mention": alignment.unpaired_in_mention,
        "unpaired_in_entry": alignment.unpaired_in_entry,
        "caps": alignment.caps,
        "thresholds": match.thresholds,
        "rule": match.rule,
    }


@click.command("explain")
@click.argument("name")
@click.argument("entry_id")
@gazetteer_option
@threshold_option
@label_option
@json_option
def explain_command(
    name: str, entry_id: str, directory: Path, threshold: float, label: str | None, as_json: bool
) -> None:
    """Say why NAME means the entry ENTRY_ID, or why not.

    Which words met and how they are alike, what was missing, and which caps it met.
    """
    chain = open_chain(directory)
    policy = ListPolicy(default=_thresholds(threshold))
    match = ListMatcher(chain).explain(Mention(name, label), entry_id, policy)
    if match is None:
        raise GazetteerError(
            f"found no entry {entry_id!r} in {chain.newest.manifest.name} "
            f"{chain.newest.manifest.version}; ids are taken as the list writes them"
        )
    if as_json:
        click.echo(msgspec.json.encode(_described(match)).decode())
        return
    for line in _told(match):
        click.echo(printable(line))


def _told(match: Match) -> Iterator[str]:
    said, alignment = match.score, match.score.alignment
    yield f"{_verdict(match)}: {match.score.score:.1f}, found by {match.path}"
    yield f"entry {match.entry.entry_id}, {match.entry.type}: {match.name.text}"
    yield f"compared: {match.mention_normalised} | {match.name_normalised}"
    yield f"letters: {said.sorted_ratio:.1f} in order of words, {said.joined_ratio:.1f} in one"
    yield f"words: {alignment.score:.1f}"
    for pair in alignment.pairs:
        yield (
            f"  {pair.mention} | {pair.entry}: {pair.kind}, alike {pair.similarity:.2f}, "
            f"weight {pair.weight:.2f}"
        )
    for whose, left in (
        ("mention", alignment.unpaired_in_mention),
        ("entry", alignment.unpaired_in_entry),
    ):
        if left:
            yield f"  only in the {whose}: {' '.join(left)}"
    for cap in alignment.caps:
        yield f"  held down from {alignment.uncapped:.1f}: {_CAPS[cap]}"
    bounds = {"review": match.thresholds.review, "alert": match.thresholds.alert}
    for reason in match.reasons:
        yield f"not more, because {_REASONS[reason].format_map(bounds)}"
    yield f"rule {match.rule}"


def _verdict(match: Match) -> str:
    return {
        Decision.ALERT: "match, alert",
        Decision.REVIEW: "match, for review",
        Decision.NONE: "no match",
    }[match.decision]


@click.command("bench")
@gazetteer_option
@click.option("--mentions", "count", type=click.IntRange(1), default=500, show_default=True)
@threshold_option
@click.option("--seed", default=1, show_default=True, help="Chooses the names and their changes.")
@json_option
def bench_command(directory: Path, count: int, threshold: float, seed: int, as_json: bool) -> None:
    """Measure how long the list takes for a mention.

    Mentions are its own names, each with a letter changed.
    """
    matcher = ListMatcher(open_chain(directory))
    chain = open_chain(directory)
    mentions = _changed_names(chain, count, Random(seed))  # noqa: S311 (a benchmark's)
    policy = ListPolicy(default=_thresholds(threshold))
    alone = []
    for mention in mentions:
        started = time.thread_time()
        matcher.match([mention], policy)
        alone.append(1e3 * (time.thread_time() - started))
    started = time.thread_time()
    found = matcher.match(mentions, policy)
    said = {
        "names": sum(len(segment.name_rows) for segment in chain.segments),
        "mentions": count,
        "matched": sum(map(bool, found)),
        "milliseconds": round(sum(alone) / count, 4),
        "milliseconds_p99": round(sorted(alone)[int(0.99 * (count - 1))], 4),
        "milliseconds_in_one_batch": round(1e3 * (time.thread_time() - started) / count, 4),
    }
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
        return
    click.echo(
        "{names:,} names, {mentions:,} mentions, {matched:,} with a match; processor time for one: "
        "{milliseconds} ms (99 of 100 below {milliseconds_p99}), {milliseconds_in_one_batch} ms "
        "when all are asked at once".format_map(said)
    )


def _changed_names(chain: Chain, count: int, chance: Random) -> list[Mention]:
    sizes = [len(segment.name_rows) for segment in chain.segments]
    if not sum(sizes):
        raise WrongUseError("found a list without names; there is nothing to measure")
    mentions = []
    for _ in range(count):
        segment = chance.choices(chain.segments, sizes)[0]
        text = segment.name(chance.randrange(len(segment.name_rows))).text
        place = chance.randrange(len(text))
        mentions.append(Mention(text[:place] + chance.choice("aeinrst") + text[place + 1 :]))
    return mentions
