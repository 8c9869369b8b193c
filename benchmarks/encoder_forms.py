"""In which integer form a transformer is served: speed, bits and error of each, and of its windows.

    python -m benchmarks.encoder_forms S M L

Needs the training environment; a model that is not in the work directory is made by
`benchmarks.encoders`. Each form is timed in calls of one window, and in groups of windows of equal
length up to 512 tokens a call, both without padding or mask; rounds are interleaved, medians are
quoted, CPU time of one thread. Weights are random: errors put the forms in an order, they are no
accuracy, and what windows do to quality can't be seen here at all.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import onnx
import torch

from benchmarks import encoder_graphs as graphs
from benchmarks.encoder_texts import Texts, texts_of
from benchmarks.encoders import SIZES, make
from benchmarks.results import BASELINE, Figure, Run, median, options
from onoma.ner.subwords import Tokens
from onoma.ner.token_classification import Graph
from onoma.training.encoder import Checkpoint, load_tagger, open_checkpoint
from onoma.training.encoder_export import Tagger, export

NAME = "encoder_forms"
QUESTION = "Which integer form and which windows do transformers get?"
CHOSEN = "dynamic"
GROUP_TOKENS = 512
TIMED_TOKENS = {"S": 6_000, "M": 3_000, "L": 1_200}
ROUNDS = {"S": 7, "M": 5, "L": 3}
WINDOWS = ((512, 128), (512, 64), (256, 64), (256, 32), (128, 32))
LENGTHS = (16, 32, 64, 128, 256)
COMPARED_LENGTHS = (1, 2, 3, 5, 17, 64, 120, 254)
OTHER_SEED = 1

Calls = Sequence[Tokens]


@click.command()
@options
@click.argument("names", nargs=-1, type=click.Choice(list(SIZES)))
def main(data: Path, work: Path, quick: bool, names: tuple[str, ...]) -> None:
    """Measure the models NAMES, all of them without names; figures of the others stay."""
    torch.set_num_threads(1)
    run = Run(data, work, quick)
    for name in names or SIZES:
        checkpoint = _checkpoint(name, run)
        texts = texts_of(checkpoint, run, run.size(1_000, 60))
        measured = _measured(name, run, texts)
        kept = {} if quick else _kept()
        details = {
            "group_tokens": GROUP_TOKENS,
            "windows": _window_shares(texts),
            "sizes": {**kept, name: measured},
        }
        run.keep(NAME, QUESTION, list(_figures(details)), details)


def _kept() -> dict[str, Any]:
    """Return what is known of the sizes, from an earlier run."""
    path = BASELINE / f"{NAME}.json"
    if not path.is_file():
        return {}
    sizes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["details"]["sizes"]
    return sizes


def _checkpoint(name: str, run: Run) -> Checkpoint:
    if not (run.work / name / "checkpoint" / "config.json").exists():
        make(name, run)
    return open_checkpoint(run.work / name / "checkpoint")


def _window_shares(texts: Texts) -> dict[str, float]:
    """Return computed over useful tokens by size of windows, on all documents."""
    return {
        f"{window}/{overlap}": round(
            sum(map(len, texts.windows(window, overlap))) / texts.useful, 4
        )
        for window, overlap in WINDOWS
    }


def _measured(name: str, run: Run, texts: Texts) -> dict[str, Any]:
    calibration = texts_of(texts.checkpoint, run, 24, OTHER_SEED).up_to(4_000).windows()
    timed = texts.up_to(run.size(TIMED_TOKENS[name], 600))
    rounds = run.rounds(ROUNDS[name])
    runs = _forms(texts.checkpoint, calibration)
    speeds = _speeds(runs, timed.windows(), rounds)
    result: dict[str, Any] = {
        "rounds": rounds,
        "tokens": sum(map(len, timed.windows())),
        "forms": {
            form: {
                "error": _error(runs["float"][0], one[0], timed.windows()[:16]),
                "tokens_per_cpu_second": speeds[form],
                "changed_bits": _changed(one),
            }
            for form, one in runs.items()
        },
    }
    if name == "S":
        result["lengths"] = _lengths(runs, rounds)
    if name != "L":
        result["windows"] = _window_speeds(runs[CHOSEN][0], timed, rounds)
    return result


def _forms(checkpoint: Checkpoint, calibration: Calls) -> dict[str, tuple[Graph, Graph, Graph]]:
    """Return each form as a session, one made anew, and one of two threads."""
    network = load_tagger(checkpoint)
    labels = int(network.config.num_labels)
    data = export(
        Tagger(network, [(number,) for number in range(labels)]),
        "fp32",
        vocabulary=int(checkpoint.config["vocab_size"]),
        longest=256,
    )
    exact = onnx.load_from_string(data)
    table = graphs.with_byte_tables(exact)
    rows = [tokens[None] for tokens in calibration]
    made: Iterator[tuple[str, onnx.ModelProto]] = iter(
        (
            ("float", exact),
            ("dynamic, full weights", graphs.dynamic(table, full_weights=True)),
            ("dynamic", graphs.dynamic(table, full_weights=False)),
            ("per row", graphs.per_row(table)),
            ("fixed ranges", graphs.fixed(table, graphs.calibrated(table, rows))),
            ("static QDQ", graphs.static(table, rows)),
            ("blocks", graphs.blocks(table)),
        )
    )
    return {
        form: (_runner(graph), _runner(graph), _runner(graph, threads=2)) for form, graph in made
    }


def _runner(graph: onnx.ModelProto, threads: int = 1) -> Graph:
    session = graphs.session(graph, threads)

    def run(tokens: Tokens) -> npt.NDArray[np.float32]:
        scores: npt.NDArray[np.float32] = session.run(["emissions"], {"tokens": tokens})[0]
        return scores

    return run


def _groups(windows: Calls) -> list[Tokens]:
    """Return calls of windows of one length, at most `GROUP_TOKENS` tokens each."""
    by_length: dict[int, list[Tokens]] = defaultdict(list)
    for tokens in windows:
        by_length[len(tokens)].append(tokens)
    calls = []
    for length, alike in sorted(by_length.items()):
        count = max(1, GROUP_TOKENS // length)
        calls += [np.stack(alike[i : i + count]) for i in range(0, len(alike), count)]
    return calls


def _speeds(
    runs: Mapping[str, tuple[Graph, ...]], windows: Calls, rounds: int
) -> dict[str, dict[str, float]]:
    """Return tokens per CPU-second of each form, in calls of one window and in groups."""
    ways = {"one window": [tokens[None] for tokens in windows], "groups": _groups(windows)}
    jobs = {
        (form, way): (one[0], calls) for form, one in runs.items() for way, calls in ways.items()
    }
    timed = _timed(jobs, rounds)
    return {form: {way: timed[form, way] for way in ways} for form in runs}


def _timed(jobs: Mapping[Any, tuple[Graph, Calls]], rounds: int) -> dict[Any, float]:
    """Return the tokens per CPU-second of each job, medians of interleaved rounds."""
    seconds: dict[Any, list[float]] = {key: [] for key in jobs}
    for _ in range(rounds):
        for key, (run, calls) in jobs.items():
            started = time.process_time()
            for tokens in calls:
                run(tokens)
            seconds[key].append(time.process_time() - started)
    return {
        key: median(sum(tokens.size for tokens in calls) / one for one in seconds[key])
        for key, (_, calls) in jobs.items()
    }


def _lengths(
    runs: Mapping[str, tuple[Graph, ...]], rounds: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Return tokens per CPU-second by the length of windows, alone and 512 tokens in a call."""
    chance = np.random.default_rng(0)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for form in (CHOSEN, "per row", "fixed ranges"):
        found[form] = {}
        jobs: dict[Any, tuple[Graph, Calls]] = {}
        for length in LENGTHS:
            windows = chance.integers(5, 1_000, (GROUP_TOKENS // length, length))
            jobs[length, "one window"] = (runs[form][0], [each[None] for each in windows])
            jobs[length, "groups"] = (runs[form][0], [windows])
        timed = _timed(jobs, rounds)
        for (length, way), speed in timed.items():
            found[form].setdefault(str(length), {})[way] = speed
    return found


def _window_speeds(run: Graph, texts: Texts, rounds: int) -> dict[str, float]:
    """Return useful tokens per CPU-second by size of windows, one window a call."""
    jobs: dict[Any, tuple[Graph, Calls]] = {
        (window, overlap): (run, [tokens[None] for tokens in texts.windows(window, overlap)])
        for window, overlap in WINDOWS
    }
    return {
        f"{window}/{overlap}": round(
            speed * texts.useful / sum(tokens.size for tokens in jobs[window, overlap][1]), 1
        )
        for (window, overlap), speed in _timed(jobs, rounds).items()
    }


def _error(exact: Graph, run: Graph, windows: Calls) -> float:
    """Return the root mean square of what a form changes, relative to the scores' deviation."""
    wanted = np.concatenate([exact(tokens[None])[0] for tokens in windows])
    found = np.concatenate([run(tokens[None])[0] for tokens in windows])
    return float(np.sqrt(np.mean((found - wanted) ** 2)) / wanted.std())


def _changed(runs: tuple[Graph, Graph, Graph]) -> dict[str, int]:
    """Return in how many of the compared windows a bit differs from the window alone."""
    chance = np.random.default_rng(0)
    run, again, two_threads = runs
    changed = {"beside others": 0, "shuffled": 0, "restarted": 0, "two threads": 0}
    for length in COMPARED_LENGTHS:
        windows = chance.integers(5, 1_000, (4, length))
        windows[1] = 7  # one piece, over and over
        windows[2] = windows[0][::-1]
        alone = [run(each[None])[0] for each in windows]
        order = chance.permutation(4)
        changed["beside others"] += _differing(alone, run(windows))
        changed["shuffled"] += _differing([alone[i] for i in order], run(windows[order]))
        changed["restarted"] += _differing(alone, np.stack([again(w[None])[0] for w in windows]))
        changed["two threads"] += _differing(
            alone, np.stack([two_threads(w[None])[0] for w in windows])
        )
    return {"compared": 4 * len(COMPARED_LENGTHS), **changed}


def _differing(wanted: Sequence[npt.NDArray[np.float32]], found: npt.NDArray[np.float32]) -> int:
    return sum(one.tobytes() != two.tobytes() for one, two in zip(wanted, found, strict=True))


def _figures(details: Mapping[str, Any]) -> Iterator[Figure]:
    for size, share in details["windows"].items():
        goal = 1.2 if size == "256/32" else None
        yield Figure(f"computed / useful tokens, windows {size}", share, goal, "at most")
    for name, found in details["sizes"].items():
        forms = found["forms"]
        best = max(max(form["tokens_per_cpu_second"].values()) for form in forms.values())
        for form, values in forms.items():
            for way, speed in values["tokens_per_cpu_second"].items():
                yield Figure(f"{name}, {form}, {way}: share of the fastest", round(speed / best, 3))
        bits = forms[CHOSEN]["changed_bits"]
        yield Figure(
            f"{name}, {CHOSEN}: bits changed by a restart", bits["restarted"], 0, "at most"
        )


if __name__ == "__main__":
    main()
