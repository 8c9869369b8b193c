"""`python -m tests.faults.run [KIND ...] [--seed N]`: plays runs on a real Kafka and records them.

Without kinds all of them are played once, each with a seed that has no record yet. The logs of a
run that broke a promise stay in `build/faults/KIND-SEED`.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path

from onoma.stream.chaos.report import Report
from tests.faults import results
from tests.faults.clock import NoFakedClockError
from tests.faults.disk import NoSmallDiskError
from tests.faults.kinds import KINDS
from tests.faults.play import play
from tests.kafka.classpath import prepare

LOGS = Path(__file__).parents[2] / "build" / "faults"
LONG_OUTAGE_SECONDS = 600.0


def main() -> int:
    """Play what was asked for; 1 if a promise was broken."""
    options = _options()
    # A terminated run tears its stage down too: no broker and no worker outlives it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    prepare()
    kinds: list[str] = options.kinds or [kind for kind in KINDS if kind != "short"]
    # Every run is played, whatever came of the ones before.
    kept = [_played(kind, options) for kind in kinds for _ in range(options.runs)]
    return 0 if all(kept) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, help="of every run; else one without a record")
    parser.add_argument("--runs", type=int, default=1, help="how many of each kind")
    parser.add_argument(
        "--outage-seconds", type=float, default=LONG_OUTAGE_SECONDS, help="of the kind `outage`"
    )
    parser.add_argument("--keep-logs", action="store_true", help="of faultless runs too")
    parser.add_argument("--count", type=int, default=0, help="of faults; else as many as it has")
    options = parser.parse_args()
    if unknown := set(options.kinds) - KINDS.keys():
        parser.error(f"found {', '.join(sorted(unknown))}, wanted some of {', '.join(KINDS)}")
    return options


def _played(kind: str, options: argparse.Namespace) -> bool:
    """Play one run and record it; say whether every promise was kept."""
    seed: int = results.next_seed(kind) if options.seed is None else options.seed
    directory = LOGS / f"{kind}-{seed}"
    shutil.rmtree(directory, ignore_errors=True)
    try:
        report = play(
            kind,
            seed,
            directory,
            outage_seconds=options.outage_seconds,
            count=options.count,
        )
    except (NoFakedClockError, NoSmallDiskError) as error:
        print(f"{kind} {seed}: not played: {error}", flush=True)
        return True
    results.write(report)
    print(told(report), flush=True)
    kept = report.account.faultless and bool(report.notes.get("proof", True))
    kept = kept and not report.notes.get("wrong_versions", 0)
    if kept and not options.keep_logs:
        shutil.rmtree(directory)
    if report.notes.get("stopped_early"):
        sys.exit(not kept)
    return kept


def told(report: Report) -> str:
    """Return the run in a line."""
    account, found = report.account, report.figures
    return (
        f"{report.kind} {report.seed}: {sum(report.tried.values())} faults, "
        f"{account.documents} documents, {account.lost} lost, {account.twice} twice, "
        f"{account.repeated} repeated, {account.out_of_order} out of order, "
        f"{account.misplaced} misplaced, {account.wrong_offsets} wrong offsets, "
        f"stall {found.longest_stall_seconds} s, recovery {found.median_recovery_seconds} s, "
        f"{report.seconds:.0f} s, {report.notes}"
    )


if __name__ == "__main__":
    sys.exit(main())
