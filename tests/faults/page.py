"""Writes docs/reliability.md from the records of fault runs.

    python -m tests.faults.page [--check]

The page says what the records say: nothing is played here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

from tests.faults import membership
from tests.faults.kinds import KINDS
from tests.faults.results import Record, read
from tests.faults.stalls import RECORD

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
NOTE = "<!-- Made by tests/faults/page.py from tests/faults/results; run `make faults`, then `make docs`. -->"  # noqa: E501
HEAD = """# Reliability

{note}

What faults cost, tried on a real Apache Kafka with real workers: time, and nothing else.

Exactly once means within Kafka, for readers at `read_committed`; others deduplicate by `event_id`.
In the mode `at_least_once` nothing is lost, and what comes again comes with the same `event_id`.

## How it is proven

- A run is drawn from its seed: which fault, when, whom it hits. The command beside it plays it again.
- Documents are published all through the run, through another client than the worker's, and faults are spaced wider than the session time of the group (6 s here): a faster cadence only freezes the group, and nothing would be in progress.
- Afterwards an independent reader at `read_committed` accounts for **every input offset**: exactly one event or dead letter, in the order of its partition, on the partition of its number, and the committed offset right behind the last one.
- Workers that die at a point of their work are told so by `faults.die_at`. A run of such deaths counts only if the log holds records of aborted transactions, so that deaths inside of transactions did happen.
- A worker that ends is started again, as an orchestrator does. *Workers failed* counts those that ended by themselves: a topic that refuses every event stops them on purpose, a broker that goes and comes back does not.
- *Stall* is the longest time in which no outcome at all was written, *recovery* the time until every partition had moved again: from the fault on, or from its end where nothing can move meanwhile (broker, disk and half-open faults, topics that refuse). Times are the broker's. They were taken on two cores that other work kept busy too (`load_average` in each record), so they are no figures of speed.
"""  # noqa: E501
SHORT = "short"


def main() -> int:
    """Write the page, or compare it; return the exit code."""
    text = page(read(), stalls(), membership.read())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"docs/{PAGE.name} is not what the records say; run `make docs`", file=sys.stderr)
    return 1


def stalls() -> Record | None:
    """Return the record of workers that hung, if there is one."""
    found: Record | None = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else None
    return found


def page(
    records: Sequence[Record], hung: Record | None = None, members: Record | None = None
) -> str:
    """Return the page."""
    shown = [record for record in records if record["kind"] in KINDS and record["kind"] != SHORT]
    lines = [HEAD.format(note=NOTE)]
    for delivery in ("exactly_once", "at_least_once"):
        of_mode = [record for record in shown if record["delivery"] == delivery]
        lines += [f"## {delivery}", "", *_table(of_mode), ""] if of_mode else []
    lines += _hung(hung) if hung else []
    lines += _members(members) if members else []
    lines += [*_soaked([record for record in shown if "watched" in record["notes"]])]
    lines += ["## Faults", "", *_faults(shown), "", "## Runs that broke a promise", ""]
    lines += [*_broken(shown), "", "## Versions", "", *_versions(shown)]
    return "\n".join(lines) + "\n"


def _table(records: Sequence[Record]) -> Iterator[str]:
    yield (
        "| kind | runs | faults | documents | lost | twice | again, same id | out of order "
        "| workers failed | longest stall | recovery: median, longest | seconds | one of its runs |"
    )
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|---|"
    for kind in KINDS:
        if found := [record for record in records if record["kind"] == kind]:
            yield _row(kind, found)
    yield _row("", records)


def _row(kind: str, records: Sequence[Record]) -> str:
    what = f"**{kind}**: {KINDS[kind].what}" if kind else "**all**"
    faults = sum(sum(record["tried"].values()) for record in records)
    counts = [
        f"{sum(record['account'][name] for record in records):,}"
        for name in ("documents", "lost", "twice", "repeated", "out_of_order")
    ]
    stall = max(record["figures"]["longest_stall_seconds"] for record in records)
    seconds = sum(record["seconds"] for record in records)
    command = f"`{records[-1]['command']}`" if kind else ""
    failed = sum(map(_failed, records))
    cells = [what, f"{len(records)}", f"{faults:,}", *counts, f"{failed}", f"{stall:.1f} s"]
    return f"| {' | '.join([*cells, _recovery(records), f'{seconds:,.0f}', command])} |"


def _failed(record: Record) -> int:
    """Return how many workers ended by themselves; SIGTERM can come before they listen to it."""
    codes: dict[str, int] = record["notes"].get("workers_failed", {})
    return sum(count for code, count in codes.items() if code != "-15")


def _recovery(records: Iterable[Record]) -> str:
    figures = [record["figures"] for record in records]
    medians = [f["median_recovery_seconds"] for f in figures if f["median_recovery_seconds"]]
    longest = [f["longest_recovery_seconds"] for f in figures if f["longest_recovery_seconds"]]
    return f"{median(medians):.1f} s, {max(longest):.1f} s" if medians and longest else ""


def _hung(record: Record) -> Iterator[str]:
    """Yield how soon workers ended that hung."""
    yield from ["## Workers that hang", ""]
    yield f"A worker that hangs ends itself with exit code 75 (`{record['command']}`)."
    yield (
        f"Each row is a real worker that really hung, among {record['documents']} documents; its "
        "successor went on, and every document came out once."
    )
    yield from [
        "",
        "| what hangs | stage | deadline | ended after | beyond |",
        "|---|---|--:|--:|--:|",
    ]
    for kind in record["kinds"]:
        deadline, seconds = kind["deadline_seconds"], kind["seconds"]
        knob = f"{deadline} s (`{kind['knob']}`)"
        beyond = seconds - deadline
        yield f"| {kind['what']} | {kind['stage']} | {knob} | {seconds} s | {beyond:.1f} s |"
    yield ""


def _members(record: Record) -> Iterator[str]:
    """Yield what it costs that members come back, and that they come and go."""
    restarted, scaled = record["restarted"], record["scaled"]
    seconds = [each["seconds"] for each in restarted["restarts"]]
    yield from ["## Members that come and go", "", f"`{record['command']}`; documents flow."]
    yield (
        f"A worker with a static id was killed and started again {len(seconds)} times within its "
        f"session time ({restarted['session_seconds']} s)."
    )
    yield (
        f"Its partitions were back {min(seconds):.1f} to {max(seconds):.1f} s after the kill, at "
        f"most {restarted['longest_joining_seconds']:.1f} s after its model was loaded and it went "
        f"to join; the other worker took part in {restarted['rebalances_of_the_other']} rebalances."
    )
    yield f"The load average was {record['load_average']} on two cores."
    yield from [
        "",
        "| workers | membership | documents | lost | twice | longest stall | a partition rested |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for workers, each in [("2, one killed", {"membership": "static", **restarted})] + [
        ("1, 3, 1", each) for each in scaled
    ]:
        cells = (
            workers,
            each["membership"],
            f"{each['documents']:,}",
            f"{each['lost']}",
            f"{each['twice']}",
            f"{each['longest_stall_seconds']:.1f} s",
            f"{each['longest_rest_of_a_partition_seconds']:.1f} s",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _soaked(records: Sequence[Record]) -> Iterator[str]:
    """Yield how the worker went on that no fault ended, piece by piece."""
    if not records:
        return
    minutes = sum(record["seconds"] for record in records) / 60
    yield from ["## Soak", "", f"{minutes:.0f} minutes at full rate in {len(records)} pieces."]
    yield "Memory and handles are those of a worker that no fault ends, after two minutes of work:"
    yield "the middle of the first and of the last third, and the slope between."
    yield ""
    yield "| piece | minutes | documents a second | faults | memory, MB | MB an hour | handles |"
    yield "|--:|--:|--:|--:|---|--:|---|"
    for record in records:
        watched, seconds = record["notes"]["watched"], record["seconds"]
        memory = "{} to {}".format(*watched["memory_mb_first_last"])
        handles = "{:g} to {:g}".format(*watched["handles_first_last"])
        cells = (
            f"{record['seed']}",
            f"{seconds / 60:.1f}",
            f"{record['account']['documents'] / seconds:,.0f}",
            f"{sum(record['tried'].values())}",
            memory,
            f"{watched['memory_mb_per_hour']:.1f}",
            handles,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _faults(records: Iterable[Record]) -> Iterator[str]:
    """Yield how often each fault was tried, in both modes."""
    tried: dict[str, Counter[str]] = {}
    for record in records:
        for fault, count in record["tried"].items():
            tried.setdefault(fault, Counter())[record["delivery"]] += count
    yield "| fault | exactly_once | at_least_once |"
    yield "|---|--:|--:|"
    for fault, counts in sorted(tried.items()):
        yield f"| {fault} | {counts['exactly_once']} | {counts['at_least_once']} |"


def _broken(records: Iterable[Record]) -> list[str]:
    """Return the runs that broke a promise, and those that prove nothing."""
    lines = [f"- `{r['command']}`: {r['account']}" for r in records if not r["faultless"]]
    lines += [
        f"- `{r['command']}`: no aborted record, so no proof"
        for r in records
        if not r["notes"].get("proof", True)
    ]
    lines += [
        f"- `{r['command']}`: {r['notes']['wrong_versions']} events of another version than named"
        for r in records
        if r["notes"].get("wrong_versions", 0)
    ]
    return lines or ["None."]


def _versions(records: Iterable[Record]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for record in records:
        seen[", ".join(f"{name} {value}" for name, value in record["versions"].items())] += 1
    for told, count in sorted(seen.items()):
        yield f"- {told}: {count} runs"


if __name__ == "__main__":
    sys.exit(main())
