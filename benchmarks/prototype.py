"""How fast the bare model is beside the network that it grew from: words per CPU-second.

    python -m benchmarks.prototype --prototype FILE

FILE is `wordhash_recipe.py`; needs the training environment. Its network, in our model's shape and
with random weights, is exported as its user would have done it: sentences padded to the longest of
a batch, every position computed, the usual dynamic int8. Both read the words of the same documents,
cut by our segmentation: ours in the worker's calls, the prototype in windows as long as it was
trained on, sorted by length, in batches of three sizes. Its fastest is what ours is compared with:
our graph as it is served, each distinct word of a call once, and beside it with each unit computed,
as the prototype does it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import onnx
import torch

from benchmarks import encoder_graphs as graphs
from benchmarks.documents import Document, mix_of_words, words_of
from benchmarks.raw import RawCalls, raw_calls
from benchmarks.results import Figure, Run, median, options
from onoma.errors import WrongUseError
from onoma.ner.features import BYTES_PER_UNIT, HASH_BUCKETS, HASHES_PER_UNIT, bytes_of, hashes_of
from onoma.registry import bundle
from onoma.text.segmentation import segment
from onoma.training.torch_export import exported, quiet, refuse_difference

WORDS, QUICK_WORDS = 100_000, 2_000
ROUNDS = 7
WINDOW_UNITS = 100
"""It was trained on sentences of at most so many."""
BATCHES = {"batches of 32": 32, "batches of 8": 8, "one window a call": 1}
WIDTH, TABLE_WIDTH, LAYERS = 256, 96, 4
GOAL = 1.2
SERVED, EVERY_UNIT = "as served", "every unit computed"
QUESTION = "How fast is the bare model beside the prototype that it grew from?"

EDITS = (
    (r"def forward\(s,ids,m,", "def forward(s,f,c,m,"),
    (r"u,inv=torch\.unique.*?_ba\[un\]\);", "f=f.flatten(0,1); c=c.flatten(0,1);"),
    (r"\)\[inv\]\n", ").unflatten(0,m.shape)\n"),
    (r"return x\n", "return s.o(x)\n"),
)
"""What makes its network one that can be exported: features come in as tensors, not from a table of
the words seen so far, each position is computed, and label scores come out.
"""

Inputs = Mapping[str, npt.NDArray[np.generic]]
"""`hashes` (windows, units, 7), `bytes` (windows, units, 24), `mask` (windows, units)."""


@click.command()
@options
@click.option("--prototype", type=click.Path(exists=True, path_type=Path), required=True)
def main(data: Path, work: Path, quick: bool, prototype: Path) -> None:
    """Take turns, print, keep the JSON."""
    run = Run(data, work, quick)
    torch.set_num_threads(1)
    model = bundle.load(bundle.default_directory())
    documents = mix_of_words(run.size(WORDS, QUICK_WORDS), data)
    windows = [window for document in documents for window in windows_of(document)]
    calls = {way: batches(windows, size) for way, size in BATCHES.items()}
    session = _session(prototype, len(model.recogniser.labels), calls)
    jobs = {
        SERVED: raw_calls(model, documents, as_served=True),
        EVERY_UNIT: raw_calls(model, documents),
    } | {
        way: RawCalls(
            lambda inputs: session.run(["emissions"], inputs),
            batched,
            words_of(documents),
        )
        for way, batched in calls.items()
    }
    speeds = _speeds(jobs, run.rounds(ROUNDS))
    fastest = max(calls, key=lambda way: speeds[way])
    details = {
        "documents": len(documents),
        "words": words_of(documents),
        "units": sum(map(len, windows)),
        "words_per_cpu_second": speeds,
        "fastest_of_the_prototype": fastest,
        "computed_per_unit": {way: _computed_per_unit(each) for way, each in calls.items()},
    }
    best = Figure(
        "raw session / prototype at its fastest", _ratio(speeds[SERVED], speeds[fastest]), GOAL
    )
    ratios = [
        Figure(f"raw session, {ours} / prototype, {way}", _ratio(speeds[ours], speeds[way]))
        for ours in (SERVED, EVERY_UNIT)
        for way in calls
    ]
    run.keep("prototype", QUESTION, [best, *ratios], details)


def windows_of(document: Document) -> list[list[str]]:
    """Return the units of a document in pieces of at most `WINDOW_UNITS`."""
    units = segment(document.text).strings()
    return [units[start : start + WINDOW_UNITS] for start in range(0, len(units), WINDOW_UNITS)]


def batches(windows: Sequence[Sequence[str]], size: int) -> list[Inputs]:
    """Return calls of `size` windows, sorted by length, each call padded to its longest."""
    ordered = sorted(windows, key=len)
    return [_padded(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def _padded(windows: Sequence[Sequence[str]]) -> Inputs:
    shape = (len(windows), max(map(len, windows)))
    hashes = np.zeros((*shape, HASHES_PER_UNIT), np.int64)
    bytes_ = np.zeros((*shape, BYTES_PER_UNIT), np.int64)
    mask = np.zeros(shape, np.bool_)
    for row, units in enumerate(windows):
        hashes[row, : len(units)] = [hashes_of(unit) for unit in units]
        bytes_[row, : len(units)] = [bytes_of(unit) for unit in units]
        mask[row, : len(units)] = True
    return {"hashes": hashes, "bytes": bytes_, "mask": mask}


def network_source(text: str) -> str:
    """Return the class of the network out of the text of the prototype; nothing of it is run."""
    classes = (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    found = next((node for node in classes if node.name == "M"), None)
    if found is None:
        raise WrongUseError("found no class M; wanted the prototype, wordhash_recipe.py")
    return "\n".join(text.splitlines()[found.lineno - 1 : found.end_lineno])


def exportable(source: str) -> str:
    """Return the class with `EDITS`."""
    for pattern, replacement in EDITS:
        source, count = re.subn(pattern, replacement, source)
        if count != 1:
            raise WrongUseError(
                f"found {pattern} {count} times in the prototype's network, wanted it once: "
                "this is another version of wordhash_recipe.py; change EDITS for it"
            )
    return source


def _network(source: str, labels: int, **more: Any) -> Any:
    """Return the network of a class, in our model's shape; `more` are further names it asks for."""
    names = {
        "torch": torch,
        "nn": torch.nn,
        "F": torch.nn.functional,
        "A": SimpleNamespace(d=WIDTH, emb=TABLE_WIDTH),
        "NB": HASH_BUCKETS,
        "MB": BYTES_PER_UNIT,
        "DIL": [1] * LAYERS,
        "C": labels,
        **more,
    }
    exec(source, names)
    return names["M"]().eval()


def _session(prototype: Path, labels: int, calls: Mapping[str, Sequence[Inputs]]) -> Any:
    """Return a session of the prototype's export, whose float graph was compared with itself."""
    source = network_source(prototype.read_text(encoding="utf-8"))
    torch.manual_seed(0)
    network = _network(exportable(source), labels)
    graph = _exported(network)
    tried = [batched[len(batched) // 2] for batched in calls.values()]
    refuse_difference(_difference(graph, source, network, tried))
    with quiet():
        return graphs.session(graphs.dynamic(graphs.with_byte_tables(graph), full_weights=True))


def _exported(network: Any) -> onnx.ModelProto:
    axes = {0: torch.export.Dim("windows"), 1: torch.export.Dim("units")}
    shape = (2, 5)
    inputs = {
        "hashes": torch.ones((*shape, HASHES_PER_UNIT), dtype=torch.int64),
        "bytes": torch.ones((*shape, BYTES_PER_UNIT), dtype=torch.int64),
        "mask": torch.ones(shape, dtype=torch.bool),
    }
    return exported(network, {name: (example, axes) for name, example in inputs.items()})


def _difference(
    graph: onnx.ModelProto, source: str, network: Any, calls: Sequence[Inputs]
) -> float:
    """Return the largest difference of a score between the graph and the class as it stands."""
    session = graphs.session(graph)
    worst = 0.0
    for inputs in calls:
        mask = inputs["mask"]
        tables = {"_fa": inputs["hashes"], "_ba": inputs["bytes"]}
        rows = {name: table.reshape(mask.size, -1) for name, table in tables.items()}
        untouched = _network(source, network.o.out_features, **rows)
        untouched.load_state_dict(network.state_dict())
        with torch.inference_mode():
            ids = torch.arange(mask.size).reshape(mask.shape)
            wanted = untouched.o(untouched(ids, torch.from_numpy(mask))).numpy()
        found = session.run(["emissions"], dict(inputs))[0]
        worst = max(worst, float(np.abs(found - wanted)[mask].max()))
    return worst


def _speeds(jobs: Mapping[str, RawCalls], rounds: int) -> dict[str, float]:
    """Return the words per CPU-second of each job, medians of interleaved rounds."""
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            found[name].append(job.run().words_per_cpu_second)
    return {name: median(each) for name, each in found.items()}


def _computed_per_unit(calls: Sequence[Inputs]) -> float:
    masks = [inputs["mask"] for inputs in calls]
    return round(sum(mask.size for mask in masks) / sum(int(mask.sum()) for mask in masks), 4)


def _ratio(ours: float, theirs: float) -> float:
    return round(ours / theirs, 3)


if __name__ == "__main__":
    main()
